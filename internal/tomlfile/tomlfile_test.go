package tomlfile

import (
	"strings"
	"testing"
)

func TestLocate(t *testing.T) {
	at := locate(`# a = 1
theme = "dark"
  [keys]
  search = "/"
"quoted key" = "x"
[[command]]
name = "one"
[[command]]
	name = "two"
[profile."a".keys]
quit = "q"
`)
	for path, want := range map[string]Place{
		"theme": {2, 1}, "keys": {3, 3}, "keys.search": {4, 3}, "keys.quoted key": {5, 1}, "command": {6, 1}, "command.0.name": {7, 1},
		"command.1": {8, 1}, "command.1.name": {9, 2}, "profile.a.keys": {10, 1}, "profile.a.keys.quit": {11, 1}, "a": {},
	} {
		if at[path] != want {
			t.Errorf("%s stands at %v, want %v", path, at[path], want)
		}
	}
}

// TestProblems: what is wrong is told with its place, and nobody waits long for it.
func TestProblems(t *testing.T) {
	const large = 1 << 18
	for _, c := range []struct {
		text, want string
		at         Place
	}{
		{"n = 1", "", Place{}},
		{"a = \n", "expected value but found '\\n' instead", Place{1, 5}},
		{"a = 1\na = 2\n", "key 'a' has already been defined", Place{2, 7}},
		{"# first\n  n = 'x'\n", "n: want a whole number, not a text in quotes", Place{2, 3}},
		{"n = [1]", "n: want a whole number, not a list", Place{1, 1}},
		{"n = {}", "n: want a whole number, not a table", Place{1, 1}},
		{"n = true", "n: want a whole number, not true or false", Place{1, 1}},
		{"n = 1.5", "n: want a whole number, not a number such as 0.5", Place{1, 1}},
		{"n = 2026-11-30", "n: want a whole number, not a time", Place{1, 1}},
		{"[r]\na" + strings.Repeat(".a", large) + " = 1", "something lies more than 30 levels deep", Place{2, 1}},
		{"[a" + strings.Repeat(" . \"a\"", large) + "]", "something lies more than 30 levels deep", Place{1, 1}},
		{"[r]\nx = " + strings.Repeat("{a=", large), "something lies more than 30 levels deep", Place{2, 1}},
		{"[r]\nx = '''\n" + strings.Repeat(".", 1000) + "'''''\ny = " + strings.Repeat("[", large), "something lies more than 30 levels deep", Place{4, 1}},
		{"x = '" + strings.Repeat(".", 1000) + strings.Repeat("[", 1000) + "'\ny = 1 # " + strings.Repeat(".", 1000), "", Place{}},
	} {
		var v struct{ N int }
		_, _, bad := Decode(c.text, &v)
		if bad == nil {
			bad = new(Problem)
		}
		if bad.Text != c.want || bad.Place != c.at {
			t.Errorf("%.40q: %q at %v, want %q at %v", c.text, bad.Text, bad.Place, c.want, c.at)
		}
	}
}

// TestOf: what has no place of its own is where it stands in.
func TestOf(t *testing.T) {
	at := locate("[a]\nb = { c = 1 }\n")
	for path, want := range map[string]Place{"a.b.c": {2, 1}, "a.d": {1, 1}, "e.f": {}, "": {}} {
		if got := at.Of(path); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}
