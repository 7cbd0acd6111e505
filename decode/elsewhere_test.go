package decode

import "testing"

// TestElsewhere: a client is led past xmppscope only where xmppscope is not on its way anyhow.
func TestElsewhere(t *testing.T) {
	for want, s := range map[string]State{
		"": {Captured: true}, ", where xmppscope sees it too": {Follows: true},
		", past xmppscope unless it is led back (--keep)": {},
	} {
		if got := s.Elsewhere(true); got != want {
			t.Errorf("%+v: %q", s, got)
		}
	}
	if got := new(State).Elsewhere(false); got != ", past xmppscope" {
		t.Errorf("where nobody leads it back: %q", got)
	}
}
