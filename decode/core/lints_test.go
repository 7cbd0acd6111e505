package core_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"xmppscope/decode"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// TestLintTable: the table is in order, complete, and names nothing that no code
// says. Ids stand in the code as "S12".
func TestLintTable(t *testing.T) {
	used := map[string]bool{}
	id := regexp.MustCompile(`"([A-Z][0-9]{2})"`)
	files, err := filepath.Glob("../*.go")
	more, err2 := filepath.Glob("../*/*.go")
	if err != nil || err2 != nil || len(more) == 0 {
		t.Fatal(err, err2)
	}
	for _, file := range append(files, more...) {
		if strings.HasSuffix(file, "_test.go") || file == filepath.Join("..", "lints.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range id.FindAllStringSubmatch(string(text), -1) {
			used[m[1]] = true
		}
	}
	known := map[string]bool{}
	for _, l := range decode.Lints() {
		if known[l.ID] {
			t.Errorf("%s stands twice", l.ID)
		}
		known[l.ID] = true
		if !used[l.ID] {
			t.Errorf("%s is in the table, but no code finds it", l.ID)
		}
		if l.Text == "" || l.Ref == "" {
			t.Errorf("%s has no sentence or section", l.ID)
		}
	}
	for id := range used {
		if !known[id] {
			t.Errorf("%s is not in the table", id)
		}
	}
}

var numbered = regexp.MustCompile(`^[A-Z][0-9]{2}$`)

// lintParts reads the dialogues and the parts that they are made of.
func lintParts(t *testing.T) map[string]string {
	t.Helper()
	parts := map[string]string{}
	for _, file := range []string{"testdata/lints.txtar", "testdata/quiet.txtar"} {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range ar.Files {
			if _, twice := parts[f.Name]; twice {
				t.Errorf("%q stands twice", f.Name)
			}
			parts[f.Name] = strings.TrimRight(string(f.Data), "\n") + "\n"
		}
	}
	return parts
}

// TestQuiet: what conforming peers do that looks odd, and recordings that do not
// have all of it, give no finding above notice.
func TestQuiet(t *testing.T) {
	parts := lintParts(t)
	cases := 0
	for name := range parts {
		what, ok := strings.CutPrefix(name, "quiet ")
		if !ok {
			continue
		}
		cases++
		t.Run(what, func(t *testing.T) {
			for _, e := range play(t, parts, name) {
				for _, n := range e.Notes {
					if n.Severity > session.Notice && numbered.MatchString(n.Rule) {
						t.Errorf("event %d: %s %s: %s %s\n%s", e.Seq, n.Severity, n.Rule, n.Name, n.Text, e.Raw)
					}
				}
			}
		})
	}
	if cases < 10 {
		t.Errorf("only %d cases", cases)
	}
}

// TestLints plays the dialogues of every check: "S13 bad" and "S13 good", and any
// more, such as "S13 bad: counting". The first breach has the severity of the
// table; others may be milder.
func TestLints(t *testing.T) {
	parts := lintParts(t)
	for _, l := range decode.Lints() {
		t.Run(l.ID, func(t *testing.T) {
			for _, name := range []string{l.ID + " bad", l.ID + " good"} {
				if _, ok := parts[name]; !ok {
					t.Errorf("there is no %q", name)
				}
			}
			for name := range parts {
				switch {
				case name == l.ID+" bad", strings.HasPrefix(name, l.ID+" bad: "):
					breach(t, parts, l, name)
				case name == l.ID+" good", strings.HasPrefix(name, l.ID+" good: "):
					neighbour(t, parts, l, name)
				}
			}
		})
	}
}

// breach plays a dialogue that breaks a rule.
func breach(t *testing.T, parts map[string]string, l decode.Lint, name string) {
	t.Helper()
	found := false
	bad := play(t, parts, name)
	for _, e := range bad {
		for _, n := range e.Notes {
			found = found || n.Rule == l.ID && (n.Severity == l.Severity || name != l.ID+" bad" && n.Severity > session.Info)
			if n.Rule == l.ID && (n.Ref == "" || n.Text == "" || n.Span.End > len(e.Raw)) {
				t.Errorf("a finding without section or sentence, or beyond its bytes: %+v", n)
			}
		}
	}
	if !found {
		t.Errorf("%s: not found, with severity %s, in\n%s", name, l.Severity, xmpptest.Describe(bad))
	}
}

// neighbour plays a dialogue like it that does not.
func neighbour(t *testing.T, parts map[string]string, l decode.Lint, name string) {
	t.Helper()
	for _, e := range play(t, parts, name) {
		for _, n := range e.Notes {
			// What the rules say of a refusal is of severity error, too: no breach.
			if n.Rule == l.ID || n.Severity == session.Error && numbered.MatchString(n.Rule) {
				t.Errorf("%s: %s %s, event %d: %s", name, n.Severity, n.Rule, e.Seq, n.Text)
			}
		}
	}
}

// play explains a dialogue whose lines "%name" stand for parts.
func play(t *testing.T, parts map[string]string, name string) []session.Event {
	t.Helper()
	text, ok := parts[name]
	if !ok {
		t.Fatalf("there is no %q", name)
	}
	return xmpptest.Play(t, expand(t, parts, text))
}

func expand(t *testing.T, parts map[string]string, text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		part, ok := strings.CutPrefix(strings.TrimSpace(line), "%")
		if !ok {
			b.WriteString(line)
			continue
		}
		inner, ok := parts["part "+part]
		if !ok {
			t.Fatalf("there is no part %q", part)
		}
		b.WriteString(expand(t, parts, inner))
	}
	return b.String()
}
