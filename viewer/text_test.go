package viewer

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/gdamore/tcell/v2"

	"xmppscope/session"
)

// hostile is text that tries to be more than text.
var hostile = map[string]string{
	"tview tag":       "[red]alarm[-:-:-]",
	"tview region":    `["button"]press["",""]`,
	"escape":          "\x1b[2J\x1b]0;owned\x07\x1b[31mred",
	"C1 escape":       "\u009b31mred\x9b31m",
	"backspace":       "safe\b\b\b\bevil\r\rover",
	"bidi override":   "file\u202Egpj.exe\u2066x\u2069",
	"zero width":      "ad\u200Bmin\u200C\u2060\uFEFF",
	"joiner in text":  "ad\u200Dmin",
	"combining flood": "Z" + strings.Repeat("\u0301\u0322\u035C", 400),
	"mark on nothing": "\u0301\u0302x",
	"grapheme joiner": "a\u034Fb",
	"hidden message":  "a\U000E0101\U000E0102\U000E0103",
	"tag characters":  "a\U000E0041\U000E0042",
	"blank letters":   "a\u3164\u115F\uFFA0b",
	"joined flood":    strings.Repeat("👩\u200D", 300) + "👩",
	"jamo flood":      strings.Repeat("\u1100", 300),
	"wide":            "漢字かな한국어",
	"emoji":           "👍🏽 👨‍👩‍👧‍👦 🇩🇪 ❤️ ☎",
	"invalid UTF-8":   "\xff\xfe\xc0\xaf\xed\xa0\x80",
	"line breaks":     "one\ntwo\u2028three\u0085four\ttab",
	"private":         "\uE000\U000F0000\uFFFF",
	"NUL":             "a\x00b",
}

// unfit finds a rune that must never be in a cell.
func unfit(s string) (rune, bool) {
	runes := []rune(s)
	for i, r := range runes {
		switch {
		case r == joiner && i > 0 && i+1 < len(runes):
		case !unicode.IsGraphic(r), r == '\uFFFD' && len(runes) > 1, invisible(r):
			return r, true
		}
	}
	return 0, false
}

func TestWireMakesTextHarmless(t *testing.T) {
	for name, text := range hostile {
		got := wire(text)
		if r, bad := unfit(string(got)); bad {
			t.Errorf("%s: %q holds %U", name, got, r)
		}
		for rest := got; len(rest) > 0; {
			var first clean
			first, rest, _ = next(rest)
			if n := len([]rune(string(first))); n > maxCluster+2 {
				t.Errorf("%s: %d runes in one cell", name, n)
			}
		}
		if again := wire(string(got)); again != got {
			t.Errorf("%s: not stable: %q, then %q", name, got, again)
		}
	}
}

func TestWireKeepsOrdinaryText(t *testing.T) {
	for _, text := range []string{
		"plain <xml attr='[1]'/>", "Grüße, Ångström", "漢字", "👨‍👩‍👧‍👦", "👩🏻‍❤️‍💋‍👨🏻", "नमस्ते", "Tiếng Việt", "שָׁלוֹם", "🇩🇪", "한국어", "a\u0301",
	} {
		if got := wire(text); string(got) != text {
			t.Errorf("wire(%q) = %q", text, got)
		}
	}
}

func TestWireShowsWhatItTookOut(t *testing.T) {
	for text, want := range map[string]string{
		"\x1b[31m":                        "␛[31m",
		"a\u202Eb":                        "a\\u202eb",
		"a\u200Db":                        "a\\u200db",
		"e" + strings.Repeat("\u0301", 9): "e\u0301\u0301\u0301\u0301‹+5 marks›",
		"\u0301x":                         "◌\u0301x",
		"two\nlines":                      "two␊lines",
		"[red]":                           "[red]",
	} {
		if got := wire(text); string(got) != want {
			t.Errorf("wire(%q) = %q, want %q", text, got, want)
		}
	}
}

// TestWidths: what width says is what the screen takes.
func TestWidths(t *testing.T) {
	screen := tcell.NewSimulationScreen("UTF-8")
	if err := screen.Init(); err != nil {
		t.Fatal(err)
	}
	defer screen.Fini()
	screen.SetSize(4000, 1)
	for name, text := range hostile {
		s := wire(text)
		screen.Clear()
		end := line{{s, tcell.StyleDefault}}.put(screen, 0, 0, 4000, asIs)
		if end != s.width() {
			t.Errorf("%s: width is %d, drawn in %d cells", name, s.width(), end)
		}
		for w := range 12 {
			if got := s.fit(w).width(); got > w {
				t.Errorf("%s: fit(%d) is %d wide", name, w, got)
			}
			if got := s.pad(w).width(); got != w {
				t.Errorf("%s: pad(%d) is %d wide", name, w, got)
			}
			if got := (line{{s, tcell.StyleDefault}, {"!", tcell.StyleDefault}}).fit(w).width(); got > w {
				t.Errorf("%s: line.fit(%d) is %d wide", name, w, got)
			}
		}
	}
}

func TestWrapLosesNothing(t *testing.T) {
	for name, text := range hostile {
		s := wire("some words before " + text + " and more words after it")
		for w := 2; w < 40; w++ {
			var joined strings.Builder
			for _, l := range (line{{s, tcell.StyleDefault}}).wrap(w, 3) {
				if l.width() > w {
					t.Fatalf("%s: a line of %d cells where %d were allowed", name, l.width(), w)
				}
				for _, part := range l {
					joined.WriteString(string(part.text))
				}
			}
			squeeze := func(s string) string { return strings.ReplaceAll(s, " ", "") }
			if got := squeeze(joined.String()); got != squeeze(string(s)) {
				t.Fatalf("%s: wrapped at %d: %q, want %q", name, w, got, squeeze(string(s)))
			}
		}
	}
}

// TestHostileTextOnTheScreen puts hostile text wherever wire text is shown and
// looks at every cell in every view.
func TestHostileTextOnTheScreen(t *testing.T) {
	for name, text := range hostile {
		for _, size := range [][2]int{{80, 24}, {200, 50}} {
			b := newBench(t, size[0], size[1], Options{Live: true, Start: []string{text}})
			b.check(name)
			s := newScript(1)
			s.add(0, session.Event{Seen: session.Seen{Leg: session.ClientLeg, Body: session.TCPOpened{Peer: text, Target: text, Via: text}}, Said: session.Said{Done: true}})
			e := s.element(0, session.S2C, "<message/>", text)
			e.Name, e.Raw = text, []byte("<message><body>"+text+"</body></message>")
			e.Notes = []session.Note{
				{Name: "jid", Value: text}, {Name: text, Value: text, Text: text, Ref: text},
				{Severity: session.Error, Text: text, Ref: text}, {Name: "username", Value: text, Holds: session.User},
			}
			s.rung(e, "sasl-auth", text, text, text)
			f := facts(session.ServerLeg)
			f.Version, f.SNI, f.ALPN, f.Chain[0].Subject, f.Chain[0].DNS = text, text, text, text, []string{text, text}
			s.add(0, session.Event{Seen: session.Seen{Leg: session.ServerLeg, Body: session.TLSFailed{TLSFacts: f, Reason: text, Hint: text, Alert: text, Err: text}}, Said: session.Said{Done: true}})
			b.play(s)
			b.check(name)
			for _, keys := range []string{"k", "x", "h", "h<Enter>", "<Enter>r", "ggi", "<Esc>", "jG<Enter>"} {
				b.press(keys)
				b.check(name + " after " + keys)
			}
			b.ui.say(failure, "%s", text)
			b.check(name + " as a message")
			b.press("/")
			b.ui.paste(text)
			b.check(name + " pasted")
		}
	}
}

// check looks at every cell.
func (b *bench) check(what string) {
	b.Helper()
	b.show()
	w, h := b.screen.Size()
	for y := range h {
		for x := range w {
			text, _, _ := b.screen.Get(x, y)
			if r, bad := unfit(text); bad {
				b.Fatalf("%s: cell %d,%d holds %U in %q", what, x, y, r, text)
			}
		}
	}
}

func TestTagsAreTextNotStyle(t *testing.T) {
	b := newBench(t, 120, 24, Options{})
	s := newScript(1)
	s.element(0, session.S2C, "<message/>", "[red]alarm[-]")
	b.play(s).has("[red]alarm[-]")
	w, h := b.screen.Size()
	for y := range h {
		for x := range w {
			_, style, _ := b.screen.Get(x, y)
			if fg, _, _ := style.Decompose(); fg == tcell.ColorRed {
				t.Fatalf("cell %d,%d is red", x, y)
			}
		}
	}
}

// TestOnlyTextMakesClean: no other file turns a string into clean text, so
// nothing from the wire gets past wire.
func TestOnlyTextMakesClean(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	conversion := regexp.MustCompile(`\bclean\(([^")][^)]*)\)`)
	markup := regexp.MustCompile(`tview\.(Print|NewTextView|NewTable|NewList)|SetDynamicColors|SetTitle\(`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || file == "text.go" {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if m := conversion.FindString(string(source)); m != "" {
			t.Errorf("%s: %s: only text.go may do that", file, m)
		}
		if m := markup.FindString(string(source)); m != "" {
			t.Errorf("%s: %s reads text as markup", file, m)
		}
	}
}

// TestSectionsInASCII: where tcell would draw § as a line, sections are spelled, and
// what is wrapped still fits.
func TestSectionsInASCII(t *testing.T) {
	b := newBench(t, 80, 24, Options{})
	b.screen = tcell.NewSimulationScreen("US-ASCII")
	if err := b.screen.Init(); err != nil {
		t.Fatal(err)
	}
	defer b.screen.Fini()
	b.size(80, 24)
	b.play(login(1)).press("g/logs in<Enter>")
	text := b.press("<Enter>").show()
	if !strings.Contains(text, "RFC 6120 s.6.4.2") || strings.Contains(text, "§") {
		t.Errorf("sections are not spelled:\n%s", text)
	}
	b.screen.Clear()
	line{{"a §5, b §6 c", tcell.StyleDefault}}.put(b.screen, 0, 0, 12, asIs)
	if got := screenText(b.screen); !strings.HasPrefix(got, "a s.5, b s.6") {
		t.Errorf("drawn is %.20q", got)
	}
}
