package expect_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xmppscope/decode/expect"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"

	"github.com/google/go-cmp/cmp"
)

func parse(t *testing.T, text string) *expect.File {
	t.Helper()
	f, err := expect.Parse(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func hold(f *expect.File, events []session.Event) expect.Report {
	j := expect.NewJudge(f, nil)
	for i := range events {
		j.Add(&events[i])
	}
	return j.Report()
}

func describe(r expect.Report) string {
	var b strings.Builder
	for _, x := range r.Results {
		fmt.Fprintf(&b, "%-7s [%s] %d %s = %s\n        %s; %s\n", x.Status, x.Expectation, x.Session, x.Assertion, x.Want, x.Got, x.Where())
	}
	return b.String()
}

// TestExpectations holds dialogues against files: each txtar has a file of
// expectations, a dialogue, and the results.
func TestExpectations(t *testing.T) {
	n := xmpptest.Archives(t, "testdata/*.txtar", 2, func(t *testing.T, given []string) string {
		return describe(hold(parse(t, given[0]), xmpptest.Play(t, given[1])))
	})
	if n < 4 {
		t.Errorf("%d files", n)
	}
}

// TestProblems: what is wrong with a file is said with its line.
func TestProblems(t *testing.T) {
	for _, c := range []struct{ file, want, hint string }{
		{"", "it expects nothing", "outcome"},
		{"# nothing\n[login]\n", "line 2: [login] expects nothing", "outcome"},
		{"[login]\nabout = \"x\"\n\nmechansim = \"PLAIN\"\n", `line 4: there is no assertion "mechansim"`, `did you mean "mechanism"?`},
		{"zzzzzzzzzzzzzz = 1\n", `line 1: there is no assertion "zzzzzzzzzzzzzz"`, "xmppscope help expect"},
		{"[a]\noutcome = \"success\"\n[b]\noutcome = \"won\"\n", `line 4: outcome: want "success" or "failure", not "won"`, ""},
		{"bound_within = \"fast\"\n", `line 1: bound_within: want a duration such as "800ms" or "2s" (units: ms, s, m), not "fast"`, ""},
		{"[x]\nbound_within = \"800\"\n", `line 2: bound_within: "800" has no unit`, `write "800ms"`},
		{"x = { outcome = \"success\", bogus = 1 }\n", `line 1: there is no assertion "bogus"`, ""},
		{"[x]\n\ntls.at_least = \"1.2\"\n", `line 3: "x.tls.at_least"`, `did you mean "tls_at_least"?`},
		{"sessions_at_most = -1\n", "line 1: sessions_at_most: want a number, not -1", ""},
		{"no_rules = [\"T03\"]\n", `line 1: no_rules: there is no rule "T03"`, `did you mean "T02"?`},
		{"bound_within = -1\n", "line 1: bound_within: want a duration", ""},
		{"tls_at_least = \"9\"\n", "line 1: tls_at_least: want a version", ""},
		{"never_mechanism = []\n", "line 1: never_mechanism: want a mechanism, or a list, not []", ""},
		{"never_mechanism = [1]\n", "line 1: never_mechanism: want", ""},
		{"attempts_at_most = \"1\"\n", "line 1: attempts_at_most: want a number, not \"1\"", ""},
		{"direct_tls = 1\n", "line 1: direct_tls: want true or false, not 1", ""},
		{"no_findings = \"info\"\n", `line 1: no_findings: want "notice", "warning" or "error", not "info"`, ""},
		{"match = 'name =='\n", "line 1: match: ", "help filter"},
		{"\nsessions = 0\noutcome = \"success\"\n", `line 2: sessions: want "logins"`, ""},
		{"optional = 1\noutcome = \"success\"\n", "line 1: optional: want true or false", ""},
		{"about = 1\noutcome = \"success\"\n", "line 1: about: want a text", ""},
		{"no_findings = \"error\"\nignore = [\"T0\"]\n", `line 2: ignore: there is no rule "T0"`, `did you mean "T02"?`},
		{"ignore = true\nno_findings = \"error\"\n", "line 1: ignore: want ids", ""},
		{"[a.b]\noutcome = \"success\"\n", `line 1: "a.b": an expectation holds assertions, not tables`, "[login]"},
		{"[[a]]\noutcome = \"success\"\n", "an expectation", ""},
		{"outcome = \n", "line 1: ", ""},
		{"outcome = \"success\"\noutcome = \"failure\"\n", "line 2: ", ""},
		{"a = \x00\n", "line 1: ", ""},
	} {
		_, err := expect.Parse(c.file, []string{"T02", "core-bind"})
		var p *expect.Problem
		if !errors.As(err, &p) {
			t.Errorf("%q: %v", c.file, err)
			continue
		}
		if !strings.Contains(err.Error(), c.want) || !strings.Contains(p.Hint, c.hint) {
			t.Errorf("%q\ngot  %s; %s\nwant %s; %s", c.file, err, p.Hint, c.want, c.hint)
		}
	}
}

// TestHelp: the example of every assertion in the help can be read, alone and
// with all others.
func TestHelp(t *testing.T) {
	var all strings.Builder
	n := 0
	for line := range strings.Lines(expect.Help()) {
		if len([]rune(line)) > 81 {
			t.Errorf("too wide: %s", line)
		}
		if strings.HasPrefix(line, " ") {
			continue
		}
		n++
		parse(t, line)
		all.WriteString(line)
	}
	if f := parse(t, all.String()); n < 25 || len(f.Expectations) != 1 {
		t.Errorf("%d assertions, %d expectations", n, len(f.Expectations))
	}
}

// TestDoubts: a name that nobody knows is warned of, with its line; one that a
// client may well have made up is not.
func TestDoubts(t *testing.T) {
	f := parse(t, "[x]\nnever_mechanism = [\"PLIAN\", \"X-OURS\", \"scram-sha-1\"]\ncondition = \"not-authorised\"\noffered = \"QZW\"\n")
	var got []string
	for _, w := range f.Warnings {
		got = append(got, w.Error()+"; "+w.Hint)
	}
	want := []string{
		`line 2: never_mechanism: xmppscope knows no mechanism "PLIAN"; did you mean "PLAIN"?`,
		`line 3: condition: xmppscope knows no condition "not-authorised"; did you mean "not-authorized"?`,
		`line 4: offered: xmppscope knows no mechanism "QZW"; if it is meant so, all is well`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestHowMany: how many sessions there are can be expected, and one of several can be
// the one that is meant.
func TestHowMany(t *testing.T) {
	var events []session.Event
	for id, dialogue := range []string{hello, hello + "S: <failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>\n", hello} {
		for _, e := range xmpptest.Play(t, dialogue) {
			e.Session = id + 1
			events = append(events, e)
		}
	}
	for file, want := range map[string]bool{
		"sessions_at_most = 3\n": true, "sessions_at_most = 2\n": false, "[x]\nsessions = \"first\"\nsessions_at_most = 1\n": true,
		"sessions = \"any\"\ncondition = \"not-authorized\"\n": true, "sessions = \"any\"\ncondition = \"aborted\"\n": false,
		"condition = \"not-authorized\"\n": false, "sessions = \"any\"\ncondition = \"not-authorized\"\nno_rules = \"sasl\"\n": false,
	} {
		if r := hold(parse(t, file), events); r.OK() != want {
			t.Errorf("%q: OK is %v: %+v", file, r.OK(), r.Results)
		}
	}
}

// TestRefusedTwice: each refusal of a kind that is expected was foreseen, and what
// was never tried was never wrong.
func TestRefusedTwice(t *testing.T) {
	attempt := "C: <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>\nS: <failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>\n"
	events := xmpptest.Play(t, hello+attempt+attempt)
	r := hold(parse(t, "condition = \"not-authorized\"\n"), events)
	if !r.OK() || !r.Foreseen(1, 3) || !r.Foreseen(1, 5) || r.Foreseen(1, 4) {
		t.Errorf("%+v", r.Results)
	}
	gone := xmpptest.Play(t, hello+`*: {"kind":"tcp:closed","leg":"client","detail":{"by":"server"}}`)
	if r := hold(parse(t, "never_mechanism = \"PLAIN\"\n"), gone); !r.OK() {
		t.Errorf("%+v", r.Results)
	}
	if r := hold(parse(t, "never_mechanism = \"PLAIN\"\n"), xmpptest.Play(t, hello)); r.OK() {
		t.Errorf("nobody knows what came next: %+v", r.Results)
	}
}

const hello = "C: <stream:stream to='x.example' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>\n"

// TestSessions: an expectation chooses its sessions, and one that finds none has
// not been met.
func TestSessions(t *testing.T) {
	var events []session.Event
	for id := 1; id <= 3; id++ {
		for _, e := range xmpptest.Play(t, hello) {
			e.Session = id
			events = append(events, e)
		}
	}
	for scope, want := range map[string]string{
		"": "1 2 3", "sessions = \"logins\"": "1 2 3", "sessions = \"all\"": "1 2 3 4", "sessions = \"first\"": "1", "sessions = \"last\"": "3", "sessions = 2": "2", "sessions = 9": "0",
		"sessions = \"any\"": "1",
	} {
		knock := session.Event{Seen: session.Seen{Session: 4, Seq: 1, Leg: session.ClientLeg, Body: session.TCPOpened{}}}
		r := hold(parse(t, scope+"\nno_match = 'kind == \"stream:raw\"'\n"), append(slices.Clone(events), knock))
		var got []string
		for _, x := range r.Results {
			got = append(got, fmt.Sprint(x.Session))
		}
		if s := strings.Join(got, " "); s != want || r.OK() != (want != "0") {
			t.Errorf("%q: sessions %s, want %s; OK is %v", scope, s, want, r.OK())
		}
	}
	r := hold(parse(t, "optional = true\nsessions = 9\noutcome = \"success\"\n"), events)
	if !r.OK() || r.Results[0].Status != expect.Skipped {
		t.Errorf("%+v", r.Results)
	}
}

// TestForeseen: an error that is expected is known by its event.
func TestForeseen(t *testing.T) {
	events := xmpptest.Play(t, hello+"S: <failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>\n")
	r := hold(parse(t, "condition = \"not-authorized\"\n"), events)
	if !r.OK() || !r.Foreseen(1, 2) || r.Foreseen(1, 1) || r.Foreseen(2, 2) {
		t.Errorf("%+v", r.Results)
	}
	r = hold(parse(t, "condition = \"aborted\"\n"), events)
	if r.OK() || r.Foreseen(1, 2) {
		t.Errorf("%+v", r.Results)
	}
}

// TestIgnoredByFlag: rules that the caller ignores do not count either.
func TestIgnoredByFlag(t *testing.T) {
	events := xmpptest.Play(t, hello+"S: <failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>\n")
	for _, ignored := range [][]string{nil, {"sasl", "S10", "S21", "S24", "S17"}} {
		j := expect.NewJudge(parse(t, "no_findings = \"error\"\n"), ignored)
		for i := range events {
			j.Add(&events[i])
		}
		if r := j.Report(); r.OK() != (ignored != nil) {
			t.Errorf("%v: %+v", ignored, r.Results)
		}
	}
}

// hostile is a session whose every word is an attack on a terminal or on XML.
func hostile(t *testing.T) expect.Report {
	t.Helper()
	bad := "\x1b[31m]]></failure><!--\u202e\x00\ufffe&#x1b;\""
	events := []session.Event{
		{Seen: session.Seen{Session: 1, Seq: 1, Leg: session.ClientLeg, Dir: session.C2S, Body: session.StreamOpened{}}, Said: session.Said{Step: &session.Step{N: 1, ID: "stream-open-1"}, Summary: bad}},
		{Seen: session.Seen{Session: 1, Seq: 2, Leg: session.ClientLeg, Dir: session.C2S, Body: session.StreamElement{}}, Said: session.Said{Step: &session.Step{N: 2, ID: "sasl-auth"}, Notes: []session.Note{{Name: "mechanism", Value: bad}, {Rule: bad, Severity: session.Error, Text: bad}}}},
		{Seen: session.Seen{Session: 1, Seq: 3, Leg: session.ServerLeg, Dir: session.S2C, Body: session.StreamElement{}}, Said: session.Said{Step: &session.Step{N: 3, ID: "sasl-failure"}, Notes: []session.Note{{Name: "condition", Value: bad}, {Name: "text", Value: bad}}}},
	}
	return hold(parse(t, "[\"<x>\\u001b&\"]\noutcome = \"success\"\nmechanism = \"<&>\"\nno_findings = \"error\"\nno_match = 'seq == 1'\ncondition = \"x\"\n"), events)
}

// TestJUnit: the report is XML of the common form, whatever the wire held.
func TestJUnit(t *testing.T) {
	r := hostile(t)
	var b bytes.Buffer
	extras := []expect.Extra{{Name: "session 1: no finding", Failure: r.Results[2].Got}, {Name: "session 2: no finding"}}
	if err := expect.JUnit(&b, r, extras); err != nil {
		t.Fatal(err)
	}
	var back struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Suites   []struct {
			Name     string `xml:"name,attr"`
			Tests    int    `xml:"tests,attr"`
			Failures int    `xml:"failures,attr"`
			Cases    []struct {
				Name    string `xml:"name,attr"`
				Failure *struct {
					Message string `xml:"message,attr"`
				} `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	if back.Tests != 7 || back.Failures != 6 || len(back.Suites) != 2 || len(back.Suites[0].Cases) != 5 || back.Suites[1].Cases[1].Failure != nil {
		t.Errorf("%+v", back)
	}
	if s := b.String(); session.Safe(s) != s {
		t.Errorf("not safe to print: %q", s)
	}
	for _, x := range r.Results {
		for _, s := range []string{x.Expectation, x.Want, x.Got, x.Step} {
			if session.SafeLine(s) != s {
				t.Errorf("%s: not safe to print: %q", x.Assertion, s)
			}
		}
	}
	schema(t, b.Bytes())
}

// schema holds a report against the schema that CI servers use.
func schema(t *testing.T, report []byte) {
	t.Helper()
	xmpptest.Need(t, "xmllint")
	file := filepath.Join(t.TempDir(), "report.xml")
	if err := os.WriteFile(file, report, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("xmllint", "--noout", "--schema", "testdata/junit.xsd", file).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s\n%s", err, out, report)
	}
}
