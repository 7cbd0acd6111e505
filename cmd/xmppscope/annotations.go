package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"

	"xmppscope/decode/expect"
	"xmppscope/session"
)

// mostAnnotations bounds what is written of one severity: GitHub shows ten of each in a step.
const mostAnnotations = 10

// writeAnnotations writes workflow commands of GitHub Actions to a file, a line each: how the
// logins failed, the findings, and the expectations that do not hold. What comes from the
// wire cannot end its line, nor begin another command.
func writeAnnotations(path string, sessions []*checked, report *expect.Report, extra error) error {
	if path == "" {
		return nil
	}
	var b strings.Builder
	left := map[string]int{"error": mostAnnotations, "warning": mostAnnotations, "notice": mostAnnotations}
	say := func(kind, title, text string) {
		if left[kind] > 0 {
			left[kind]--
			fmt.Fprintf(&b, "::%s title=%s::%s\n", kind, propertyEscape.Replace(session.SafeLine(title)), messageEscape.Replace(session.SafeLine(text)))
		}
	}
	if extra != nil {
		say("error", "xmppscope", inWords(extra))
	}
	if report != nil {
		for _, r := range report.Results {
			if r.Status == expect.Fails {
				say("error", "xmppscope: expectation "+r.Expectation, fmt.Sprintf("%s: want %s, got %s", r.Assertion, r.Want, r.Got))
			}
		}
	}
	for _, s := range sessions {
		if s.ID > 0 && s.State == session.Failed && s.Verdict != "" {
			kind := "error"
			if report != nil && report.OK() { // it was expected
				kind = "notice"
			}
			say(kind, fmt.Sprintf("xmppscope: session %d", s.ID), strings.TrimSuffix(s.Verdict+"; "+s.Advice, "; "))
		}
	}
	for _, s := range sessions {
		for _, f := range s.findings {
			if report != nil && report.Foreseen(f.Session, f.Seq) {
				continue
			}
			if kind := map[session.Severity]string{session.Error: "error", session.Warning: "warning", session.Notice: "notice"}[f.Severity]; kind != "" {
				say(kind, fmt.Sprintf("xmppscope: %s, session %d #%d", cmp.Or(f.Rule, f.Ref), f.Session, f.Seq), f.Text)
			}
		}
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		return errors.New("check: --annotations: " + inWords(err))
	}
	return nil
}

// Escapes of workflow commands, as the runner undoes them.
var (
	messageEscape  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscape = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
