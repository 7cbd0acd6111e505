package verdict

import (
	"strings"
	"testing"

	"xmppscope/session"
)

// TestSayingsAreSound: each text stands for one thing, in a form that fits into a sentence,
// and none of them advises to make a login less safe.
func TestSayingsAreSound(t *testing.T) {
	list := sayings()
	if len(list) < 300 {
		t.Fatalf("%d texts", len(list))
	}
	for _, s := range list {
		if s.Server == "" || s.Where == "" || s.Means == "" || s.Do == "" || s.Text != "" && s.Like != "" {
			t.Errorf("something is missing or too much in %+v", s)
		}
		if session.ServerNames[s.Server] == "" {
			t.Errorf("%q is no server", s.Server)
		}
		for _, weak := range []string{"relax", "turn off tls", "disable tls", "allow_unencrypted", "without tls", "plain first", "insecure"} {
			if strings.Contains(strings.ToLower(s.Do), weak) {
				t.Errorf("this advice lowers security: %s", s.Do)
			}
		}
	}
}
