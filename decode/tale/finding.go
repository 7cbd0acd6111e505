package tale

import (
	"strings"
	"unicode/utf8"

	"xmppscope/session"
)

// Finding is one thing that is wrong, in the form that JSON has.
type Finding struct {
	Session  int              `json:"session"`
	Seq      uint64           `json:"seq"`
	Rule     string           `json:"rule"`
	Severity session.Severity `json:"severity"`
	Text     string           `json:"text"`
	Ref      string           `json:"ref,omitempty"`
	Step     string           `json:"step,omitempty"` // id of the rung
	N        int              `json:"n,omitempty"`    // its number
	Bytes    string           `json:"bytes,omitempty"`
}

// FindingOf is what a note says of its event, which must have been blanked.
func FindingOf(e *session.Event, n *session.Note) Finding {
	f := Finding{Session: e.Session, Seq: e.Seq, Rule: n.Rule, Severity: n.Severity, Ref: n.Ref}
	f.Text = n.Text
	if n.Name != "" {
		f.Text = strings.TrimSuffix(n.Name+" "+n.Value+": "+n.Text, ": ")
	}
	f.Text = session.SafeLine(f.Text)
	if e.Step != nil {
		f.Step, f.N = e.Step.ID, e.Step.N
	}
	start, end := max(n.Span.Start, 0), min(n.Span.End, len(e.Raw))
	if start < end {
		f.Bytes = excerpt(e.Raw[start:end])
	}
	return f
}

// excerptLength is how many characters of the offending bytes are shown.
const excerptLength = 100

func excerpt(raw []byte) string {
	clipped := len(raw) > 4*excerptLength
	text := session.SafeLine(string(raw[:min(len(raw), 4*excerptLength)]))
	if utf8.RuneCountInString(text) > excerptLength {
		text, clipped = string([]rune(text)[:excerptLength-1]), true
	}
	if clipped {
		text += "…"
	}
	return text
}
