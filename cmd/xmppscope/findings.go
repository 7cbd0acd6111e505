package main

import (
	"cmp"
	"fmt"
	"io"

	"xmppscope/decode/tale"
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
	tale.Brief
	explained bool      // it holds notes
	findings  []finding // those that say the same are one
	at        map[said]int
	unlisted  int      // findings beyond the bounds
	grave     int      // of them: of severity error
	errors    []uint64 // Seq of the findings of severity error, with --expect
}

// said is what two findings have in common that say the same.
type said struct{ rule, text string }

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

func (s *checked) print(w io.Writer, colour bool) {
	head := fmt.Sprintf("session %d", s.ID)
	if s.Domain != "" {
		head += " with " + s.Domain
	}
	if who := cmp.Or(s.JID, s.User); who != "" {
		head += ", " + who
	}
	if head += ": " + s.Word(); s.ID == 0 {
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

// finding is what was found, and how often.
type finding struct {
	tale.Finding
	times int
}

func (f *finding) print(w io.Writer, colour bool) {
	where := fmt.Sprintf("#%d", f.Seq)
	if f.Step != "" {
		where += fmt.Sprintf(", %s", f.Step)
	}
	if f.times > 1 {
		where += fmt.Sprintf(", and %d more %s", f.times-1, session.Noun(f.times-1, "time"))
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
