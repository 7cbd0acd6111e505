package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"xmppscope/session"
)

// Bounds of the findings that are kept: different ones of a session, and of all. More
// are counted.
const (
	maxFindings    = 1000
	maxFindingsAll = 20_000
)

// checked is a session, and what was found in it.
type checked struct {
	session.Overview
	explained bool      // it holds notes
	findings  []finding // those that say the same are one
	at        map[said]int
	unlisted  int      // findings beyond the bounds
	grave     int      // of them: of severity error
	errors    []uint64 // Seq of the findings of severity error, with --expect
}

// said is what two findings have in common that say the same.
type said struct{ rule, text string }

// apply brings the overview up to date. Of the ladder it keeps the newest rung, which
// tells how far the session has come.
func (s *checked) apply(e *session.Event) {
	s.Apply(e)
	if n := len(s.Steps); n > 0 {
		s.Steps[0] = s.Steps[n-1]
		s.Steps[0].Events = nil
		clear(s.Steps[1:])
		s.Steps = s.Steps[:1]
	}
}

// add keeps a finding, or counts it. It says whether it is kept for itself.
func (s *checked) add(f finding, room bool) bool {
	key := said{f.Rule, f.Text}
	if i, known := s.at[key]; known {
		s.findings[i].times++
		return false
	}
	if !room || len(s.findings) == maxFindings {
		s.unlisted++
		if f.Severity == session.Error {
			s.grave++
		}
		return false
	}
	if s.at == nil {
		s.at = map[said]int{}
	}
	s.at[key] = len(s.findings)
	s.findings = append(s.findings, f)
	return true
}

// finding is one thing that is wrong, in the form that --json has.
type finding struct {
	Session  int              `json:"session"`
	Seq      uint64           `json:"seq"`
	Rule     string           `json:"rule"`
	Severity session.Severity `json:"severity"`
	Text     string           `json:"text"`
	Ref      string           `json:"ref,omitempty"`
	Step     string           `json:"step,omitempty"` // id of the rung
	N        int              `json:"n,omitempty"`    // its number
	Bytes    string           `json:"bytes,omitempty"`
	times    int
}

func findingOf(e *session.Event, n *session.Note) finding {
	f := finding{Session: e.Session, Seq: e.Seq, Rule: n.Rule, Severity: n.Severity, Ref: n.Ref, times: 1}
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

func (s *checked) print(w io.Writer, colour bool) {
	head := fmt.Sprintf("session %d", s.ID)
	if s.Domain != "" {
		head += " with " + s.Domain
	}
	if who := cmp.Or(s.JID, s.User); who != "" {
		head += ", " + who
	}
	if head += ": " + s.State.String(); s.ID == 0 {
		head = "the run"
	}
	say(w, "%s", head)
	if s.Verdict != "" {
		say(w, "verdict: %s", s.Verdict)
	}
	if s.Advice != "" {
		say(w, "advice: %s", s.Advice)
	}
	for i := range s.findings {
		s.findings[i].print(w, colour)
	}
	if s.unlisted > 0 {
		say(w, "  and %s more: --json has them all", session.Plural(s.unlisted, "finding"))
	}
	fmt.Fprintln(w)
}

func (f *finding) print(w io.Writer, colour bool) {
	where := fmt.Sprintf("#%d", f.Seq)
	if f.Step != "" {
		where += fmt.Sprintf(", %s", f.Step)
	}
	if f.times > 1 {
		where += fmt.Sprintf(", and %s more", session.Plural(f.times-1, "time"))
	}
	head := session.SafeLine(fmt.Sprintf("%-7s %s", f.Severity, f.Rule))
	if colour {
		head = colourOf(f.Severity) + head + colReset
	}
	fmt.Fprintf(w, "  %s  %s\n", head, session.SafeLine(where))
	text := f.Text
	if f.Ref != "" {
		text += " (" + f.Ref + ")"
	}
	say(w, "          %s", text)
	if f.Bytes != "" {
		say(w, "          | %s", f.Bytes)
	}
}

func colourOf(s session.Severity) string {
	switch s {
	case session.Error:
		return colBold + colRed
	case session.Warning:
		return colYellow
	case session.Notice:
		return colCyan
	}
	return colDim
}

// concluded is what --json says of a session as a whole.
type concluded struct {
	Session int    `json:"session"`
	State   string `json:"state"` // "logged in", "failed", …
	Outcome string `json:"outcome"`
	JID     string `json:"jid,omitempty"`
	Verdict string `json:"verdict,omitempty"`
	Advice  string `json:"advice,omitempty"`
}

func (s *checked) concluded() concluded {
	return concluded{s.ID, s.State.String(), session.SafeLine(s.Outcome()), session.SafeLine(s.Who()), session.SafeLine(s.Verdict), session.SafeLine(s.Advice)}
}
