package verdict

import (
	"strings"
	"testing"

	"xmppscope/session"
)

// TestSilences: each entry is whole, of a server that is known, and made of conditions that
// there are.
func TestSilences(t *testing.T) {
	if n := len(silences()); n < 75 {
		t.Errorf("only %d entries", n)
	}
	used := map[string]bool{}
	for _, s := range silences() {
		for _, server := range strings.Fields(s.Servers) {
			if session.ServerNames[server] == "" {
				t.Errorf("%q: there is no server %q", s.Why, server)
			}
		}
		if s.Why == "" || s.Tell == "" || len(s.When) == 0 || strings.HasSuffix(s.Why, ".") || strings.HasSuffix(s.Tell, ".") {
			t.Errorf("%+v is not whole", s)
		}
		for _, w := range s.When {
			is, arg := conditionOf(w)
			if is == nil {
				t.Errorf("%q: there is no condition %q", s.Why, w)
			}
			used[strings.TrimSuffix(w, " "+arg)] = true
		}
	}
	for name := range conditions {
		if !used[name] {
			t.Errorf("no entry asks for %q", name)
		}
	}
	if is, _ := conditionOf("whatever else"); is != nil {
		t.Error("there is a condition for everything")
	}
}
