package capture

import (
	"fmt"
	"strings"

	"xmppscope/session"
)

// Text is an event for a person's eyes: a line, and below it, indented, the
// explanation of its step, its bytes and its notes. It shows what it is given;
// a caller who must not show secrets passes session.Blank(e). Text from the wire
// has been made safe for a terminal. Pretty may be nil.
func Text(e session.Event, pretty session.Pretty) string {
	var b strings.Builder
	b.WriteString(TextLine(e) + "\n")
	if s := e.Step; s != nil && s.Text != "" {
		b.WriteString("      " + withRef(s.Text, s.Ref) + "\n")
	}
	for _, line := range rawLines(e, pretty) {
		b.WriteString("      | " + line + "\n")
	}
	for i := range e.Notes {
		b.WriteString("      " + noteLine(&e.Notes[i]) + "\n")
	}
	b.WriteString("\n")
	return b.String()
}

// TextLine is the event's first line: time, session and number, direction, step
// and summary.
//
//	14:02:11.000123  1.10  C>S  step 10 sasl-auth  the client picks PLAIN
func TextLine(e session.Event) string {
	arrow := "   "
	switch e.Dir {
	case session.C2S:
		arrow = "C>S"
	case session.S2C:
		arrow = "S>C"
	}
	line := fmt.Sprintf("%s  %d.%d  %s", e.At.Format("15:04:05.000000"), e.Session, e.Seq, arrow)
	if e.Step != nil {
		line += fmt.Sprintf("  step %d %s", e.Step.N, session.SafeLine(e.Step.ID))
	}
	line += "  " + session.SafeLine(headline(&e))
	if e.Dir == session.NoDir && e.Leg != session.NoLeg {
		line += " (" + e.Leg.String() + " leg)"
	}
	return line
}

// headline is the event in a few words: its summary, or else what it is.
func headline(e *session.Event) string {
	switch {
	case e.Summary != "":
		return e.Summary
	case e.Name != "":
		return e.Kind() + " " + e.Name
	}
	return e.Kind()
}

func rawLines(e session.Event, pretty session.Pretty) []string {
	if (len(e.Raw) == 0 && !e.Truncated) || e.Kind() == (session.StreamWhitespace{}).Name() {
		return nil
	}
	var out []string
	if pretty == nil {
		out = strings.Split(session.Safe(strings.TrimRight(string(e.Raw), "\r\n")), "\n")
	} else {
		for _, line := range pretty(e.Raw) {
			var text string
			for _, piece := range line {
				text += piece.Text
			}
			out = append(out, session.SafeLine(text))
		}
	}
	if e.Truncated {
		out = append(out, fmt.Sprintf("… cut: %d of %d bytes", len(e.Raw), e.Size))
	}
	return out
}

// noteLine is a note on one line: "! warning: iterations = 4096: few iterations
// (RFC 7677 §4)".
func noteLine(n *session.Note) string {
	out := "- "
	if n.Severity > session.Info {
		out = "! " + n.Severity.String() + ": "
	}
	if n.Name != "" {
		out += n.Name + " = " + n.Value
		if n.Text != "" {
			out += ": "
		}
	}
	return session.SafeLine(withRef(out+n.Text, n.Ref))
}

func withRef(text, ref string) string {
	if ref == "" {
		return text
	}
	return text + " (" + ref + ")"
}
