package verdict_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"xmppscope/decode/core"
	"xmppscope/decode/sasl"
	"xmppscope/decode/verdict"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

var update = flag.Bool("update", false, "rewrite the verdicts in testdata")

// TestVerdicts plays dialogues to all rules and compares the verdicts: each with
// the number of the event it stands on, what happened, and what to do next.
func TestVerdicts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no dialogues: %v", err)
	}
	rules := slices.Concat(core.Rules(), sasl.Rules(), verdict.Rules())
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil || len(ar.Files) != 2 {
				t.Fatalf("%v, %d parts", err, len(ar.Files))
			}
			got := verdicts(xmpptest.Dialogue(t, string(ar.Files[0].Data), rules, 0))
			if *update {
				ar.Files[1].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(ar.Files[1].Data), got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func verdicts(events []session.Event) string {
	var b strings.Builder
	for _, e := range events {
		for _, n := range e.Notes {
			if n.Rule == session.RuleVerdict {
				fmt.Fprintf(&b, "%d %s %s\n  %s\n", e.Seq, n.Severity, n.Value, n.Text)
			}
		}
	}
	return b.String()
}
