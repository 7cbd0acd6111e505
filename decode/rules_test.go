package decode_test

import (
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"xmppscope/decode"
	"xmppscope/decode/facts"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// dialogues are those of the transcripts of all rules, each as its lines.
func dialogues(t testing.TB) (all [][]string) {
	t.Helper()
	for _, pattern := range []string{"*/testdata/*.txtar", "*/testdata/*/*.txtar"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range ar.Files {
				if lines := spoken(string(part.Data)); len(lines) > 0 {
					all = append(all, lines)
				}
			}
		}
	}
	if len(all) < 100 {
		t.Fatalf("only %d dialogues", len(all))
	}
	return all
}

var side = regexp.MustCompile(`^[CS*]: `)

// spoken are the lines of a text that a side says, or that are events.
func spoken(text string) (lines []string) {
	for line := range strings.Lines(text) {
		if side.MatchString(line) {
			lines = append(lines, strings.TrimRight(line, "\n"))
		}
	}
	return lines
}

// endings are events that may come at any time.
var endings = []string{
	`*: {"kind":"tcp:half-closed","leg":"client","dir":"c2s"}`,
	`*: {"kind":"tcp:half-closed","leg":"server","dir":"s2c"}`,
	`*: {"kind":"tcp:closed","leg":"client","detail":{"by":"client"}}`,
	`*: {"kind":"tcp:closed","leg":"server","detail":{"by":"server"}}`,
	`*: {"kind":"tcp:closed","leg":"client","detail":{"by":"xmppscope"}}`,
	`*: {"kind":"tcp:opened","leg":"client","detail":{"local":"192.0.2.2:5222","peer":"192.0.2.1:40000","captured":true,"joined":true}}`,
	`*: {"kind":"relay:timeout","leg":"client","detail":{"waiting":"the client waits for the server","after_ns":30000000000}}`,
	`*: {"kind":"relay:opaque","leg":"client","dir":"c2s","detail":{"reason":"not well-formed","at":1}}`,
	`*: {"kind":"relay:opaque","leg":"server","dir":"s2c","detail":{"reason":"not well-formed","at":1}}`,
	`*: {"kind":"log:lost","detail":{"events":3}}`,
	`*: tls`, `*: tls server`, `*: session`, `*: wait 40s`,
}

// mutants changes dialogues: what is said is cut off, comes twice or in another
// order, by the other side or without an attribute, and connections end anywhere.
type mutants struct {
	rnd *rand.Rand
	all [][]string
}

var (
	attribute = regexp.MustCompile(` [a-zA-Z:]+='[^']*'`)
	text      = regexp.MustCompile(`>[^<]+<`)
	element   = regexp.MustCompile(`<[^<>/]+/>`)
)

func (m *mutants) change(lines []string) []string {
	lines = slices.Clone(lines)
	for range 1 + m.rnd.IntN(3) {
		i := m.rnd.IntN(len(lines))
		line := lines[i]
		said := line[0] != '*'
		switch m.rnd.IntN(14) {
		case 0:
			lines = slices.Delete(lines, i, i+1)
		case 1:
			lines = slices.Insert(lines, i, line)
		case 2:
			j := m.rnd.IntN(len(lines))
			lines[i], lines[j] = lines[j], lines[i]
		case 3:
			lines = lines[:i+1]
		case 4:
			lines = lines[i:]
		case 5:
			if said {
				lines[i] = string("SC"[strings.IndexByte("CS", line[0])]) + line[1:]
			}
		case 6:
			if said && len(line) > 3 {
				lines[i] = line[:3+m.rnd.IntN(len(line)-3)]
			}
		case 7:
			if said && len(line) > 3 {
				at := 3 + m.rnd.IntN(len(line)-3)
				lines[i] = line[:at] + line[at+1:]
			}
		case 8:
			lines[i] = m.without(line, attribute, "")
		case 9:
			lines[i] = m.without(line, text, "><")
		case 10:
			lines[i] = m.without(line, element, "")
		case 11:
			lines[i] = strings.Replace(line, "<stream:", "<", 1)
		case 12:
			lines = slices.Insert(lines, i+1, endings[m.rnd.IntN(len(endings))])
		case 13:
			other := m.all[m.rnd.IntN(len(m.all))]
			lines = slices.Insert(lines, i, other[m.rnd.IntN(len(other))])
		}
		if len(lines) == 0 {
			break
		}
	}
	return append(lines, endings[m.rnd.IntN(5)], endings[m.rnd.IntN(5)])
}

// without takes one of what fits out of a line.
func (m *mutants) without(line string, what *regexp.Regexp, instead string) string {
	said := line[len("C: "):]
	if at := what.FindAllStringIndex(said, -1); len(at) > 0 && line[0] != '*' {
		one := at[m.rnd.IntN(len(at))]
		return line[:len("C: ")] + said[:one[0]] + instead + said[one[1]:]
	}
	return line
}

// checkRules plays a dialogue to all rules: none may panic, nor what gathers the
// facts, and what they point at has to be there.
func checkRules(t *testing.T, lines []string) {
	t.Helper()
	rules := append([]decode.Rule{knowAll}, xmpptest.Rules()...)
	events := xmpptest.Dialogue(t, strings.Join(lines, "\n"), rules, 0)
	facts.Of(events)
	for _, e := range events {
		for _, n := range e.Notes {
			if strings.Contains(n.Text, "this rule failed here") {
				t.Errorf("event %d.%d: %s: %s\n%s", e.Session, e.Seq, n.Rule, n.Text, strings.Join(lines, "\n"))
			}
			if n.Span.Start < 0 || n.Span.Len() < 0 || n.Span.End > len(e.Raw) {
				t.Errorf("event %d.%d: %s points at %v of %d bytes\n%s", e.Session, e.Seq, n.Rule, n.Span, len(e.Raw), strings.Join(lines, "\n"))
			}
		}
	}
}

// knowAll tells the rules a password for everyone, so that they check what is
// computed from it.
var knowAll = decode.Rule{
	ID: "test-passwords", Title: "a password for everyone", Ref: "none",
	New: decode.Stateless(func(s *decode.Seen) []session.Note {
		s.State.Passwords = func(string, string) (string, bool) { return "secret", true }
		return nil
	}),
}

// TestRulesBearAnything plays changed dialogues to all rules.
func TestRulesBearAnything(t *testing.T) {
	all := dialogues(t)
	for i, lines := range all {
		for seed := range uint64(3) {
			m := mutants{rand.New(rand.NewPCG(uint64(i), seed)), all}
			if checkRules(t, m.change(lines)); t.Failed() {
				return
			}
		}
	}
}

// FuzzRules does the same with what the fuzzer makes of them.
func FuzzRules(f *testing.F) {
	all := dialogues(f)
	events := map[string]bool{}
	for _, lines := range append(all, endings) {
		f.Add(strings.Join(lines, "\n"), uint64(0))
		for _, line := range lines {
			events[line] = line[0] == '*'
		}
	}
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		lines := slices.DeleteFunc(spoken(text), func(line string) bool { return line[0] == '*' && !events[line] })
		if len(lines) > 0 {
			m := mutants{rand.New(rand.NewPCG(seed, 0)), all}
			checkRules(t, m.change(lines))
		}
	})
}
