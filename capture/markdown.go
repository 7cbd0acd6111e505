package capture

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"xmppscope/session"
)

func init() {
	add(Format{Ext: ".md", Title: "Markdown to paste into an issue", New: newMarkdown})
}

// Bounds of Markdown: an issue at GitHub takes 65,536 characters.
const (
	mdLimit   = 60_000  // bytes of a document: its last sessions are a line each, and then a number
	mdEnd     = 4_000   // more, for those lines
	mdDetails = 40_000  // bytes of one session's folded details
	mdKept    = 4 << 20 // bytes of those of all sessions in progress
	mdOne     = 4_000   // bytes of the XML of one event
	mdOthers  = 100     // stanzas and the like that are listed
)

// markdownWriter writes a section for each session once it has ended, or at the
// end; in a file those in progress are the tail, drawn anew with each Flush.
// Events that are no step of the ladder are listed, up to mdOthers; only those
// with a finding have their XML.
type markdownWriter struct {
	w       io.Writer
	tail    TailWriter // w, if it is one
	o       Options
	live    map[int]*mdSession
	used    int // bytes of the document so far
	kept    int // bytes of details of those in live
	left    int // sessions that had no room
	changed bool
}

type mdSession struct {
	report  report
	details []string // folded, one a step
	size    int      // their bytes
	left    int      // details that had no room
	others  []string
	listed  int // their bytes
	more    int // others beyond mdOthers
}

func newMarkdown(w io.Writer, o Options) (Writer, error) {
	m := &markdownWriter{w: w, o: o, live: map[int]*mdSession{}}
	m.tail, _ = w.(TailWriter)
	n, err := fmt.Fprintf(w, "%s\n\n", mdCode(o.heading()))
	m.used = n
	return m, err
}

func (m *markdownWriter) Write(e session.Event) error {
	if !session.Numbered(e.Body) {
		return nil
	}
	e = session.Shown(&e, m.o.Reveal)
	s := m.live[e.Session]
	if s == nil {
		s = &mdSession{}
		m.live[e.Session] = s
	}
	s.report.apply(&e)
	m.kept -= s.kept()
	s.add(&e, &m.o, m.kept < mdKept)
	m.kept += s.kept()
	m.changed = true
	if !s.report.over() {
		return nil
	}
	delete(m.live, e.Session)
	m.kept -= s.kept()
	var b bytes.Buffer
	m.used, m.left = m.section(&b, s, m.used, m.left)
	if m.tail != nil {
		return m.tail.WriteTail(b.Bytes(), nil)
	}
	_, err := m.w.Write(b.Bytes())
	return err
}

// section adds what there is room for of a session, and says how much is used then
// and how many sessions were left out.
func (m *markdownWriter) section(b *bytes.Buffer, s *mdSession, used, left int) (int, int) {
	text := s.text(min(mdDetails, (mdLimit-used)*2/3))
	if used+len(text) > mdLimit {
		text = fmt.Sprintf("- session %d: %s\n", s.report.ID, mdSentence(session.Clip(s.report.verdict(), 200)))
	}
	if used+len(text) > mdLimit+mdEnd {
		return used, left + 1
	}
	b.WriteString(text)
	return used + len(text), left
}

// Flush writes the sessions in progress, where they can be written over.
func (m *markdownWriter) Flush() error {
	if m.tail == nil || !m.changed {
		return nil
	}
	m.changed = false
	return m.tail.WriteTail(nil, m.progress(maxLive))
}

// Close writes the sessions that have not ended.
func (m *markdownWriter) Close() error {
	_, err := m.w.Write(m.progress(len(m.live)))
	return err
}

func (m *markdownWriter) progress(most int) []byte {
	var b bytes.Buffer
	used, left := m.used, m.left
	ids := slices.Sorted(maps.Keys(m.live))
	for _, id := range ids[max(0, len(ids)-most):] {
		used, left = m.section(&b, m.live[id], used, left)
	}
	if left > 0 {
		fmt.Fprintf(&b, "\n%d more sessions are left out, to fit an issue; .html has them, and --filter picks some\n", left)
	}
	return b.Bytes()
}

// add keeps what there is to say about an event, if there is room at all.
func (s *mdSession) add(e *session.Event, o *Options, room bool) {
	if e.Step == nil && e.Worst() < session.Notice {
		if len(s.others) == mdOthers || !room {
			s.more++
			return
		}
		line := fmt.Sprintf("| %d | %s | %s | %s |\n", e.Seq, session.ShortTime(e.At.Sub(s.report.Began)), mdArrow(e.Dir, e.Leg), mdCode(session.Clip(headline(e), 200)))
		s.others, s.listed = append(s.others, line), s.listed+len(line)
		return
	}
	if !room {
		s.left++
		return
	}
	text := o.mdDetail(e)
	if s.size+len(text) > mdDetails {
		s.left++
		return
	}
	s.details, s.size = append(s.details, text), s.size+len(text)
}

// kept is how many bytes add has kept.
func (s *mdSession) kept() int { return s.size + s.listed }

func mdArrow(d session.Dir, l session.Leg) string {
	switch {
	case d == session.C2S:
		return "C → S"
	case d == session.S2C:
		return "C ← S"
	case l == session.ClientLeg:
		return "C ↔ x"
	case l == session.ServerLeg:
		return "x ↔ S"
	}
	return "C ↔ S"
}

// mdDetail is one event, folded.
func (o *Options) mdDetail(e *session.Event) string {
	var b strings.Builder
	title := fmt.Sprintf("<code>#%d</code>: %s", e.Seq, mdCodeHTML(headline(e)))
	if g := e.Step; g != nil {
		title = fmt.Sprintf("<code>#%d</code>, %s: %s", e.Seq, mdCodeHTML(g.ID), mdCodeHTML(g.Title))
	}
	fmt.Fprintf(&b, "<details><summary>%s</summary>\n\n", title)
	if e.Summary != "" && e.Step != nil {
		fmt.Fprintf(&b, "%s\n\n", mdCode(session.Clip(e.Summary, 400)))
	}
	for i := range e.Notes {
		n := &e.Notes[i]
		b.WriteString("- ")
		if n.Severity > session.Info {
			fmt.Fprintf(&b, "**%s**: ", n.Severity)
		}
		if n.Name != "" {
			fmt.Fprintf(&b, "%s = %s: ", mdCode(n.Name), mdCode(session.Clip(n.Value, 400)))
		}
		b.WriteString(mdSentence(withRef(n.Text, n.Ref)) + "\n")
	}
	if len(e.Notes) > 0 {
		b.WriteString("\n")
	}
	if lines, ok := o.xmlLines(e, mdOne); ok {
		b.WriteString(mdFence("xml", plainLines(lines)) + "\n")
	}
	b.WriteString("</details>\n\n")
	return b.String()
}

// mdCodeHTML is a text within HTML: escaped, and in an element that trackers look
// for nothing in.
func mdCodeHTML(s string) string {
	s = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "`", "&#96;", "*", "&#42;", "_", "&#95;", "[", "&#91;", "]", "&#93;", "\\", "&#92;", "|", "¦").Replace(session.SafeLine(session.Clip(s, 200)))
	return "<code>" + s + "</code>"
}

func plainLines(lines []session.Line) string {
	var b strings.Builder
	for _, line := range lines {
		for _, p := range line {
			b.WriteString(p.Text)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// text is the session's section, with so many bytes of details.
func (s *mdSession) text(room int) string {
	r := &s.report
	var b strings.Builder
	fmt.Fprintf(&b, "### Session %d: %s\n\n", r.ID, mdSentence(r.verdict()))
	if r.Advice != "" {
		fmt.Fprintf(&b, "%s\n\n", mdSentence(r.Advice))
	}
	b.WriteString("| | |\n|---|---|\n")
	for _, f := range r.facts() {
		fmt.Fprintf(&b, "| %s | %s |\n", f.Label, mdCode(f.Value))
	}
	if len(r.rungs) > 0 {
		b.WriteString("\n**The ladder**\n\n| # | time | | step | what |\n|--:|--:|:-:|---|---|\n")
		for i := range r.rungs {
			g := &r.rungs[i]
			mark := ""
			if g.Failed {
				mark = "**failed** "
			}
			fmt.Fprintf(&b, "| %d | %s | %s | %s | %s%s |\n", g.Seq, session.ShortTime(g.At.Sub(r.Began)), mdArrow(g.Dir, session.NoLeg), mdCode(g.ID), mark, mdCode(session.Clip(g.Summary, 100)))
		}
		if r.more > 0 {
			fmt.Fprintf(&b, "\n%d more steps\n", r.more)
		}
	}
	s.findings(&b)
	s.folded(&b, room)
	return b.String()
}

func (s *mdSession) findings(b *strings.Builder) {
	b.WriteString("\n**Findings**\n\n")
	list := s.report.worstFirst()
	if len(list) == 0 {
		b.WriteString("none\n")
	}
	for _, f := range list {
		where := fmt.Sprintf("`#%d`", f.Seq) // in code a tracker makes no link of it
		if f.Count > 1 {
			where += fmt.Sprintf(", and %d more %s", f.Count-1, session.Noun(f.Count-1, "time"))
		}
		fmt.Fprintf(b, "- **%s** (%s): %s\n", f.Kind(), where, mdSentence(withRef(f.Text, f.Ref)))
	}
	b.WriteString("\n")
}

func (s *mdSession) folded(b *strings.Builder, room int) {
	left := s.left
	for _, text := range s.details {
		if room -= len(text); room < 0 {
			left++
			continue
		}
		b.WriteString(text)
	}
	if left > 0 {
		fmt.Fprintf(b, "%d more steps are left out, to fit an issue; .html has them all\n\n", left)
	}
	if len(s.others) == 0 {
		return
	}
	fmt.Fprintf(b, "<details><summary>%d other events</summary>\n\n| event | time | | what |\n|--:|--:|:-:|---|\n", len(s.others)+s.more)
	for _, line := range s.others {
		b.WriteString(line)
	}
	if s.more > 0 {
		fmt.Fprintf(b, "\n%d more are left out, to fit an issue; .html has them all\n", s.more)
	}
	b.WriteString("\n</details>\n\n")
}
