package viewer

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gdamore/tcell/v2"
)

func TestGoTo(t *testing.T) {
	b := newBench(t, 100, 40, Options{CompileFilter: byName}).play(login(1), refused(2))
	b.press("11").has("go to # 11").press("<Enter>")
	if b.seq() != 11 {
		t.Errorf("11 goes to event %d", b.seq())
	}
	b.press("#20<Enter>")
	if b.seq() != 20 {
		t.Errorf("#20 goes to event %d", b.seq())
	}
	b.press("99<Enter>").has("no event #99: the last is #26")
	b.press("1x<Enter>").has(`"1x" is not the number`).press("#0<Enter>").has(`"0" is not the number`)
	if b.seq() != 20 {
		t.Errorf("what is not there goes to event %d", b.seq())
	}
	b.press("Ffeatures<Enter>1<Enter>").has("#1 is hidden")
	newBench(t, 80, 24, Options{}).press("1").has("there is no session yet")
}

// TestGoToEach: every event has its number on its row and is found by it, those behind a
// restart too.
func TestGoToEach(t *testing.T) {
	b := newBench(t, 100, 40, Options{}).play(login(1))
	for n := 1; n <= b.ui.current().Events; n++ {
		b.press(fmt.Sprint("g#", n, "<Enter>")).has(fmt.Sprintf("▸%4d ", n), fmt.Sprintf("#%d  ", n))
		if b.seq() != uint64(n) {
			t.Errorf("#%d goes to event %d", n, b.seq())
		}
	}
}

func TestCopy(t *testing.T) {
	b := newBench(t, 100, 40, Options{}).play(login(1))
	copied := func(keys string) string {
		b.press(keys).show()
		return string(b.screen.GetClipboardData())
	}
	if got := copied("18<Enter>y"); got != "<iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>home</resource></bind></iq>" {
		t.Errorf("copied %q", got)
	}
	b.has("copied, if the terminal allows it: the text of the event")
	if got := copied("13<Enter>y"); got == "" || strings.Contains(got, plainPayload) {
		t.Errorf("blanked, %q is copied", got)
	}
	if got := copied("ry"); !strings.Contains(got, plainPayload) {
		t.Errorf("revealed, %q is copied", got)
	}
	if got := copied("gy"); !strings.Contains(got, "client connected from") {
		t.Errorf("of an event without bytes %q is copied", got)
	}
	newBench(t, 80, 24, Options{}).press("y").has("there is no event to copy")
}

// TestKeysOfOthers: keys that people know from sngrep, less and file managers.
func TestKeysOfOthers(t *testing.T) {
	var w written
	b := newBench(t, 80, 24, exporting(&w)).play(login(1))
	b.press("<F2>").has("export which events?").press("<Esc><F3>").has("search:").press("<Esc><F7>").has("filter:").press("<Esc>")
	b.press(" ").has("1 marked event;").press(" ").has("unmarked")
	b.press("<CtrlD>")
	if got := b.ui.ladder.selected; got != b.ui.ladder.room()/2 {
		t.Errorf("Ctrl-D goes to row %d of %d on the screen", got, b.ui.ladder.room())
	}
	if b.press("<CtrlU>"); b.ui.ladder.selected != 0 {
		t.Errorf("Ctrl-U goes to row %d", b.ui.ladder.selected)
	}
	b.screen.SetContent(0, 0, 'X', nil, tcell.StyleDefault)
	b.press("<CtrlL>").show()
	if b.ui.redraw {
		t.Error("Ctrl-L has not been carried out")
	}
	if b.press("<F10>"); b.quits != 1 {
		t.Error("F10 does not quit")
	}
}
