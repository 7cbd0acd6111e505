package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xmppscope/proxy"
)

// TestRulesAreReadAgain: a change holds at once, one with something wrong in it is refused
// once, with its place, and the rules of before still hold.
func TestRulesAreReadAgain(t *testing.T) {
	r := &rulesFlag{file: filepath.Join(t.TempDir(), "rules.toml")}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(r.file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var said []string
	say := func(format string, a ...any) { said = append(said, fmt.Sprintf(format, a...)) }
	control := proxy.NewControl()
	write("[one]\ndo = 'drop'\n")
	if err := r.open(control); err != nil {
		t.Fatal(err)
	}
	names := func() (out string) {
		for _, rule := range r.engine.Rules().Rules {
			out += rule.Name + " "
		}
		return out
	}
	r.reload(control, say)
	if len(said) != 0 || names() != "one " {
		t.Errorf("said %q, rules %s", said, names())
	}
	write("[two]\ndo = 'drp'\n")
	r.reload(control, say)
	r.reload(control, say)
	if len(said) != 1 || !strings.Contains(said[0], "the rules of before still hold: ") || !strings.Contains(said[0], ":2:1: rule two: there is no action") || names() != "one " {
		t.Errorf("said %q, rules %s", said, names())
	}
	write("[three]\ndo = 'mechanisms'\nonly = ['PLAIN']\n")
	r.reload(control, say)
	if len(said) != 3 || !strings.Contains(said[1], "was read again: 1 rule") || !strings.Contains(said[2], "warning: rule three: clients remember") || names() != "three " {
		t.Errorf("said %q, rules %s", said, names())
	}
	os.Remove(r.file)
	r.reload(control, say)
	if len(said) != 4 || names() != "three " {
		t.Errorf("said %q, rules %s", said, names())
	}
}
