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
	var p accounts
	if err := p.read(&passwordFlag{[]string{"Tim@Example.net=" + file, "Plays.example.net=" + file, "tim@bücher.example=" + file, "a=b@c.example=" + file, "J\u00fcrgen@c.example=" + file}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		user, domain string
		ok           bool
	}{
		{"tim", "example.net", true}, {"TIM", "EXAMPLE.NET", true}, {"tim@example.net", "elsewhere.example", true},
		{"", "plays.example.net", true}, {"", "example.net", false}, {"tim", "plays.example.net", false}, {"", "", false},
		{"tim", "xn--bcher-kva.example", true}, {"tim", "bu\u0308cher.example", true}, {"Tim@Bücher.example.", "", true},
		{"a=b", "c.example", true}, {"a", "c.example", false}, {"Ju\u0308rgen", "c.example", true}, {"\uff2a\u00dcRGEN", "c.example", true},
	} {
		got, ok := p.find(c.user, c.domain)
		if ok != c.ok || ok && got != "made up" {
			t.Errorf("%q at %q: %q, %v", c.user, c.domain, got, ok)
		}
	}
	if err := new(accounts).read(&passwordFlag{[]string{"tim=" + file}}); err == nil || !strings.Contains(err.Error(), "no bare JID") {
		t.Errorf("a name without a domain: %v", err)
	}
}

// TestPasswordPairs: a "=" may be part of a user's name, and of a file's.
func TestPasswordPairs(t *testing.T) {
	for pair, want := range map[string][2]string{
		"a@b.example=f":      {"a@b.example", "f"},
		"a=b@c.example=d=e":  {"a=b@c.example", "d=e"},
		"b.example=f":        {"b.example", "f"},
		"b.example=/x/a@y=z": {"b.example", "/x/a@y=z"},
		"b.example=a@b":      {"b.example", "a@b"},
		"a@b.example=f@x":    {"a@b.example", "f@x"},
		"a@b.example":        {},
		"a@b.example=":       {},
		"=f":                 {},
	} {
		jid, file, ok := splitPair(pair)
		if ok != (want[0] != "") || ok && (jid != want[0] || file != want[1]) {
			t.Errorf("%s: %q, %q, %v", pair, jid, file, ok)
		}
	}
}

// TestPasswordsForNobody: whose password was not asked for is told, and who did log in.
func TestPasswordsForNobody(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("made up\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var a accounts
	if err := a.read(&passwordFlag{[]string{"Tim@example.net=" + file, "tom@example.net=" + file}}); err != nil {
		t.Fatal(err)
	}
	if said := strings.Join(a.unused(), "\n"); strings.Count(said, "no login was seen") != 2 {
		t.Errorf("before any login: %s", said)
	}
	a.find("tom", "example.net")
	a.find("bill", "Example.net")
	a.find("", "plays.example.net")
	want := "warning: the password given for Tim@example.net was for nobody: those who logged in were bill@example.net, plays.example.net"
	if said := strings.Join(a.unused(), "\n"); said != want {
		t.Errorf("said %q, want %q", said, want)
	}
}
