package viewer

import (
	"fmt"
	"slices"
	"strings"

	"xmppscope/internal/inspect"
	"xmppscope/session"
)

// view says how the detail pane shows an event.
type view uint8

const (
	explained view = iota
	rawText
	hexDump
)

var viewNames = [...]clean{explained: "explained", rawText: "raw", hexDump: "hex"}

// rawLimit is how many bytes of an element the detail pane shows.
const rawLimit = 128 << 10

// textBlock collects the lines of a text that is wrapped to a width.
type textBlock struct {
	theme *theme
	width int
	lines []line
	// places are those of the sessions on the page, if it lists any.
	places []place
	// lit are the bytes that are lit, of a chosen field; note is its place among the notes,
	// and about what the lines are about.
	lit   session.Span
	note  int
	about []about
}

// add wraps a line; what does not fit goes on under hang blanks.
func (p *textBlock) add(hang int, l ...span) {
	if p.theme.spelled {
		for i := range l {
			l[i].text = l[i].text.spelled()
		}
	}
	p.lines = append(p.lines, line(l).wrap(p.width, hang)...)
}

func (p *textBlock) gap() {
	if n := len(p.lines); n > 0 && len(p.lines[n-1]) > 0 {
		p.lines = append(p.lines, nil)
	}
}

func (p *textBlock) heading(s clean) {
	p.gap()
	p.add(0, span{" " + s, p.theme.title.Underline(true)})
}

// field is one line of a table: a name, and a value that hangs beside it.
func (p *textBlock) field(column int, name clean, value ...span) {
	name = "   " + name
	l := line{{name + spaces(column+4-name.width()) + " ", p.theme.faint}}
	p.add(column+5, append(l, value...)...)
}

// detailLines is the whole text of the detail pane for an event. Secrets must
// have been blanked before, unless they are revealed.
func (u *ui) detailLines(e *session.Event, width int) []line {
	_, index := u.event()
	p := &textBlock{theme: &u.theme, width: width, note: u.fieldChosen(index)}
	if p.note >= 0 && p.note < len(e.Notes) {
		p.lit = e.Notes[p.note].Span
	}
	defer func() { u.lines.about = p.about }()
	p.title(e)
	if note := u.noteSpan(e); note != nil {
		p.add(3, append(line{{" ", p.theme.text}}, note...)...)
	}
	p.facts(e, u.current().Captured)
	switch {
	case u.view == explained:
	case len(e.Raw) == 0:
		p.add(1, span{" • this event has no bytes of its own; it is explained instead", p.theme.notice})
	case u.view == rawText:
		p.gap()
		p.raw(e.Raw)
		p.onBytes(len(p.lines), 0, 0, nil)
		return p.lines
	case u.view == hexDump:
		p.gap()
		p.hex(u.onTheWire(e))
		return p.lines
	}
	p.failed(e)
	p.explain(e)
	p.body(e)
	p.fields(e, u.reveal)
	p.xml(e, u.options.Pretty)
	if _, closed := e.Body.(session.TCPClosed); closed && !e.Beside && u.current().Ended {
		p.summary(u.current())
	}
	return p.lines
}

// title is what the event is called, and the section that it comes from.
func (p *textBlock) title(e *session.Event) {
	r := inspect.NewRow(e)
	head := line{{" ", p.theme.text}}
	head = append(head, span{wiref("#%d  ", r.Number), p.theme.accent})
	if mark := mark(r.Tone); mark != " " {
		head = append(head, span{mark + " ", p.theme.of(r.Tone)})
	}
	style := p.theme.strong
	if r.Tone == failure {
		style = p.theme.failure
	}
	head = append(head, span{wire(r.Title), style})
	if e.Step != nil && e.Step.Ref != "" {
		head = append(head, span{"  " + wire(e.Step.Ref), p.theme.faint})
	}
	kind := e.Kind()
	if e.Step != nil {
		kind = fmt.Sprintf("%s · step %d", kind, e.Step.N)
	}
	head = append(head, span{"  " + wire(kind), p.theme.faint})
	p.add(1, head...)
	if r.More != "" {
		p.add(1, span{" " + wire(r.More), p.theme.text})
	}
}

// facts are the way of the bytes, the times and the size.
func (p *textBlock) facts(e *session.Event, oneWire bool) {
	parts := []string{way(e, oneWire), e.At.Format("15:04:05.000000")}
	if e.Conn > 0 {
		parts = append(parts, fmt.Sprintf("connection %d of the session", e.Conn))
	}
	if e.Step != nil && e.Step.Since > 0 && e.Step.N > 1 {
		parts = append(parts, session.ShortTime(e.Step.Since)+" after the step before")
	}
	if e.Answers > 0 {
		parts = append(parts, fmt.Sprintf("answers #%d after %s", e.Answers, session.ShortTime(e.RTT)))
	}
	if e.Size > 0 {
		parts = append(parts, inspect.Amount(e.Size))
	}
	p.add(1, span{" " + wire(strings.Join(parts, " · ")), p.theme.faint})
	if e.Truncated {
		p.add(1, span{wiref(" ▲ only the first %s of %s were kept", inspect.Amount(int64(len(e.Raw))), inspect.Amount(e.Size)), p.theme.warning})
	}
}

// way says who spoke to whom.
func way(e *session.Event, oneWire bool) string {
	names := map[session.Dir][2]string{session.C2S: {"client", "server"}, session.S2C: {"server", "client"}}
	if n, ok := names[e.Dir]; ok {
		if e.Origin == session.OriginSelf {
			return "xmppscope → " + n[1]
		}
		return n[0] + " → " + n[1]
	}
	if e.Leg != session.NoLeg && !oneWire {
		return e.Leg.String() + " leg"
	}
	return "session"
}

// explain is the text of the step and the sentences of the notes, worst first.
func (p *textBlock) explain(e *session.Event) {
	p.gap()
	for s := session.Error; ; s-- {
		for i := range e.Notes {
			if n := &e.Notes[i]; n.Severity == s && n.Text != "" && (s > session.Info || n.Name == "") {
				p.sentence(n)
			}
		}
		if s == session.Notice && e.Step != nil && e.Step.Text != "" {
			p.gap()
			for _, l := range wireLines(e.Step.Text) {
				p.add(1, span{" " + l, p.theme.text})
			}
			p.gap()
		}
		if s == session.Info {
			return
		}
	}
}

func (p *textBlock) sentence(n *session.Note) {
	style, mark := p.theme.of(inspect.ToneOf(n.Severity)), mark(inspect.ToneOf(n.Severity))
	if n.Severity == session.Info {
		mark = "·"
	}
	l := line{{" " + mark + " ", style}, {wire(n.Text), style}}
	if n.Ref != "" {
		l = append(l, span{"  " + wire(n.Ref), p.theme.faint})
	}
	p.add(3, l...)
}

// fields is the table of what was decoded.
func (p *textBlock) fields(e *session.Event, reveal bool) {
	column, hidden := 0, false
	for i := range e.Notes {
		if e.Notes[i].Rule != session.RuleUser {
			column = max(column, min(18, wire(e.Notes[i].Name).width()))
		}
	}
	if column == 0 {
		return
	}
	p.heading("Decoded")
	for i := range e.Notes {
		n := &e.Notes[i]
		if n.Name == "" || n.Rule == session.RuleUser { // which stands above
			continue
		}
		style := p.theme.text
		if n.Secret != "" {
			style, hidden = p.theme.secret, hidden || !reveal
		}
		value := line{{wire(n.Value), style}}
		if n.Text != "" && n.Severity == session.Info {
			value = append(value, span{"  " + wire(n.Text), p.theme.faint})
		}
		from := len(p.lines)
		p.field(column, wire(n.Name), value...)
		if p.onField(from, i); i == p.note {
			p.lines[from] = line{{"  ▸" + p.lines[from].text()[3:], p.theme.match}}
		}
	}
	switch {
	case e.Redacted && reveal:
		p.add(3, span{"   this recording was saved without its secrets", p.theme.faint})
	case hidden:
		p.add(3, span{"   r shows the secrets", p.theme.faint})
	}
}

// xml is the element, indented and coloured.
func (p *textBlock) xml(e *session.Event, pretty session.Pretty) {
	if len(e.Raw) == 0 || len(strings.TrimSpace(string(e.Raw[:min(len(e.Raw), rawLimit)]))) == 0 {
		return
	}
	p.heading("XML")
	raw := cutRaw(e.Raw)
	if pretty == nil {
		p.raw(raw)
		return
	}
	at := 0 // of the bytes
	for l := range pretty(raw) {
		out := line{{"   ", p.theme.text}}
		indent, from, begin := 3, len(p.lines), -1
		for i, piece := range l {
			if i == 0 {
				indent += len(piece.Text) - len(strings.TrimLeft(piece.Text, " "))
			}
			skipped := strings.Index(string(raw[at:]), piece.Text)
			if skipped < 0 || strings.TrimSpace(piece.Text) == "" { // the indenter's own
				out = append(out, span{wire(tabs(piece.Text)), p.theme.xml(piece.Syntax)})
				continue
			}
			at += skipped
			if begin < 0 {
				begin = at
			}
			out = append(out, p.light(piece.Text, at, p.theme.xml(piece.Syntax))...)
			at += len(piece.Text)
		}
		p.add(min(indent+4, p.width/2), out...)
		p.onBytes(from, max(begin, 0), at, e.Notes)
	}
	p.more(e.Raw)
}

// raw is the bytes as text, line by line as they were.
func (p *textBlock) raw(raw []byte) {
	at := 0
	for l := range strings.SplitAfterSeq(string(cutRaw(raw)), "\n") {
		p.add(0, p.light(strings.TrimRight(l, "\r\n"), at, p.theme.text)...)
		at += len(l)
	}
	p.more(raw)
}

func (p *textBlock) more(raw []byte) {
	if n := len(raw) - rawLimit; n > 0 {
		p.add(1, span{wiref(" … %s more are not shown here", inspect.Amount(int64(n))), p.theme.warning})
	}
}

func cutRaw(raw []byte) []byte { return raw[:min(len(raw), rawLimit)] }

// onTheWire is an event as it came, and which of its bytes are not to be shown.
func (u *ui) onTheWire(shown *session.Event) (*session.Event, []session.Span) {
	e, _ := u.event()
	if u.reveal || e == nil || e.Redacted {
		return shown, nil
	}
	return e, session.Hidden(e)
}

// hex is the bytes sixteen to the line, or eight where there is little room. Those that
// are hidden take the room that they took on the wire.
func (p *textBlock) hex(e *session.Event, hidden []session.Span) {
	raw := e.Raw
	if p.note >= 0 && p.note < len(e.Notes) { // where it stands on the wire
		p.lit = e.Notes[p.note].Span
	}
	per := 16
	if p.width < 76 {
		per = 8
	}
	cut := cutRaw(raw)
	for at := 0; at < len(cut); at += per {
		secret := func(i int) bool {
			return slices.ContainsFunc(hidden, func(s session.Span) bool { return at+i >= s.Start && at+i < s.End })
		}
		from := len(p.lines)
		p.lines = append(p.lines, p.hexLine(cut[at:min(at+per, len(cut))], at, per, secret))
		p.onBytes(from, at, at+per, e.Notes)
	}
	p.more(raw)
	if len(hidden) > 0 {
		p.gap()
		p.add(1, span{" ·· is a secret, in its true length; r shows it", p.theme.faint})
	}
}

// hexLine is some bytes in hex and as characters, those of the chosen field lit.
func (p *textBlock) hexLine(b []byte, at, per int, secret func(int) bool) line {
	out := line{{wiref(" %06x  ", at), p.theme.faint}}
	chars := line{{" ", p.theme.faint}}
	for i := range per {
		digits, char, style, faint := "   ", "", p.theme.text, p.theme.faint
		if i < len(b) {
			digits, char = fmt.Sprintf("%02x ", b[i]), "·"
			switch {
			case secret(i):
				digits = "·· "
			case b[i] >= 0x20 && b[i] < 0x7f:
				char = string(b[i])
			}
			if at+i >= p.lit.Start && at+i < p.lit.End {
				style, faint = p.theme.match, p.theme.match
			}
		}
		if i == 8 {
			digits = " " + digits
		}
		out = append(out, span{wire(digits), style})
		chars = append(chars, span{wire(char), faint})
	}
	return append(out, chars...)
}
