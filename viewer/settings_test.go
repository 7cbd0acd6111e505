package viewer

import (
	"reflect"
	"testing"

	"github.com/gdamore/tcell/v2"

	"xmppscope/session"
)

// TestThemes: each has a readable look for every style, and no style is without a name.
func TestThemes(t *testing.T) {
	var some theme
	styles := some.styles()
	fields := 0
	for f := range reflect.TypeFor[theme]().Fields() {
		if f.Type == reflect.TypeFor[tcell.Style]() {
			fields++
		}
	}
	if fields != len(styles) {
		t.Errorf("%d of %d styles have a name", len(styles), fields)
	}
	for name := range styles {
		_, usual := themes[usualTheme][name]
		_, plain := plainLooks[name]
		if !usual || !plain {
			t.Errorf("%s has no look: %v, without colours %v", name, usual, plain)
		}
	}
	for name, looks := range themes {
		for style := range looks {
			if styles[style] == nil {
				t.Errorf("%s: there is no style %s", name, style)
			}
		}
		coloured, err := newTheme(name, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		mono, err := newTheme(name, nil, true)
		if err != nil {
			t.Fatal(err)
		}
		for style, at := range mono.styles() {
			if fg, bg, _ := at.Decompose(); fg != tcell.ColorDefault || bg != tcell.ColorDefault {
				t.Errorf("%s without colours: %s has one", name, style)
			}
		}
		if coloured.failure == coloured.text || coloured.selected == coloured.text || mono.failure == mono.text || coloured.good == coloured.failure {
			t.Errorf("%s does not tell styles apart", name)
		}
	}
	own, err := newTheme("dark", map[string]string{"failure": "208 on #102030 italic"}, false)
	if err != nil || own.failure != tcell.StyleDefault.Foreground(tcell.PaletteColor(208)).Background(tcell.NewHexColor(0x102030)).Italic(true) {
		t.Errorf("%+v, %v", own.failure, err)
	}
	for _, wrong := range []string{"red on", "on", "#12345", "#gggggg", "-1", "256", "bald"} {
		if _, err := parseStyle(wrong); err == nil {
			t.Errorf("%q is a style", wrong)
		}
	}
}

// TestSettings: keys, columns, the order, what is seen first, and a filter from the beginning.
func TestSettings(t *testing.T) {
	s := Settings{
		Theme: "light", View: "stanzas", HideNoise: true, Filter: "seq > 5",
		Stanzas: TableSettings{Columns: []string{"number", "ns", "rtt", "what"}, Sort: "rtt", Falling: true},
		Keys:    map[string]string{"quit": "Z"}, Filters: map[string]string{"mine": "seq > 7"},
	}
	compile := func(expr string) error { _, err := session.CompileFilter(expr); return err }
	if err := s.Check(compile); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, 100, 30, Options{CompileFilter: session.CompileFilter, Settings: s}).play(chats(1))
	b.has("Stanzas of session 1 · sort: rtt", "ns", "rtt▼", "filter: seq > 5", "Z quit", "NOISE HIDDEN", "jabber:iq:roster").lacks("bob@example.net/phone ")
	if b.press("q"); b.quits != 0 {
		t.Error("q quits")
	}
	b.press("F6").has("seq > 7").press("<Esc>")
	b.press("?").has("Z   ").press("?")
	b.press(":theme dark<Enter>").has("theme dark")
	if b.press("Z"); b.quits != 1 {
		t.Error("Z does not quit")
	}
	if want, _ := newTheme("dark", nil, false); b.ui.theme.text != want.text {
		t.Error("the theme is not used")
	}
	newBench(t, 120, 30, Options{Settings: Settings{View: "sessions"}}).play(chats(1), login(2)).has("Sessions", "mechanism")
	empty := newBench(t, 100, 30, Options{Settings: Settings{View: "stanzas"}}).play(refused(1))
	empty.has("no message, presence or iq in this session yet; v shows the ladder").press("v").has("opens a stream")
}

// TestChooseColumns on the screen.
func TestChooseColumns(t *testing.T) {
	b := newBench(t, 120, 40, Options{}).play(chats(1)).press("v").lacks("  ns ")
	b.press("C").has("Columns of the stanzas", "▸✓ number", "   ns ").press("Gk<Enter>").has("▸✓ ns")
	b.press("<Esc>").has("jabber:iq:roster", "ns                        what").press("CGkkk").has("▸✓ ns").press("---").has("▸✓ ns").press("<Esc>").has("what")
	b.press("C").press("gjjjjo").has("▲ sorted").press("o").has("▼ sorted").press("X<Esc>").has("note 22", "type▼")
	for range len(tableColumns) + 3 { // the last one stays
		b.press("Cg<Enter><Esc>")
	}
	if len(b.ui.chosen) == 0 {
		t.Errorf("%v are left", b.ui.chosen)
	}
}
