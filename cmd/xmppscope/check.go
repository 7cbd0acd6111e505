package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"xmppscope/capture"
	"xmppscope/decode"
	"xmppscope/decode/expect"
	"xmppscope/decode/tale"
	"xmppscope/session"
)

// checkFlags say what is a finding, and how findings are shown.
type checkFlags struct {
	all, json, list bool
	ignore          []string
	expect, junit   string // files
	annotations     string // file
	shown           outputFlags
	in              inputFlags
}

func newCheck() *cobra.Command {
	o := new(checkFlags)
	cmd := &cobra.Command{
		Use: "check FILE…", Short: "print what breaks the rules in saved sessions",
		Long: `Prints how saved sessions went, and the findings in them: what breaks a rule of the specifications,
what is risky, and what went wrong, with the bytes that it is about.

With --expect the sessions are held against a file of expectations too, such as
"tls_at_least", "never_mechanism" or "bound_within": see xmppscope help expect.

--json prints an object a line: first the findings as they are made, with session,
seq, rule, severity (notice, warning, error), text, ref, step, n and bytes; then how
each session went, with session, state, outcome, jid, verdict and advice; then, with
--expect, the expectations, with expectation (its name), session, assertion,
status (holds, fails, unknown, skipped), want, got, seq, step and n.

--junit writes JUnit XML, a test suite for each expectation and one for findings of
severity error; if nothing could be checked, it says so. --annotations writes workflow
commands of GitHub Actions: print the file, and they stand beside the run (action.yml does).

Exit codes: 0 no finding is of severity error, no login failed, no session was thrown out
by an error after its login, and every expectation holds; 1 one of these is not so; 2 a
file could not be read, or the file of expectations is wrong; 130 the reading was stopped
by Ctrl-C. With --filter only the findings in events that match count; how the sessions
went is told of all that is in them. A rule is silenced by its id, such as --ignore A20;
--list names the rules.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if o.list {
				return noArgs(cmd, args)
			}
			return someFiles(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error { return check(cmd, o, args) },
	}
	f := cmd.Flags()
	f.BoolVar(&o.all, "all", false, "print findings of severity info too")
	f.BoolVar(&o.json, "json", false, "print findings as JSON, one a line")
	f.BoolVar(&o.list, "list", false, "list the rules and exit")
	f.StringVar(&o.expect, "expect", "", "hold the sessions against the expectations in this `FILE` (see xmppscope help expect)")
	f.StringVar(&o.junit, "junit", "", "write what came of it to this `FILE` as JUnit XML")
	f.StringVar(&o.annotations, "annotations", "", "write failed logins and findings to this `FILE` as workflow commands of GitHub Actions")
	f.StringSliceVar(&o.ignore, "ignore", nil, "leave out the findings of the rule with this `ID` (repeatable)")
	o.in.add(f)
	f.StringVar(&o.shown.filter, "filter", "", "print only findings in events that match (`EXPR`: see xmppscope help filter)")
	return cmd
}

func check(cmd *cobra.Command, o *checkFlags, files []string) (err error) {
	out := bufio.NewWriterSize(os.Stdout, 1<<16)
	defer func() { err = errors.Join(err, out.Flush()) }()
	if o.list {
		return listLints(out, o.json)
	}
	for flag, out := range map[string]string{"--junit": o.junit, "--annotations": o.annotations} {
		if out != "" && capture.SameFile(out, append(files, o.expect)...) {
			return usageError{hinted{fmt.Errorf("check: %s %s is an input too, and would be lost", flag, out), "choose another name"}}
		}
	}
	defer func() { o.reportBroken(err) }()
	c, err := newChecker(o)
	if err != nil {
		return err
	}
	if o.json {
		c.found = json.NewEncoder(out)
		c.found.SetEscapeHTML(false)
	}
	if err := o.in.read(cmd.Context(), files, c.take); err != nil {
		return c.broken(out, o, err)
	}
	if !o.json {
		c.print(out)
	} else {
		c.encodeSessions()
	}
	c.warn()
	o.in.tellUnused()
	return c.conclude(out, o)
}

// broken is for a file that could not be read: what was found before it is shown,
// and nothing else.
func (c *checker) broken(w io.Writer, o *checkFlags, err error) error {
	if !o.json {
		c.printSessions(w)
	}
	return unreadable(stopped(err, "only what was read before it was checked"))
}

// reportBroken writes a JUnit report that says that nothing could be checked, so that
// no report of an earlier run is taken for one of this.
func (o *checkFlags) reportBroken(err error) {
	var usage usageError
	if !errors.As(err, &usage) {
		return
	}
	if err := writeAnnotations(o.annotations, nil, nil, usage); err != nil {
		say(os.Stderr, "%s", inWords(err))
	}
	if o.junit == "" {
		return
	}
	extra := expect.Extra{Name: "everything could be checked", Failure: session.SafeLine(inWords(err))}
	if err := writeJUnit(o.junit, expect.Report{Started: time.Now()}, []expect.Extra{extra}); err != nil {
		say(os.Stderr, "%s", inWords(err))
	}
}

// conclude holds the sessions against the expectations, and says whether all is
// well.
func (c *checker) conclude(w io.Writer, o *checkFlags) error {
	bad := c.count[session.Error] > 0 || c.failed()
	if c.judge != nil {
		report := c.judge.Report()
		bad = c.unforeseen(&report) > 0 || !report.OK()
		printExpectations(w, &report, o.json)
		if err := errors.Join(writeJUnit(o.junit, report, c.extras(&report)), writeAnnotations(o.annotations, c.inOrder(), &report, nil)); err != nil {
			return usageError{err}
		}
	} else if err := errors.Join(writeJUnit(o.junit, expect.Report{Started: c.started()}, c.extras(nil)), writeAnnotations(o.annotations, c.inOrder(), nil, nil)); err != nil {
		return usageError{err}
	}
	if bad {
		return errSaid
	}
	return nil
}

// checker collects findings by session.
type checker struct {
	numbered map[string]bool // ids of the numbered checks
	ignored  map[string]bool
	all      bool
	match    func(*session.Event) bool // --filter; nil if there is none
	sessions map[int]*checked
	listed   int // findings that the sessions keep
	count    [session.Error + 1]int
	judge    *expect.Judge // nil without --expect
	found    *json.Encoder // nil without --json
}

func newChecker(o *checkFlags) (*checker, error) {
	match, err := o.shown.matcher()
	if err != nil {
		return nil, err
	}
	c := &checker{numbered: map[string]bool{}, ignored: map[string]bool{}, match: match, sessions: map[int]*checked{}, all: o.all}
	for _, l := range decode.Lints() {
		c.numbered[l.ID] = true
	}
	known := ruleIDs()
	for _, id := range o.ignore {
		id, err := knownRule(strings.TrimSpace(id), known)
		if err != nil {
			return nil, err
		}
		c.ignored[id] = true
	}
	if o.expect == "" {
		return c, nil
	}
	file, err := readExpectations(o.expect, known)
	if err != nil {
		return nil, err
	}
	c.judge = expect.NewJudge(file, slices.Collect(maps.Keys(c.ignored)))
	return c, nil
}

// take reads the stored notes of an event.
func (c *checker) take(e session.Event) error {
	s := c.sessions[e.Session]
	if s == nil {
		s = &checked{Brief: tale.Brief{Overview: session.Overview{ID: e.Session}}}
		c.sessions[e.Session] = s
	}
	if c.judge != nil && e.Session > 0 {
		c.judge.Add(&e)
	}
	if len(e.Notes) > 0 {
		e = session.Blank(e)
	}
	s.Apply(&e)
	if len(e.Notes) == 0 {
		return nil
	}
	s.explained = true
	if c.match != nil && !c.match(&e) {
		return nil
	}
	for i := range e.Notes {
		if n := &e.Notes[i]; c.isFinding(n) {
			c.add(s, finding{tale.FindingOf(&e, n), 1})
		}
	}
	return nil
}

// add takes a finding in.
func (c *checker) add(s *checked, f finding) {
	c.count[f.Severity]++
	if c.found != nil {
		c.found.Encode(f.Finding) // an error of the writer comes up again when it is flushed
	}
	if c.judge != nil && f.Severity == session.Error {
		s.errors = append(s.errors, f.Seq)
	}
	if s.add(f, c.listed < maxFindingsAll) {
		c.listed++
	}
}

// inOrder gives the sessions by their numbers.
func (c *checker) inOrder() []*checked {
	return slices.SortedFunc(maps.Values(c.sessions), func(a, b *checked) int { return cmp.Compare(a.ID, b.ID) })
}

// isFinding tells findings from explanations: what is more than info, or comes
// from a numbered check. A verdict sums up findings and is none itself.
func (c *checker) isFinding(n *session.Note) bool {
	if n.Rule == session.RuleVerdict || c.ignored[n.Rule] {
		return false
	}
	return n.Severity > session.Info || c.all && c.numbered[n.Rule]
}

// encodeSessions says how each session went.
func (c *checker) encodeSessions() {
	for _, s := range c.inOrder() {
		if s.ID > 0 && s.explained {
			c.found.Encode(s.concluded()) // an error of the writer comes up again when it is flushed
		}
	}
}

// failed says whether a login failed.
func (c *checker) failed() bool {
	for _, s := range c.sessions {
		if s.ID > 0 && s.explained && s.State == session.Failed {
			return true
		}
	}
	return false
}

func (c *checker) print(w io.Writer) {
	c.printSessions(w)
	say(w, "%s", c.summary())
}

func (c *checker) printSessions(w io.Writer) {
	colour := wantsColour(os.Stdout)
	for _, s := range c.inOrder() {
		if len(s.findings) > 0 || s.unlisted > 0 || s.Verdict != "" {
			s.print(w, colour)
		}
	}
}

// warn names sessions about which nothing can be said: only stored notes are read.
func (c *checker) warn() {
	for _, s := range c.inOrder() {
		if s.Events > 0 && !s.explained {
			say(os.Stderr, "warning: session %d holds no explanations, so nothing was checked in it", s.ID)
		}
	}
}

func (c *checker) summary() string {
	sessions, events := 0, 0
	for _, s := range c.sessions {
		events += s.Events
		if s.ID > 0 { // 0 is the run itself
			sessions++
		}
	}
	head := session.Plural(sessions, "session") + ", " + session.Plural(events, "event") + ": "
	var parts []string
	for sev := session.Error; ; sev-- {
		if n := c.count[sev]; n > 0 {
			name := sev.String()
			if sev == session.Info {
				name = "remark"
			}
			parts = append(parts, session.Plural(n, name))
		}
		if sev == session.Info {
			break
		}
	}
	if len(parts) == 0 {
		return head + "no findings"
	}
	return head + strings.Join(parts, ", ")
}
