package xep_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xmppscope/session"
)

// TestExampleStanzas: stanzas as the XEPs show them get at least the name of the
// extension, wherever in them its sign stands: in a payload, an item, a form, the
// name of a node, the condition of an error. Each line of testdata/examples has
// the specifications that must be named, a tab and the stanza.
func TestExampleStanzas(t *testing.T) {
	files, err := filepath.Glob("testdata/examples/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	count := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			specs, stanza, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			if !ok {
				continue // a comment
			}
			count++
			e := explained(stanza)
			for _, spec := range strings.Fields(specs) {
				if !names(e, spec) && !speaks(e, strings.ToLower(spec)) {
					t.Errorf("%s is not named for\n%s\nbut:", spec, stanza)
					for _, n := range e.Notes {
						t.Logf("    %s %s (%s)", n.Rule, n.Text, n.Ref)
					}
				}
			}
			for _, n := range e.Notes {
				if strings.HasPrefix(n.Rule, "X0") || strings.HasPrefix(n.Rule, "X1") {
					t.Errorf("the example is broken: %s\n%s", n.Text, stanza)
				}
			}
		}
	}
	if count < 200 {
		t.Errorf("only %d examples", count)
	}
}

// speaks says whether the rule with this id has said something.
func speaks(e session.Event, rule string) bool {
	return slices.ContainsFunc(e.Notes, func(n session.Note) bool { return n.Rule == rule })
}
