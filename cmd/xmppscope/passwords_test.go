package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPasswords: accounts are found as clients name them, components by their
// domain, and nobody else is.
func TestPasswords(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("made up\r\nmore\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := readPasswords([]string{"Tim@Example.net=" + file, "Plays.example.net=" + file, "tim@bücher.example=" + file})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		user, domain string
		ok           bool
	}{
		{"tim", "example.net", true}, {"TIM", "EXAMPLE.NET", true}, {"tim@example.net", "elsewhere.example", true},
		{"", "plays.example.net", true}, {"", "example.net", false}, {"tim", "plays.example.net", false}, {"", "", false},
		{"tim", "xn--bcher-kva.example", true}, {"tim", "bu\u0308cher.example", true}, {"Tim@Bücher.example.", "", true},
	} {
		got, ok := p.find(c.user, c.domain)
		if ok != c.ok || ok && got != "made up" {
			t.Errorf("%q at %q: %q, %v", c.user, c.domain, got, ok)
		}
	}
	if _, err := readPasswords([]string{"tim=" + file}); err == nil || !strings.Contains(err.Error(), "no bare JID") {
		t.Errorf("a name without a domain: %v", err)
	}
}
