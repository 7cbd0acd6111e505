package core

import "testing"

// TestEveryday: nothing that the short look lets through has a problem.
func TestEveryday(t *testing.T) {
	for _, jid := range []string{"a@b.example/c", "b.example", "b.example/c", "a@b.example", "romeo.m-1_2@x/y"} {
		if !everyday(jid) || jidProblem(jid) != "" {
			t.Errorf("%q: everyday %v, problem %q; it is an everyday JID", jid, everyday(jid), jidProblem(jid))
		}
	}
	parts := []string{"", "a", "b.c", "@", "/", "é", " ", "<", "-", "\x00"}
	for _, a := range parts {
		for _, b := range parts {
			for _, c := range parts {
				for _, d := range parts {
					if jid := a + b + c + d; everyday(jid) && jidProblem(jid) != "" {
						t.Errorf("%q passes, but %s", jid, jidProblem(jid))
					}
				}
			}
		}
	}
}
