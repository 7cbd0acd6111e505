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

// arrows says which of our packages each may import. A folder that is not named
// here may not exist.
var arrows = map[string][]string{
	"session":             {"internal/ownership"},
	"internal/attach":     {"internal/ownership", "session"},
	"internal/api":        {"capture", "decode/compare", "decode/tale", "session"},
	"certs":               {"internal/idn", "internal/ownership"},
	"decode":              {"session", "internal/coroutine", "internal/lent"},
	"internal/inspect":    {"session"},
	"viewer":              {"internal/inspect", "session"},
	"capture":             {"capture/packet", "capture/pseudonym", "internal/columns", "internal/ownership", "session", "internal/lent"},
	"capture/packet":      {"session", "internal/lent"},
	"capture/pseudonym":   {"session"},
	"capture/passive":     {"capture/packet", "capture/tls", "decode", "session"},
	"capture/tls":         {"certs", "session", "internal/lent"},
	"tlsintercept":        {"capture/tls", "certs", "internal/idn", "session"},
	"decode/core":         {"decode", "internal/idn", "session"},
	"decode/sasl":         {"decode", "session"},
	"decode/xep":          {"decode", "session"},
	"decode/verdict":      {"decode", "session"},
	"decode/facts":        {"decode", "session"},
	"decode/tale":         {"session"},
	"decode/compare":      {"decode", "decode/facts", "internal/columns", "session"},
	"decode/expect":       {"decode", "decode/facts", "internal/tomlfile", "session"},
	"internal/bend":       {"decode", "internal/tomlfile", "proxy", "session"},
	"internal/doctor":     {"decode", "decode/tale", "internal/idn", "internal/lookup", "proxy", "session", "tlsintercept"},
	"internal/rebind":     {"decode", "decode/sasl", "proxy", "session"},
	"internal/replay":     {"decode", "decode/sasl", "session"},
	"proxy":               {"tlsintercept", "decode", "internal/growing", "internal/idn", "internal/lookup", "session"},
	"cmd/xmppscope":       {"*"},
	"internal/bench":      {"internal/demo"},
	"internal/columns":    nil,
	"internal/dnsrelay":   nil,
	"internal/launch":     nil,
	"internal/coroutine":  nil,
	"internal/demo":       nil,
	"internal/experiment": {"decode", "decode/facts", "internal/demo", "proxy", "session"},
	"internal/growing":    nil,
	"internal/house":      {"*"},
	"internal/idn":        nil,
	"internal/lookup":     {"session"},
	"internal/lent":       nil,
	"internal/ownership":  nil,
	"internal/script":     {"decode", "proxy", "session"},
	"internal/tomlfile":   nil,
	"internal/xmpptest":   {"*"},
	"internal/peertest":   {"*"},
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

// TestArrows: imports point down, and nobody but tests uses the test harness.
func TestArrows(t *testing.T) {
	for _, file := range goFiles(t) {
		isTest := strings.HasSuffix(file, "_test.go")
		folder := path.Dir(file)
		allowed, known := arrows[folder]
		if !known {
			t.Errorf("%s lies in a folder that the house does not know", file)
			continue
		}
		for _, imported := range ourImports(t, file) {
			switch {
			case isTest: // a test may use what it tests, and the harness
			case slices.Contains(allowed, "*"), slices.Contains(allowed, imported):
				if imported == "internal/xmpptest" && !strings.HasPrefix(folder, "internal/") {
					t.Errorf("%s uses the test harness", file)
				}
			default:
				t.Errorf("%s imports %s, which is not among %v", file, imported, allowed)
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
