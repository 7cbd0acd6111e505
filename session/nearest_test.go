package session_test

import (
	"testing"

	"xmppscope/session"
)

func TestNearest(t *testing.T) {
	known := []string{"outcome", "bound_within", "T02", "core-bind"}
	for word, want := range map[string]string{"outcom": "outcome", "Bound_Within": "bound_within", "bind_within": "bound_within", "T2": "T02", "entirely": "", "": ""} {
		if got := session.Nearest(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
