package capture

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"xmppscope/internal/columns"
	"xmppscope/session"
)

func init() {
	add(Format{Ext: ".txt", Title: "the ladder as plain text, 80 columns wide", New: newLadder})
}

// The ladder as text: times on the left, three lanes, and below each arrow what
// there is to say about it.
const (
	gutter    = 16 // "15:04:05.000000 "
	laneGap   = 30 // characters between two lanes
	textWidth = 2*laneGap + 3
)

// ladderWriter draws events as arrows between client, xmppscope and server, as
// they happen. Where another session goes on, a line says so; a session's verdict
// follows its end. Where the file can be written anew (Rewriter) the verdicts are
// put on top in the end.
type ladderWriter struct {
	w        io.Writer
	o        Options
	current  int // the session drawn last
	reports  map[int]*report
	at       int64 // bytes of the file so far
	head     int64 // those of its heading
	verdicts []run
}

func newLadder(w io.Writer, o Options) (Writer, error) {
	n, err := fmt.Fprintf(w, "%s\n", session.SafeLine(o.heading()))
	return &ladderWriter{w: w, o: o, reports: map[int]*report{}, at: int64(n), head: int64(n)}, err
}

func (l *ladderWriter) Write(e session.Event) error {
	if !session.Numbered(e.Body) {
		return nil
	}
	e = session.Shown(&e, l.o.Reveal)
	var b strings.Builder
	r := l.reports[e.Session]
	if r == nil {
		r = new(report)
		l.reports[e.Session] = r
	}
	if e.Session != l.current {
		lanes(&b, &e, r.events > 0)
		l.current = e.Session
	}
	r.apply(&e)
	first := e.Step != nil && r.rungs[len(r.rungs)-1].Seq == e.Seq
	drawEvent(&b, &e, &l.o, first)
	if r.over() {
		l.verdict(&b, r)
		delete(l.reports, e.Session)
	}
	return l.out(&b)
}

func (l *ladderWriter) out(b *strings.Builder) error {
	n, err := io.WriteString(l.w, b.String())
	l.at += int64(n)
	return err
}

// verdict draws a session's, and remembers where it stands.
func (l *ladderWriter) verdict(b *strings.Builder, r *report) {
	before := b.Len()
	drawVerdict(b, r)
	l.verdicts = grow(l.verdicts, run{l.at + int64(before), int64(b.Len() - before)})
}

// Close writes the verdicts of sessions that have not ended.
func (l *ladderWriter) Close() error {
	var b strings.Builder
	for _, id := range slices.Sorted(maps.Keys(l.reports)) {
		l.verdict(&b, l.reports[id])
	}
	if err := l.out(&b); err != nil {
		return err
	}
	if r, ok := l.w.(Rewriter); ok && len(l.verdicts) > 0 {
		return r.Rewrite(l.rewrite)
	}
	return nil
}

// rewrite copies the file, the verdicts first.
func (l *ladderWriter) rewrite(old io.ReaderAt, w io.Writer) error {
	parts := append([]run{{0, l.head}}, l.verdicts...)
	from := l.head
	for _, v := range l.verdicts {
		parts = append(parts, run{from, v.at - from})
		from = v.at + v.size
	}
	for _, p := range append(parts, run{from, l.at - from}) {
		if _, err := io.Copy(w, io.NewSectionReader(old, p.at, p.size)); err != nil {
			return err
		}
	}
	return nil
}

// lanes is the head of a session's drawing.
func lanes(b *strings.Builder, e *session.Event, again bool) {
	title := fmt.Sprintf("━━ session %d, %s ", e.Session, e.At.Format("2006-01-02"))
	if again {
		title = fmt.Sprintf("━━ session %d goes on ", e.Session)
	}
	b.WriteString("\n" + title + strings.Repeat("━", max(0, gutter+textWidth-columns.Of(title))) + "\n\n")
	b.WriteString(strings.Repeat(" ", gutter) + "client" + strings.Repeat(" ", laneGap-9) + "xmppscope" + strings.Repeat(" ", laneGap-8) + "server\n")
}

// drawEvent is the event's arrow and what is said about it; what happens on its
// rung is told at the first event there.
func drawEvent(b *strings.Builder, e *session.Event, o *Options, first bool) {
	b.WriteString(strings.TrimRight(e.At.Format("15:04:05.000000 ")+arrow(e), " ") + "\n")
	aside := ""
	if e.Step != nil && e.Step.Since > 0 {
		aside = "+" + session.ShortTime(e.Step.Since)
	}
	say := func(mark, text string) {
		for i, line := range wrap(text, textWidth-columns.Of(mark)) {
			lead := mark
			if i > 0 && mark != "| " {
				lead = strings.Repeat(" ", len(mark))
			}
			fmt.Fprintf(b, "%*s %s%s\n", gutter-1, aside, lead, line)
			aside = ""
		}
	}
	say("", headline(e))
	if s := e.Step; first {
		say("", session.SafeLine(withRef(s.Title+": "+s.Text, s.Ref)))
	}
	for line := range strings.Lines(string(appendRawLines(nil, e, "", o.Pretty))) {
		say("| ", strings.TrimSuffix(line, "\n"))
	}
	for i := range e.Notes {
		mark, text, _ := strings.Cut(noteLine(&e.Notes[i]), " ")
		say(mark+" ", text)
	}
	b.WriteString(strings.Repeat(" ", gutter) + lane + strings.Repeat(" ", laneGap) + lane + strings.Repeat(" ", laneGap) + lane + "\n")
}

const lane = "│"

// arrow is the three lanes with what went between them.
func arrow(e *session.Event) string {
	label := e.Kind()
	if e.Name != "" {
		label = e.Name
	}
	if s := e.Step; s != nil {
		label = s.ID
	}
	if e.Seq > 0 {
		label = fmt.Sprintf("#%d %s", e.Seq, label)
	}
	label = " " + columns.Clip(session.SafeLine(label), laneGap-6) + " "
	empty := strings.Repeat(" ", laneGap)
	switch e.Body.(type) {
	case session.TLSEstablished, session.TLSFailed:
		return onLeg(e.Leg, "◀"+centred(label, "═", laneGap-2)+"▶", empty)
	case session.TCPOpened:
		return onLeg(e.Leg, centred(label, "─", laneGap-1)+"▶", empty)
	case session.TCPClosed, session.TCPFailed, session.TCPTried:
		return onLeg(e.Leg, centred(label, "╌", laneGap-1)+"×", empty)
	}
	line := strings.Repeat("─", laneGap-1)
	begin := "─" + label + strings.Repeat("─", laneGap-1-columns.Of(label))
	end := strings.Repeat("─", laneGap-1-columns.Of(label)) + label + "─"
	switch {
	case e.Origin == session.OriginSelf && e.Dir == session.C2S:
		return lane + empty + lane + begin[:len(begin)-len("─")] + "▶" + lane
	case e.Origin == session.OriginSelf && e.Dir == session.S2C:
		return lane + "◀" + end[len("─"):] + lane + empty + lane
	case e.Dir == session.C2S && session.IsPlaintext(e.Body):
		return lane + begin + "┼" + line + "▶" + lane
	case e.Dir == session.S2C && session.IsPlaintext(e.Body):
		return lane + "◀" + line + "┼" + end + lane
	}
	return onLeg(e.Leg, centred(label, " ", laneGap), empty)
}

// rungArrow is arrow for a rung, whose handshakes are one.
func rungArrow(g *rung) string {
	if g.Dir == session.NoDir {
		legs := [2]string{}
		for i, leg := range []session.Leg{session.ClientLeg, session.ServerLeg} {
			label := strings.TrimRight(fmt.Sprintf(" #%d %s", g.Seq, cmp.Or(session.SafeLine(g.TLS[leg]), g.ID)), " ") + " "
			legs[i] = "◀" + centred(columns.Clip(label, laneGap-4), "═", laneGap-2) + "▶"
		}
		return lane + legs[0] + lane + legs[1] + lane
	}
	return arrow(&session.Event{Seen: session.Seen{Seq: g.Seq, Dir: g.Dir, Body: session.StreamElement{}}, Said: session.Said{Step: &g.Step}})
}

// onLeg draws on one leg; what belongs to neither stands on the client's.
func onLeg(leg session.Leg, drawn, empty string) string {
	if leg == session.ServerLeg {
		return lane + empty + lane + drawn + lane
	}
	return lane + drawn + lane + empty + lane
}

// centred puts a text into the middle of a line that is so many characters wide.
func centred(text, fill string, width int) string {
	room := max(0, width-columns.Of(text))
	return strings.Repeat(fill, room/2) + text + strings.Repeat(fill, room-room/2)
}

// drawVerdict says how the session went, and draws its ladder once more, in short.
func drawVerdict(b *strings.Builder, r *report) {
	b.WriteString("\n")
	for i := range r.rungs {
		g := &r.rungs[i]
		fmt.Fprintf(b, "%*s %s\n", gutter-1, session.ShortTime(g.At.Sub(r.Began)), rungArrow(g))
	}
	if len(r.rungs) > 0 {
		b.WriteString("\n")
	}
	lines := wrap(fmt.Sprintf("session %d: %s", r.ID, r.verdict()), gutter+textWidth)
	if r.Advice != "" {
		lines = append(lines, wrap(r.Advice, gutter+textWidth)...)
	}
	for _, f := range r.worstFirst() {
		lines = append(lines, wrap(fmt.Sprintf("! %s at #%d: %s", f.Severity, f.Seq, withRef(f.Text, f.Ref)), gutter+textWidth)...)
	}
	b.WriteString(strings.Join(lines, "\n") + "\n")
}

// wrap breaks a text into lines of at most so many characters, at spaces where
// there are any. Indentation at its start stays.
func wrap(text string, width int) []string {
	text = session.SafeLine(text)
	indent := text[:len(text)-len(strings.TrimLeft(text, " "))]
	if len(indent) > width/2 {
		indent = indent[:width/2]
	}
	var out []string
	line, used := indent, len(indent)
	empty := true
	for word := range strings.FieldsSeq(text) {
		for word != "" {
			space := 1
			if empty {
				space = 0
			}
			n, taken := columns.Fit(word, width-used-space)
			if n == len(word) {
				line, used = line+strings.Repeat(" ", space)+word, used+space+taken
				empty, word = false, ""
				continue
			}
			if empty { // longer than a line
				_, first := utf8.DecodeRuneInString(word)
				n = max(n, first)
				line, word = line+word[:n], word[n:]
			}
			out = append(out, line)
			line, used, empty = indent, len(indent), true
		}
	}
	if !empty {
		out = append(out, line)
	}
	return out
}
