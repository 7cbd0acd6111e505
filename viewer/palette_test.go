package viewer

import (
	"strings"
	"testing"
)

// TestPalette: everything can be done by its name, and found by what it does.
func TestPalette(t *testing.T) {
	b := newBench(t, 80, 24, Options{}).play(chats(1))
	b.press(":").has("Commands", "quit", "1 of ").press("stan").has("▸stanzas", "v ").press("<Enter>").has("Stanzas of session 1")
	b.press(":ladder again<Enter>").lacks("Stanzas of session 1") // by what it does
	b.press(":nex<Tab>").has(": next-").press("<Esc>").lacks("Commands")
	b.press(":next-<Down><Tab>").has(": next-finding").press("<Esc>")
	b.press(":xyzzy").has("no command matches").press("<Enter>").has(`there is no command "xyzzy"`)
	b.press(":go-to<Enter>").has("go to #").press("6<Enter>")
	if b.seq() != 6 {
		t.Errorf("at #%d", b.seq())
	}
	if b.press(":quit<Enter>"); b.quits != 1 {
		t.Error("quit does not quit")
	}
	b = newBench(t, 40, 6, Options{}).press(":<PgDn><PgDn><PgUp><Up>x")
	if b.ui.prompt == nil {
		t.Error("the palette is gone")
	}
}

// TestEveryActionIsACommand, and what is nearest comes first.
func TestEveryActionIsACommand(t *testing.T) {
	b := newBench(t, 80, 24, Options{})
	all := b.ui.commands()
	if len(all) != len(actions)-1+len(themes) {
		t.Errorf("%d commands for %d actions", len(all), len(actions))
	}
	for i := range actions {
		if name := actions[i].name; name != "palette" && fitting(all, name)[0].name != name {
			t.Errorf("%s finds %s", name, fitting(all, name)[0].name)
		}
	}
	if got := fitting(all, "SESSION before")[0].does; !strings.Contains(got, "session before") {
		t.Errorf("found %q", got)
	}
	b.ui.keys, _ = newKeymap(nil, map[string]string{"quit": ""})
	if all := b.ui.commands(); all[0].name != "quit" || all[0].label != "" {
		t.Errorf("without a key: %+v", all[0])
	}
}
