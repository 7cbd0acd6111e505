package viewer

import (
	"slices"
	"strings"
	"testing"
)

func TestKeysAreUnique(t *testing.T) {
	seen := map[any]string{}
	note := func(key any, name string) {
		if other, twice := seen[key]; twice {
			t.Errorf("%v is %q and %q", key, other, name)
		}
		seen[key] = name
	}
	for i, a := range actions {
		keys, err := parseKeys(a.keys)
		if err != nil {
			t.Errorf("%s: %v", a.name, err)
		}
		for _, k := range keys {
			note(k, a.name)
		}
		note(a.name, a.name)
		if a.name == "" || a.does == "" || a.do == nil || a.brief == "" && (i == 0 || len(keys) == 0) && a.keys != "" {
			t.Errorf("incomplete: %+v", a)
		}
		if len([]rune(a.brief)) > 22 {
			t.Errorf("%s: %q is too long", a.name, a.brief)
		}
	}
}

// TestKeyNames: what a key is called is what it can be called by.
func TestKeyNames(t *testing.T) {
	for _, name := range []string{"x", "é", ",", "Space", "F1", "F12", "Ctrl-F", "PgDn", "Esc", "Enter", "Tab", "Shift-Tab", "Backspace", "Up", "Home"} {
		k, err := parseKey(name)
		if err != nil || k.String() != name {
			t.Errorf("%s is %v: %v", name, k, err)
		}
		if again, err := parseKey(strings.ToLower(name)); err != nil || again != k {
			t.Errorf("%s in lower case is %v: %v", name, again, err)
		}
	}
	for name, want := range map[string]string{"Ctrl-Q1": "did you mean Ctrl-Q?", "Spacee": "did you mean Space?", "xyzzy plugh": "want a character", "": "want a character"} {
		if _, err := parseKey(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
}

// TestOtherKeys: keys that were set are taken from whoever has them.
func TestOtherKeys(t *testing.T) {
	m, err := newKeymap(nil, map[string]string{"quit": "Q", "search": "f Ctrl-S", "mark": ""})
	if err != nil {
		t.Fatal(err)
	}
	does := func(name string) string {
		k, err := parseKey(name)
		if err != nil {
			t.Fatal(err)
		}
		if b := m.by[k]; b != nil {
			return b.name
		}
		return ""
	}
	for key, want := range map[string]string{"Q": "quit", "q": "", "F10": "", "f": "search", "Ctrl-S": "search", "/": "", "m": "", "F": "filter"} {
		if got := does(key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	for _, b := range m.bound {
		if b.name == "follow" || b.name == "mark" {
			t.Errorf("%s has the keys %s", b.name, b.label)
		}
	}
	for _, c := range []struct {
		set  map[string]string
		want string
	}{
		{map[string]string{"serach": "s"}, `there is no action "serach": did you mean search?`},
		{map[string]string{"search": "Ctrl-"}, "there is no key"},
		{map[string]string{"search": "z", "filter": "z"}, "z is to be both search and filter"},
	} {
		if _, err := newKeymap(nil, c.set); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.set, err, c.want)
		}
	}
}

func TestQuitKey(t *testing.T) {
	b := newBench(t, 80, 24, Options{}).press("q")
	if b.quits != 1 {
		t.Error("q does not quit")
	}
}

// TestFooter: at 80 columns the last line names what somebody new would not guess, and each
// action that has a word for it stands there if there is room.
func TestFooter(t *testing.T) {
	b, _ := holding(t, 80, 24)
	b.press("<Esc>").has(" q quit  ? help  : menu  / find  F filter  e export  S sessions  T stats  H hold")
	newBench(t, 80, 24, Options{}).play(login(1)).lacks("H hold")
	newBench(t, 80, 24, Options{}).play(refused(1)).press("<Esc>").has(": menu  ! why  / find")
	for i := range actions {
		if a := &actions[i]; (a.hint != "") != slices.Contains(footer, a.name) {
			t.Errorf("%s has the word %q for the last line, and its place there: %v", a.name, a.hint, slices.Contains(footer, a.name))
		}
	}
}

// TestFollowIsPaused where a login has failed, until another session comes.
func TestFollowIsPaused(t *testing.T) {
	b := newBench(t, 80, 24, Options{Live: true}).play(login(1)).has(" FOLLOW")
	b.play(refused(2)).has(" FOLLOW PAUSED")
	b.play(login(3)).has(" FOLLOW").lacks("PAUSED")
}
