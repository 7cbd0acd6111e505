package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"xmppscope/decode/expect"
	"xmppscope/session"
)

// newExpectHelp is a help topic, not a command.
func newExpectHelp() *cobra.Command {
	return &cobra.Command{
		Use: "expect", Short: "what a file for check --expect can hold",
		Long: `A file of expectations (TOML) says how a login has to go:

  [login]
  outcome = "success"
  tls_at_least = "1.2"
  never_mechanism = ["PLAIN"]
  bound_within = "800ms"

  [wrong-password]
  sessions = 2
  condition = "not-authorized"

Each table is one expectation; its name is shown. Within it:

sessions = "logins"
      which sessions it is held against: "logins", each that has a step of a
      login (the default); "any", one of those has to meet it; "first" or
      "last" of those; "all"; or a number, as xmppscope print shows it
sessions_at_most = 1
      how many of these sessions there may be: a client that comes again and
      again has more
optional = true
      lets pass what the recording cannot tell, which fails otherwise
ignore = ["T02"]
      rules whose findings no_findings passes over (xmppscope check --list)
about = "…"
      a remark for the reader

The assertions follow. Times count from the session's first event. An error that
an expected outcome or condition speaks of does not count as a finding. For what
has no assertion of its own there are filters (xmppscope help filter), such as
match = 'kind == "tls:established" && field("alpn") == "xmpp-client"'.

` + strings.TrimRight(expect.Help(), "\n"),
	}
}

// readExpectations reads a file for --expect.
func readExpectations(path string, rules []string) (*expect.File, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, usageError{fmt.Errorf("check: --expect: %w", err)}
	}
	file, err := expect.Parse(string(text), rules)
	if err == nil {
		for i := range file.Warnings {
			say(os.Stderr, "warning: %s: %s", path, file.Warnings[i].Error())
			say(os.Stderr, "hint: %s", file.Warnings[i].Hint)
		}
		return file, nil
	}
	err = fmt.Errorf("%s: %w", path, err)
	var p *expect.Problem
	if errors.As(err, &p) && p.Hint != "" {
		err = hinted{err, p.Hint}
	}
	return nil, usageError{err}
}

// printExpectations prints what became of each assertion, with both values.
func printExpectations(w io.Writer, r *expect.Report, asJSON bool) {
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		for _, x := range r.Results {
			enc.Encode(x) // an error of the writer comes up again when it is flushed
		}
		return
	}
	colour := wantsColour(os.Stdout)
	head := ""
	failed, unknown := 0, 0
	for i := range r.Results {
		x := &r.Results[i]
		if h := headOf(x); h != head || i == 0 {
			head = h
			say(w, "")
			say(w, "%s", h)
		}
		printExpectation(w, x, colour)
		switch x.Status {
		case expect.Fails:
			failed++
		case expect.Unknown:
			unknown++
		}
	}
	say(w, "")
	say(w, "%s", expectSummary(len(r.Results), failed, unknown))
}

func headOf(x *expect.Result) string {
	head := "expected"
	if x.Expectation != "" {
		head += " [" + x.Expectation + "]"
	}
	if x.Session > 0 {
		head += fmt.Sprintf(" of session %d", x.Session)
	}
	return head
}

func expectSummary(all, failed, unknown int) string {
	text := session.Plural(all, "expectation") + ": "
	switch {
	case failed+unknown == 0:
		return text + "all hold"
	case unknown == 0:
		return text + fmt.Sprintf("%d failed", failed)
	case failed == 0:
		return text + fmt.Sprintf("%d could not be judged", unknown)
	}
	return text + fmt.Sprintf("%d failed, %d could not be judged", failed, unknown)
}

var expectSigns = map[expect.Status]struct{ sign, colour string }{
	expect.Holds: {"✓", colGreen}, expect.Fails: {"✗", colBold + colRed}, expect.Unknown: {"✗", colBold + colRed}, expect.Skipped: {"–", colDim},
}

func printExpectation(w io.Writer, x *expect.Result, colour bool) {
	sign := expectSigns[x.Status]
	text := fmt.Sprintf("%s %s = %s", sign.sign, x.Assertion, x.Want)
	if colour {
		text = sign.colour + text + colReset
	}
	fmt.Fprintln(w, "  "+text)
	got := "got " + x.Got
	switch x.Status {
	case expect.Unknown:
		got = "could not be judged: " + x.Got
	case expect.Skipped:
		got = "skipped: " + x.Got
	}
	if where := x.Where(); where != "" {
		got += " (" + where + ")"
	}
	say(w, "      %s", got)
}

// writeJUnit writes a report to a file, if one is named.
func writeJUnit(path string, r expect.Report, extras []expect.Extra) error {
	if path == "" {
		return nil
	}
	if r.Started.IsZero() { // no session: when it was checked
		r.Started = time.Now()
	}
	f, err := create(path)
	if err != nil {
		return fmt.Errorf("check: --junit: %w", err)
	}
	err = errors.Join(expect.JUnit(f, r, extras), f.Close())
	if err != nil {
		return fmt.Errorf("check: --junit %s: %w", path, err)
	}
	return nil
}

// extras are the findings of severity error as test cases, one for each session.
func (c *checker) extras(r *expect.Report) (out []expect.Extra) {
	for _, s := range c.inOrder() {
		x := expect.Extra{Name: fmt.Sprintf("session %d: no finding of severity error", s.ID)}
		var all []string
		for _, f := range s.findings {
			if f.Severity == session.Error && (r == nil || !r.Foreseen(f.Session, f.Seq)) {
				all = append(all, fmt.Sprintf("%s (#%d): %s", f.Rule, f.Seq, f.Text))
			}
		}
		if s.grave > 0 {
			all = append(all, session.Plural(s.grave, "error")+" more")
		}
		x.Failure = session.SafeLine(strings.Join(all, "; "))
		out = append(out, x)
	}
	return out
}

// unforeseen counts the errors of which no expectation speaks.
func (c *checker) unforeseen(r *expect.Report) (n int) {
	for _, s := range c.sessions {
		for _, seq := range s.errors {
			if !r.Foreseen(s.ID, seq) {
				n++
			}
		}
	}
	return n
}

// started is when the first session began.
func (c *checker) started() (first time.Time) {
	for _, s := range c.sessions {
		if first.IsZero() || s.Began.Before(first) {
			first = s.Began
		}
	}
	return first
}
