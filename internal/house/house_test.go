// Package house holds the rules of the house: which package may import which, and
// what every addition has to bring along. See ARCHITECTURE.md.
package house

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"xmppscope/decode"
	"xmppscope/decode/core"
	"xmppscope/decode/sasl"
	"xmppscope/decode/xep"
)

const root = "../.."

// house is a row of the table of packages in ARCHITECTURE.md.
type house struct {
	level   string
	imports []string // of our packages; "all" is any
}

// houses are all of them, by the package. A folder that is not named there may not exist.
func houses(t *testing.T) map[string]house {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| level | package | what it is | imports |\n|---|---|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	out := map[string]house{}
	for row := range strings.Lines(table) {
		cells := strings.Split(strings.TrimSpace(row), "|")
		if len(cells) != 6 {
			t.Fatalf("this row of ARCHITECTURE.md has not four cells: %s", row)
		}
		for _, name := range strings.Fields(cells[2]) {
			out[strings.Trim(name, "`")] = house{strings.TrimSpace(cells[1]), strings.Fields(cells[4])}
		}
	}
	return out
}

func goFiles(t *testing.T) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && p != root) {
			return filepath.SkipDir
		}
		if strings.HasSuffix(p, ".go") {
			rel, err := filepath.Rel(root, p)
			out = append(out, filepath.ToSlash(rel))
			return err
		}
		return nil
	})
	if err != nil || len(out) == 0 {
		t.Fatalf("walking the source: %v", err)
	}
	return out
}

// TestArrows: a package imports what ARCHITECTURE.md says, nothing of a higher level, and
// nobody but tests uses the test harness.
func TestArrows(t *testing.T) {
	all, used := houses(t), map[string]bool{}
	for _, file := range goFiles(t) {
		folder := path.Dir(file)
		h, known := all[folder]
		if !known {
			t.Errorf("%s lies in a folder that ARCHITECTURE.md does not name", file)
			continue
		}
		if strings.HasSuffix(file, "_test.go") { // a test may use what it tests, and the harness
			used[folder] = used[folder] || strings.HasPrefix(folder, "internal/")
			continue
		}
		used[folder] = true
		for _, imported := range ourImports(t, file) {
			used[folder+" "+imported] = true
			switch {
			case !slices.Contains(h.imports, "all") && !slices.Contains(h.imports, imported):
				t.Errorf("%s imports %s, which is not among %v", file, imported, h.imports)
			case imported == "internal/xmpptest" && !strings.HasPrefix(folder, "internal/"):
				t.Errorf("%s uses the test harness", file)
			case h.level < all[imported].level && h.level != "–":
				t.Errorf("%s, of level %s, imports %s, of level %s", file, h.level, imported, all[imported].level)
			}
		}
	}
	for folder, h := range all {
		if !used[folder] {
			t.Errorf("ARCHITECTURE.md names %s, where nothing is", folder)
		}
		for _, imported := range h.imports {
			if imported != "all" && !used[folder+" "+imported] {
				t.Errorf("%s imports no %s, as ARCHITECTURE.md says", folder, imported)
			}
		}
	}
}

func ourImports(t *testing.T, file string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, spec := range f.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if rest, ok := strings.CutPrefix(p, "xmppscope/"); ok {
			out = append(out, rest)
		}
	}
	return out
}

// pure are the files that do no I/O and know no clock.
var pure = []string{
	"proxy/relay.go", "proxy/excuse.go", "capture/packets.go", "internal/inspect/row.go", "viewer/text.go", "viewer/keys.go",
	"tlsintercept/policy.go", "tlsintercept/lack.go",
}

// TestPurity: the parts that decide are free of what only acts.
func TestPurity(t *testing.T) {
	banned := []string{"net", "os", "io/fs", "os/exec"}
	for _, file := range goFiles(t) {
		decides := slices.Contains(pure, file) || strings.HasPrefix(file, "decode/")
		if !decides || strings.HasSuffix(file, "_test.go") {
			continue
		}
		src, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, src, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range f.Imports {
			if p, _ := strconv.Unquote(spec.Path.Value); slices.Contains(banned, p) {
				t.Errorf("%s imports %s, but it has to be free of I/O", file, p)
			}
		}
		for _, word := range []string{"time.Now(", "\tgo func", "time.Sleep("} {
			if strings.Contains(string(src), word) {
				t.Errorf("%s has %q, but it has to be free of clocks and goroutines", file, strings.TrimSpace(word))
			}
		}
	}
}

// TestRulesHaveTranscripts: whoever adds an extension shows what is said of it, in
// a transcript under testdata/<number>; ids are unique, and nothing is unnamed.
func TestRulesHaveTranscripts(t *testing.T) {
	for folder, rules := range map[string][]decode.Rule{"core": core.Rules(), "sasl": sasl.Rules(), "xep": xep.Rules()} {
		if len(rules) == 0 {
			t.Errorf("decode/%s has no rules", folder)
		}
		var ids []string
		for _, r := range rules {
			if slices.Contains(ids, r.ID) {
				t.Errorf("decode/%s: two rules have the id %q", folder, r.ID)
			}
			ids = append(ids, r.ID)
			if r.Title == "" || r.Ref == "" || r.New == nil {
				t.Errorf("decode/%s: the rule %q lacks its title, reference or New", folder, r.ID)
			}
			if number, ok := strings.CutPrefix(r.ID, "xep-"); ok {
				found, err := filepath.Glob(filepath.Join(root, "decode", folder, "testdata", number, "*.txtar"))
				if err != nil || len(found) == 0 {
					t.Errorf("decode/%s: the rule %q has no transcript in testdata/%s", folder, r.ID, number)
				}
			}
		}
	}
}

// TestNoSleeps: a test waits for the event, not for a while; and it is skipped for a
// missing program alone, which is for xmpptest.Need to say.
func TestNoSleeps(t *testing.T) {
	for _, file := range goFiles(t) {
		if !strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "internal/house/") {
			continue
		}
		src, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"time.Sleep", ".Skip(", ".Skipf(", ".SkipNow("} {
			if strings.Contains(string(src), word) {
				t.Errorf("%s has %s", file, word)
			}
		}
	}
}
