package viewer

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"xmppscope/session"
)

// fakeWire is a Control that remembers what was asked for.
type fakeWire struct {
	held     []Held
	points   []Breakpoint
	unheld   []Unheld
	decided  []Verb
	injected []string
	changed  chan struct{}
}

func (f *fakeWire) Held() []Held { return f.held }
func (f *fakeWire) Decide(id uint64, v Verb) error {
	for i := range f.held {
		if f.held[i].ID == id {
			f.held = append(f.held[:i:i], f.held[i+1:]...)
			f.decided = append(f.decided, v)
			return nil
		}
	}
	return errors.New("it is not held")
}
func (f *fakeWire) Break(text string) error {
	if text == "nonsense" {
		return errors.New("there is no \"nonsense\"")
	}
	f.points = append(f.points, Breakpoint{ID: len(f.points) + 1, Text: text})
	return nil
}
func (f *fakeWire) Breakpoints() []Breakpoint { return f.points }
func (f *fakeWire) Unheld() []Unheld          { return f.unheld }
func (f *fakeWire) Unbreak(id int) bool {
	n := len(f.points)
	if f.points = f.points[:max(0, n-1)]; id == 0 {
		f.points = nil
	}
	return n > 0
}
func (f *fakeWire) Inject(id int, dir session.Dir, xml []byte, reply chan<- []byte) error {
	f.injected = append(f.injected, dir.String()+" "+string(xml))
	if reply != nil {
		reply <- []byte("<iq type='result'/>")
	}
	return nil
}
func (f *fakeWire) Changed() <-chan struct{} { return f.changed }

func holding(t *testing.T, w, h int, xml ...string) (*bench, *fakeWire) {
	wire := &fakeWire{changed: make(chan struct{})}
	b := newBench(t, w, h, Options{Live: true, Start: startLines, Control: wire}).play(login(1))
	for i, x := range xml {
		wire.held = append(wire.held, Held{ID: uint64(i + 1), Session: 1, Dir: session.C2S, Since: b.ui.now().Add(-12 * time.Second), Reason: "breakpoint true", Name: "message", XML: []byte(x), Shown: []byte(x)})
	}
	return b, wire
}

// TestHeldIsInSight: on every page, on every screen, with how long it has waited.
func TestHeldIsInSight(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {80, 12}, {200, 50}} {
		b, _ := holding(t, size[0], size[1], "<message/>", "<message/>", "<message/>", "<message/>", "<message/>")
		b.has("held 12s session 1 client → server <message>")
		b.press("?").has("held 12s session 1 client → server <message>")
	}
	b, _ := holding(t, 80, 24, "<message/>", "<message/>", "<message/>", "<message/>", "<message/>")
	b.has("and 2 more", "H decides")
	b, _ = holding(t, 80, 24)
	b.lacks("held 12s")
}

// TestHeldIsDecided: each key does what it says, with the element that is chosen.
func TestHeldIsDecided(t *testing.T) {
	b, wire := holding(t, 120, 40, "<message id='1'/>", "<message id='2'/>", "<message id='3'/>", "<message id='4'/>", "<message id='5'/>", "<message id='6'/>")
	b.press("H").has("Held", "Enter edits it", "<message id='1'/>")
	b.press("f").has("was passed on unchanged")
	b.press("d").has("was dropped")
	b.press("2").has("was passed on twice")
	b.press("w2s<Enter>").has("will be passed on after 2s")
	b.press("jf") // the last one, not the first
	if len(wire.held) != 1 || wire.held[0].ID != 5 {
		t.Fatalf("held: %+v", wire.held)
	}
	b.press("e").has("Edit <message> · session 1, client → server", "as it came", "Ctrl-S send").press("x").has("▲ not well-formed: text outside of an element").press("<").press("<CtrlS>").has("this is not well-formed", "y  send it as it is")
	b.press("n")
	if len(wire.decided) != 5 {
		t.Errorf("it was sent all the same: %+v", wire.decided)
	}
	b.press("<CtrlR>").has("as it came").press("<CtrlU>")
	b.ui.PasteHandler()("<message\r\n id='five'/>", nil)
	b.has("✓ well-formed", "id='five'/>").press("<CtrlS>").has("was passed on as edited", "nothing is held")
	if last := wire.decided[5]; string(last.XML) != "<message\n id='five'/>" {
		t.Errorf("edited: %+v", last)
	}
	want := []Verb{{}, {Drop: true}, {Copies: 1}, {Delay: 2 * time.Second}, {}}
	for i, v := range want {
		if got := wire.decided[i]; got.Drop != v.Drop || got.Copies != v.Copies || got.Delay != v.Delay || got.XML != nil {
			t.Errorf("decision %d: %+v, want %+v", i, got, v)
		}
	}
}

// TestEditOfWhatIsGone: of an element whose session ends while it is edited it is said that it is
// no longer held, nobody is said to wait for it, and what was typed is not kept for it.
func TestEditOfWhatIsGone(t *testing.T) {
	b, wire := holding(t, 80, 24, "<message/>")
	b.later += time.Minute
	b.press("HeX").has("not well-formed", "server: it has heard nothing for")
	wire.held = nil
	b.press("Y").has("▲ no longer held: its session has ended, or somebody else decided").lacks("it has heard nothing for")
	b.press("<Esc>").has("it is no longer held: nothing was sent", "nothing is held")
	if len(b.ui.drafts) > 0 {
		t.Errorf("kept: %v", b.ui.drafts)
	}
}

// TestEditIsKept: what was typed is there again, until it is sent; and what is not changed is
// passed on byte for byte.
func TestEditIsKept(t *testing.T) {
	const came = "<message>\u202eone\n\x1b two</message>"
	b, wire := holding(t, 80, 24, came, "<a/>")
	b.press("He").has("<message>&#x202e;one", "&#x1b; two").press("X<Esc>").has("✎ was edited and not sent").press("e").has("X<message>&#x202e;one")
	b.press("<CtrlR><CtrlS>").has("was passed on unchanged")
	if len(wire.decided) != 1 || wire.decided[0].XML != nil {
		t.Errorf("decided: %+v", wire.decided)
	}
	wire.held[0].XML, wire.held[0].Shown = []byte("<a>\xff</a>"), []byte("<a>\xff</a>")
	b.press("e").has("bytes that are not text")
	b.press("a").has("1 element passed on unchanged", "nothing is held")
}

// TestHeldBehind: what waits behind a held element is listed, and that somebody has gone.
func TestHeldBehind(t *testing.T) {
	b, wire := holding(t, 80, 24, "<message/>")
	wire.held[0].SenderEnded = true
	wire.held[0].Behind = []Behind{{"iq", []byte("<iq>secret</iq>")}, {"", []byte("<mess")}}
	b.press("H").has("▲ the client has closed its side since", "behind it 1. <iq>, 15 bytes", "2. not a whole element, 5 bytes").lacks("secret")
	b.press("<Esc>rH").has("<iq>secret</iq>")
}

// TestWhoWaits: while one thinks it is told how long the two ends have waited, and will.
func TestWhoWaits(t *testing.T) {
	s := newScript(1)
	s.connect()
	s.header(time.Second, session.C2S, 1)
	e := s.add(time.Second, session.Event{Seen: session.Seen{Leg: session.ServerLeg, Dir: session.S2C, Body: session.StreamOpened{}, Name: "stream", Raw: []byte("<stream:stream id='12345678901234567890'>")}, Said: session.Said{Done: true}})
	wire := &fakeWire{held: []Held{{ID: 1, Session: 1, Dir: session.C2S, Since: e.At, Name: "auth", XML: []byte("<auth/>"), Shown: []byte("<auth/>")}}}
	b := newBench(t, 120, 40, Options{Live: true, Control: wire}).play(s)
	b.press("H").has("server: this login has been going on for 1m05s; by default ejabberd ends it by now", "server: it has heard nothing for 1m03s")
	b.press("e").has("by default ejabberd ends it by now")
	b.later = -50 * time.Second
	b.has("going on for 15s; by default ejabberd ends it in 15s")
}

// TestHeldSecrets: what holds secrets is shown without them, and not edited unless they are
// shown.
func TestHeldSecrets(t *testing.T) {
	b, wire := holding(t, 120, 40, "<auth>secret</auth>")
	wire.held[0].Shown = []byte("<auth>[password #1]</auth>")
	b.press("H").has("[password #1]").lacks("secret</auth>")
	b.press("e").has("it contains secrets")
	b.press("<Esc>rH").has("secret</auth>")
}

// TestBreakpoints: they are set, listed, and taken away.
func TestBreakpoints(t *testing.T) {
	b, wire := holding(t, 120, 40)
	b.press("B").has("before sasl-success")
	b.press("before bind-result<Enter>").has("breakpoint set: before bind-result")
	b.press("Bnonsense<Enter>").has("there is no \"nonsense\"")
	b.press("B").has("1  before bind-result")
	b.press("-<Enter>").has("all breakpoints removed")
	if len(wire.points) != 0 {
		t.Errorf("breakpoints: %+v", wire.points)
	}
	b.press("B-7<Enter>").has("there is no breakpoint")
}

// TestSay: templates, XML and files, to either side; and a stanza again.
func TestSay(t *testing.T) {
	b, wire := holding(t, 120, 40)
	b.press("W").has("to the server, as the client")
	b.press("s").has("stream-error condition= text=", "or XML, or @FILE")
	b.press("ping to=a.example id=7<Enter>").has("answered: <iq type='result'/>")
	b.press("Wc<message/><Enter>")
	file := filepath.Join(t.TempDir(), "x.xml")
	if err := os.WriteFile(file, []byte("<presence/>"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.press("Ws").ui.prompt.set("@" + file)
	b.press("<Enter>")
	b.press("Ws<a<Enter>").has("this is not well-formed")
	b.press("n")
	want := []string{"c2s <iq type='get' id='7' to='a.example'><ping xmlns='urn:xmpp:ping'/></iq>", "s2c <message/>", "c2s <presence/>"}
	if strings.Join(wire.injected, "|") != strings.Join(want, "|") {
		t.Errorf("said: %q", wire.injected)
	}
	b.press("Wspnig<Enter>").has("did you mean ping?")
	b.ui.current().Ended = true
	b.press("W").has("session 1 has ended: select one").lacks("in the client's place")
	b.press("G") // the end of the connection is no stanza
	b.press("R").has("not a whole stanza")
}

// TestTouched: a session that somebody has taken hold of says so, also when that was after the
// verdict.
func TestTouched(t *testing.T) {
	s := login(1)
	s.add(time.Second, session.Event{Seen: session.Seen{Leg: session.ServerLeg, Dir: session.C2S, Body: session.RelayBent{Reason: "held for 2s", By: "slow-rule"}}})
	newBench(t, 120, 40, Options{}).play(s).has("touched by slow-rule")
	newBench(t, 120, 40, Options{}).play(login(1)).lacks("touched by")
	s = login(1)
	s.add(time.Second, session.Event{Seen: session.Seen{Leg: session.ServerLeg, Dir: session.C2S, Body: session.RelayBent{Reason: "look here", By: "script", Noted: true}}})
	newBench(t, 120, 40, Options{}).play(s).press("G").has("look here").lacks("touched by")
}

// TestNoWire: where nobody passes, the keys say so.
func TestNoWire(t *testing.T) {
	b := newBench(t, 120, 40, Options{}).play(login(1))
	for _, key := range []string{"H", "B", "W", "R"} {
		b.press(key).has("this inspector only watches")
		b.ui.flash = flash{}
	}
}

// TestWordsOf: words of a line.
func TestWordsOf(t *testing.T) {
	got, err := wordsOf(`message  body="a b" to=x ""`)
	if err != nil || strings.Join(got, "|") != "message|body=a b|to=x|" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := wordsOf(`"`); err == nil {
		t.Error("a quote is missing, and it is not said")
	}
}

// TestUnheld: a session of which nothing can be held is named where somebody waits for that.
func TestUnheld(t *testing.T) {
	b, wire := holding(t, 100, 30)
	b.press("H").lacks("Cannot be held")
	for i := range unheldShown + 3 {
		wire.unheld = append(wire.unheld, Unheld{i + 1, "the stream is [red]compressed"})
	}
	b.press("<Esc>H").has("Cannot be held", "session 1: the stream is [red]compressed", "and 3 sessions more")
	b.press("bname<Enter>").has("breakpoint set: name; nothing can be held of 23 sessions under way: H says why")
}

// TestAllOfNothing: who passes all on where nothing is held is told that.
func TestAllOfNothing(t *testing.T) {
	b, wire := holding(t, 80, 24, "<a/>")
	wire.held = nil
	b.press("Ha").has("nothing is held").lacks("passed on unchanged")
}
