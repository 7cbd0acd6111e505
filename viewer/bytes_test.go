package viewer

import (
	"strings"
	"testing"

	"github.com/gdamore/tcell/v2"
	"github.com/rivo/tview"

	"xmppscope/session"
)

// litText is what is lit on the screen, row by row.
func (b *bench) litText() string {
	b.show()
	var out []string
	w, h := b.screen.Size()
	for y := range h {
		row := ""
		for x := range w {
			if text, style, _ := b.screen.Get(x, y); style.Background(tcell.ColorDefault) == b.ui.theme.match.Background(tcell.ColorDefault) && style == b.ui.theme.match {
				row += text
			}
		}
		if row != "" {
			out = append(out, strings.TrimSpace(row))
		}
	}
	return strings.Join(out, "|")
}

// fielded is a login whose fields say where they stand.
func fielded() *script {
	s := login(1)
	e := &s.events[12]
	find := func(text string) session.Span {
		at := strings.Index(string(e.Raw), text)
		return session.Span{Start: at, End: at + len(text)}
	}
	e.Notes[0].Span, e.Notes[1].Span, e.Notes[2].Span = find("'PLAIN'"), find(plainPayload), find(plainPayload)
	return s
}

// TestFieldsLightUpTheirBytes in XML, raw and hex, and bytes name their field.
func TestFieldsLightUpTheirBytes(t *testing.T) {
	b := newBench(t, 120, 60, Options{}).play(fielded()).press("13<Enter>").press(">").has("mechanism: bytes 57 to 63")
	if got := b.litText(); got != "▸mechanism  PLAIN|'PLAIN'" {
		t.Errorf("lit: %q", got)
	}
	b.press("x")
	if got := b.litText(); got != "'PLAIN'" {
		t.Errorf("lit in raw: %q", got)
	}
	b.press("h")
	if got := strings.ReplaceAll(b.litText(), " ", ""); got != "27504c41494e27'PLAIN'" {
		t.Errorf("lit in hex: %q", got)
	}
	b.press(">").has("authcid: bytes 65 to 108")
	if got := b.litText(); strings.Count(got, "··") < len(plainPayload) || strings.Contains(got, "41 48") {
		t.Errorf("lit of a secret: %q", got)
	}
	b.press(">").has("password: bytes").press(">").has("mechanism: bytes").press("<").has("password: bytes").press("h")
	if got := b.litText(); !strings.Contains(got, "[SASL PLAIN #1, 44") {
		t.Errorf("lit: %q", got)
	}
	b.press("J").lacks("password: bytes").press(">").has("no decoded field of #14")

	// A click on the bytes names the field that stands there.
	b.press("K")
	rows := strings.Split(b.show(), "\n")
	click := func(text string) {
		for y, row := range rows {
			if at := strings.Index(row, text); at >= 0 {
				b.mouse(tview.MouseLeftDown, len([]rune(row[:at])), y)
				return
			}
		}
		t.Fatalf("%q is not there", text)
	}
	b.ui.field = chosenField{}
	click("authcid    ysong")
	b.has("authcid: bytes")
	click("<auth xmlns=")
	b.has("mechanism: bytes")
	newBench(t, 80, 24, Options{}).press(">").has("there is no event yet")
}
