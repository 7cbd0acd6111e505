package viewer

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"xmppscope/session"
)

// TestAFailureIsNotToldForEver: when a later login has worked, the last line says so.
func TestAFailureIsNotToldForEver(t *testing.T) {
	b := newBench(t, 120, 30, Options{Live: true}).play(refused(1)).has("the first client came, but its login failed")
	b.play(login(2)).has("✓ session 2 works: ysong.lee@gmail.com/home").lacks("its login failed")
	b = newBench(t, 120, 30, Options{Live: true}).play(login(1)).press("gk").play(refused(2)).has("✗ session 2 has failed")
	b.play(login(3)).has("✓ session 3 works").lacks("session 2 has failed")
}

// TestWhileAFileLoads nothing has ended yet.
func TestWhileAFileLoads(t *testing.T) {
	state := ReadingState{Going: true, Where: "34 %"}
	s := login(1)
	s.events = s.events[:10]
	b := newBench(t, 100, 30, Options{Reading: Reading{State: func() ReadingState { return state }}}).play(s)
	b.lacks("the recording ends").has("logging in")
	state.Going = false
	b.has("the recording ends at #10")
}

// TestHexOfSecrets: it has their true length, and offsets are those of the wire.
func TestHexOfSecrets(t *testing.T) {
	b := newBench(t, 100, 40, Options{}).play(login(1)).press("13<Enter>h<Enter>")
	raw := b.ui.events
	e := raw.At(12)
	text := b.show()
	if n := strings.Count(text, "·· "); n != len(plainPayload)+1 { // and the line that explains it
		t.Errorf("%d bytes are hidden, want %d:\n%s", n, len(plainPayload), text)
	}
	at := strings.Index(string(e.Raw), plainPayload)
	last := fmt.Sprintf("%06x", (len(e.Raw)-1)/16*16)
	b.has(last, fmt.Sprintf("% x", e.Raw[(len(e.Raw)-1)/16*16:][:4]), ">"+strings.Repeat("·", 5), "·· is a secret, in its true length").lacks("SASL PLAIN #1")
	if at < 0 || strings.Contains(text, "41 48 6c 7a") {
		t.Error("the secret is shown")
	}
	b.press("r").has("41 48 6c 7a").lacks("·· is a secret")
	e.Done, e.Secrets = false, nil
	if got := session.Hidden(e); len(got) != 1 || got[0].Len() != len(e.Raw) {
		t.Errorf("of an event that was not explained, %v is hidden", got)
	}
}

// TestSearchingIsSaidUntilItHasEnded, and Esc ends it.
func TestSearchingIsSaidUntilItHasEnded(t *testing.T) {
	b := newBench(t, 100, 30, Options{}).play(login(1))
	ended := false
	b.ui.spawn = func(look, done func(context.Context)) context.CancelFunc { return func() { ended = true } }
	b.press("/zebra<Enter>").has(`searching for "zebra" … Esc stops`)
	b.later += time.Hour
	if b.has("searching for").press("<Esc>").lacks("searching for"); !ended {
		t.Error("Esc does not end the search")
	}
}

// TestUnknownTerminals are taken for what all are today.
func TestUnknownTerminals(t *testing.T) {
	for term, want := range map[string]string{
		"wezterm": "xterm-256color", "contour": "xterm-256color", "xterm-16color": "xterm-256color", "vt510": "vt100", "dumb": "", "": "",
	} {
		if got := fallback(term); got != want {
			t.Errorf("%q is taken for %q, want %q", term, got, want)
		}
	}
	if os.Getenv("TERM") == "wezterm" {
		t.Error("the test needs another TERM")
	}
}

// TestOneStyleOfEscapes: what Go quotes and what the screen cannot show look the same.
func TestOneStyleOfEscapes(t *testing.T) {
	if got := wiref("%q a\u034Fb\u202e\U000E0101", "x\u200b"); got != `"x\u200b" a\u034fb\u202e\U000e0101` {
		t.Errorf("shown as %s", got)
	}
}

// TestRowsOfAComparison can be chosen; Enter goes to what they are about.
func TestRowsOfAComparison(t *testing.T) {
	lines := []DiffLine{{Text: "B refused", Kind: DiffHead}, {Text: "#3 #3 the same", A: 3, B: 3}, {Text: "- #14 authenticated", A: 14}, {Text: "  more of it", A: 14}, {Text: "+ #14 refused", B: 14}}
	o := Options{Hooks: Hooks{Diff: func(a, b []session.Event) func(int) []DiffLine { return func(int) []DiffLine { return lines } }}}
	b := newBench(t, 120, 30, o).play(login(1), refused(2)).press("d]d").has("Enter goes there").press("<Enter>").lacks("compared with")
	if b.ui.current().ID != 2 || b.seq() != 3 {
		t.Errorf("Enter goes to #%d of session %d", b.seq(), b.ui.current().ID)
	}
	for keys, want := range map[string]string{"j<Enter>": "1 #14", "jj<Enter>": "2 #14", "G<Enter>": "2 #14", "jjkk<Enter>": "2 #3"} {
		b := newBench(t, 120, 30, o).play(login(1), refused(2)).press("d]d").press(keys)
		if got := fmt.Sprint(b.ui.current().ID, " #", b.seq()); got != want {
			t.Errorf("%s goes to %s, want %s", keys, got, want)
		}
	}
}

// TestEnterOpensASession, however many there are and whatever was zoomed.
func TestEnterOpensASession(t *testing.T) {
	for _, keys := range []string{"<BackTab><Enter>", "<Enter><BackTab><BackTab><Enter>", "<BackTab>G<Enter>"} {
		b := newBench(t, 120, 30, Options{})
		for id := range 500 {
			b.play(refused(id + 1))
		}
		b.press(keys).has("client connected", "─ Event")
		if b.ui.want.zoom || b.ui.want.focus != ladderPane {
			t.Errorf("%s: zoomed %v, focus on pane %d", keys, b.ui.want.zoom, b.ui.want.focus)
		}
	}
}

// TestTheCauseIsReadInLittleRoom: at 80x24 the account of the error gives way to the cause, and
// what is cut is cut behind a word.
func TestTheCauseIsReadInLittleRoom(t *testing.T) {
	s := refused(1)
	for i := range s.events {
		if e := &s.events[i]; e.Name == "failure" {
			e.Notes = append(e.Notes, session.Note{Name: session.FieldCondition, Value: "not-authorized"})
		}
		for j := range s.events[i].Notes {
			if n := &s.events[i].Notes[j]; n.Rule == session.RuleVerdict {
				n.Value = `at #14 (sasl-failure) the server refused the login of "ysong.lee@gmail.com" with PLAIN (not-authorized): the client sent bytes that are not UTF-8, as its password has an umlaut`
			}
		}
	}
	newBench(t, 80, 24, Options{}).play(s).has(
		" ✗ #14: the client sent bytes that are not UTF-8, as its password has an umlaut",
		`   (the server refused the login of "ysong.lee@gmail.com" with PLAIN …`)
	newBench(t, 200, 24, Options{}).play(s).has(`✗ at #14 (sasl-failure) the server refused the login of "ysong.lee@gmail.com" with PLAIN (not-authorized): the client`)
}
