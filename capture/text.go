package capture

import (
	"fmt"
	"strconv"
	"strings"

	"xmppscope/session"
)

// Text is an event for a person's eyes: a line, and below it, indented, the
// explanation of its step, its bytes and its notes. It shows what it is given;
// a caller who must not show secrets passes session.Blank(e). Text from the wire
// has been made safe for a terminal. Pretty may be nil.
func Text(e session.Event, pretty session.Pretty) string {
	return string(AppendText(nil, e, pretty))
}

// AppendText appends Text to a buffer.
func AppendText(b []byte, e session.Event, pretty session.Pretty) []byte {
	b = append(appendTextLine(b, &e), '\n')
	if s := e.Step; s != nil && s.Text != "" {
		b = append(append(append(b, indent...), withRef(s.Text, s.Ref)...), '\n')
	}
	b = appendRawLines(b, &e, indent+"| ", pretty)
	for i := range e.Notes {
		b = append(appendNoteLine(append(b, indent...), &e.Notes[i]), '\n')
	}
	return append(b, '\n')
}

const indent = "      "

// appendTextLine appends the event's first line: time, session and number, direction,
// step and summary.
//
//	14:02:11.000123  1#13  C>S  step 10 sasl-auth  the client picks PLAIN
func appendTextLine(b []byte, e *session.Event) []byte {
	b = append(e.At.AppendFormat(b, "15:04:05.000000"), "  "...)
	b = append(strconv.AppendInt(b, int64(e.Session), 10), '#')
	b = append(strconv.AppendUint(b, e.Seq, 10), "  "...)
	switch e.Dir {
	case session.C2S:
		b = append(b, "C>S"...)
	case session.S2C:
		b = append(b, "S>C"...)
	default:
		b = append(b, "   "...)
	}
	if e.Step != nil {
		b = strconv.AppendInt(append(b, "  step "...), int64(e.Step.N), 10)
		b = session.AppendSafeLine(append(b, ' '), e.Step.ID)
	}
	b = session.AppendSafeLine(append(b, "  "...), headline(e))
	if e.Dir == session.NoDir && e.Leg != session.NoLeg {
		b = append(append(append(b, " ("...), e.Leg.String()...), " leg)"...)
	}
	return b
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

// appendRawLines adds the event's bytes, each line of them behind a bar.
func appendRawLines(b []byte, e *session.Event, bar string, pretty session.Pretty) []byte {
	if (len(e.Raw) == 0 && !e.Truncated) || e.Kind() == (session.StreamWhitespace{}).Name() {
		return b
	}
	if pretty == nil {
		for line := range strings.SplitSeq(session.Safe(strings.TrimRight(string(e.Raw), "\r\n")), "\n") {
			b = append(append(append(b, bar...), line...), '\n')
		}
	} else {
		plain := session.Printable(e.Raw, 0, 0) == len(e.Raw)
		for line := range pretty(e.Raw) {
			b = append(b, bar...)
			for i := range line {
				if plain {
					b = append(b, line[i].Text...)
				} else {
					b = session.AppendSafeLine(b, line[i].Text)
				}
			}
			b = append(b, '\n')
		}
	}
	if e.Truncated {
		b = fmt.Appendf(b, "%s… cut: %d of %d bytes\n", bar, len(e.Raw), e.Size)
	}
	return b
}

// noteLine is a note on one line: "! warning: iterations = 4096: few iterations
// (RFC 7677 §4)".
func noteLine(n *session.Note) string { return string(appendNoteLine(nil, n)) }

func appendNoteLine(b []byte, n *session.Note) []byte {
	if n.Severity > session.Info {
		b = append(append(append(b, "! "...), n.Severity.String()...), ": "...)
	} else {
		b = append(b, "- "...)
	}
	if n.Name != "" {
		b = session.AppendSafeLine(append(session.AppendSafeLine(b, n.Name), " = "...), n.Value)
		if n.Text != "" {
			b = append(b, ": "...)
		}
	}
	b = session.AppendSafeLine(b, n.Text)
	if n.Ref != "" {
		b = append(session.AppendSafeLine(append(b, " ("...), n.Ref), ')')
	}
	return b
}

func withRef(text, ref string) string {
	if ref == "" {
		return text
	}
	return text + " (" + ref + ")"
}
