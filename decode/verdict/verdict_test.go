package verdict_test

import (
	"fmt"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// TestVerdicts plays dialogues to all rules and compares the verdicts: each with
// the number of the event it stands on, what happened, and what to do next.
func TestVerdicts(t *testing.T) {
	xmpptest.Archives(t, "testdata/*.txtar", 1, func(t *testing.T, given []string) string {
		return verdicts(xmpptest.Play(t, given[0]))
	})
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
