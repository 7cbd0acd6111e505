package viewer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/rivo/tview"

	"xmppscope/session"
)

func byName(expr string) (func(*session.Event) bool, error) {
	if expr == "bad" {
		return nil, errors.New("filter: \"bad\" is no expression\nat 1:1")
	}
	return func(e *session.Event) bool {
		if expr == "panics" {
			panic("boom")
		}
		return e.Name == expr
	}, nil
}

func TestFollow(t *testing.T) {
	b := newBench(t, 100, 30, Options{Live: true})
	s := login(1)
	all := s.events
	s.events = all[:10]
	b.play(s).has("FOLLOW")
	if got := b.rung(); got != 7 {
		t.Fatalf("follows to rung %d, want 7", got)
	}
	b.press("k").lacks("FOLLOW")
	s.events = all[10:14]
	b.play(s)
	if got := b.rung(); got != 6 {
		t.Errorf("moved from rung 6 to %d without being asked", got)
	}
	b.press("G").has("FOLLOW")
	if got := b.rung(); got != 11 {
		t.Errorf("G goes to rung %d, want 11", got)
	}
	b.play(refused(2))
	if got := b.ui.current().ID; got != 2 {
		t.Errorf("following, session %d is selected, want the new one", got)
	}
	b.press("[").lacks("FOLLOW")
	b.play(distrust(3))
	if got := b.ui.current().ID; got != 1 {
		t.Errorf("session %d is selected after leaving, want 1", got)
	}
	b.press("f").has("FOLLOW")
	if got := b.ui.current().ID; got != 3 {
		t.Errorf("f goes to session %d, want the newest", got)
	}
}

// TestLeave: q goes back first, and cuts off a session only when asked for twice.
func TestLeave(t *testing.T) {
	b := newBench(t, 100, 30, Options{Live: true, Start: startLines, Hooks: Hooks{Diff: func(a, b []session.Event) func(int) []DiffLine { return nil }}})
	b.has("q quit").play(login(1))
	b.press("?").has("q back").press("q").lacks("q back").press("<Enter>").has("q back").press("q").press("iq").lacks("q back")
	b.press("d").has("Esc cancels").press("<Esc>").has("comparing session 1 was cancelled")
	if b.quits != 0 {
		t.Fatal("q has quit from a page")
	}
	b.press("q").has("1 open session would be cut off; q again quits").press("kq")
	if b.quits != 0 {
		t.Fatal("one q cuts a session off")
	}
	if b.press("q"); b.quits != 1 {
		t.Error("two do not quit")
	}
	if b := newBench(t, 100, 30, Options{Live: true, Start: startLines}).press("q"); b.quits != 1 {
		t.Error("q does not quit from the start screen")
	}
	if b := newBench(t, 100, 30, Options{}).play(login(1)).press("q"); b.quits != 1 {
		t.Error("q does not quit from a file")
	}
}

// TestOpenedFilesAreTold: what is in them, and what could not be read.
func TestOpenedFilesAreTold(t *testing.T) {
	newBench(t, 100, 30, Options{}).play(login(1), refused(2), distrust(3)).has("3 sessions, 2 failed: ! shows where")
	newBench(t, 100, 30, Options{}).play(login(1), login(2)).has("2 sessions: ] and [ turn to the next")
	newBench(t, 100, 30, Options{}).play(refused(1)).has("! goes to where the login failed")
	newBench(t, 100, 30, Options{}).play(login(1)).has("q quit")
	b := newBench(t, 100, 30, Options{Reading: Reading{State: func() ReadingState {
		return ReadingState{Said: []string{"a.pcap is cut off", "b.pcap is cut\noff"}}
	}}}).play(login(1))
	b.has("▲ a.pcap is cut off (1 more: i)").press("i").has("About what was read", "▲ b.pcap is cut␊off")
	s := login(1)
	s.events = s.events[:6]
	newBench(t, 100, 30, Options{}).play(s).has("the recording ends at #6, ")
	newBench(t, 100, 30, Options{Live: true}).play(s).lacks("recording")
}

// TestAFailureElsewhere: a login that fails while another session is looked at is told.
func TestAFailureElsewhere(t *testing.T) {
	b := newBench(t, 100, 30, Options{Live: true}).play(login(1)).press("k").play(refused(2))
	b.has("✗ session 2 has failed (ysong.lee@gmail.com").press("f")
	if b.ui.current().ID != 2 || b.rung() != 11 {
		t.Errorf("f goes to step %d of session %d", b.rung(), b.ui.current().ID)
	}
}

// TestALimitOfTheRun is told when it is reached, and shown while it holds; it makes no
// session.
func TestALimitOfTheRun(t *testing.T) {
	run := newScript(0)
	run.add(0, session.Event{Seen: session.Seen{Body: session.RelayLimit{Limit: "sessions", Reason: "2 sessions under way at once"}}, Said: session.Said{Done: true}})
	b := newBench(t, 100, 30, Options{Live: true}).play(login(1)).play(run)
	b.has("▲ 2 sessions under way at once", "LIMIT")
	over := newScript(0)
	over.add(0, session.Event{Seen: session.Seen{Body: session.RelayLimit{Limit: "sessions", Over: true, Reason: "accepted again"}}, Said: session.Said{Done: true}})
	b.play(over).lacks("LIMIT")
	if n := len(b.ui.model.Sessions); n != 1 {
		t.Errorf("%d sessions", n)
	}
}

func TestStartScreen(t *testing.T) {
	b := newBench(t, 80, 24, Options{Live: true, Start: startLines})
	b.has("Listening on 127.0.0.1:5222", "waiting for the first client", "port       5222")
	b.play(refused(1)).has("✗ the first client came, but its login failed: ysong.lee@gmail.com (session 1)", "refused").lacks("port       5222", "✓")
	b.press("i").has("port       5222", "1 session so far", "the server refused the")
	b.press("i").lacks("port       5222").has("refused")
	newBench(t, 80, 24, Options{Live: true, Start: startLines}).play(login(1)).has("✓ first login works: ysong.lee@gmail.com/home (session 1)")

	long := make([]string, 100)
	for i := range long {
		long[i] = fmt.Sprint("line ", i)
	}
	b = newBench(t, 80, 24, Options{Live: true, Start: long})
	b.has("line 3").lacks("line 99")
	b.press("G").has("line 99")
	b.press("g").has("line 0")
}

func TestAnOpenedFileHasNoStartScreen(t *testing.T) {
	b := newBench(t, 80, 24, Options{Start: startLines}).play(login(1))
	b.lacks("Listening", "FOLLOW", "came through").has("opens a stream")
	if b.ui.ladder.selected != 0 {
		t.Errorf("row %d is selected, want the first", b.ui.ladder.selected)
	}
}

func TestSecretsAreBlankedUntilRevealed(t *testing.T) {
	b := newBench(t, 120, 60, Options{}).play(login(1))
	b.press("/logs in<Enter>").has("[password #1, 10 characters]", "[SASL PLAIN #1, 44")
	for _, keys := range []string{"", "x", "h", "h<Enter>", "<Enter>/1984<Enter>"} {
		b.press(keys).lacks("ysong@1984", plainPayload, "SECRETS REVEALED")
	}
	b.has(`"1984" was not found in this session`)
	b.press("r").has("ysong@1984", plainPayload, "SECRETS REVEALED")
	b.press("gn").has("ysong@1984")
	b.press("r").lacks("ysong@1984", plainPayload, "SECRETS REVEALED")
	newBench(t, 120, 60, Options{Reveal: true}).play(login(1)).has("SECRETS REVEALED")
}

func TestARedactedRecordingSaysSo(t *testing.T) {
	s := login(1)
	for i := range s.events {
		s.events[i] = session.Blank(s.events[i])
	}
	b := newBench(t, 120, 60, Options{}).play(s)
	b.press("/logs in<Enter>r").has("saved without its secrets").lacks("1984")
}

func TestSearch(t *testing.T) {
	b := newBench(t, 100, 40, Options{}).play(login(1))
	var rungs []int
	for _, keys := range []string{"/OPENS a stream<Enter>", "n", "n", "N", "N", "N"} {
		b.press(keys)
		rungs = append(rungs, b.rung())
	}
	if got, want := fmt.Sprint(rungs), "[1 7 12 7 1 12]"; got != want {
		t.Errorf("went to rungs %s, want %s", got, want)
	}
	b.press("/juliet@example.net/balcony<Enter>").has("Wherefore")
	b.press("/nothing like it<Enter>").has("was not found in this session")
	b.press("/<Esc>q")
	if b.quits != 1 {
		t.Error("Esc has not closed the prompt")
	}
	b.press("g/opens a stream<Enter>nnn").has("wrapped to the first").press("N").has("wrapped to the last")
	newBench(t, 80, 24, Options{}).press("n").has("press / to search")
	newBench(t, 80, 24, Options{}).press("/x<Enter>n").has("was not found in this session")
}

// TestSearchInAllSessions: what was not found in this session is looked for in the next ones.
func TestSearchInAllSessions(t *testing.T) {
	b := newBench(t, 100, 40, Options{}).play(login(1), refused(2), distrust(3))
	b.press("/does not trust<Enter>").has(`"does not trust" is not in session 1: found in session 3`)
	if b.ui.current().ID != 3 || b.seq() != 4 {
		t.Errorf("found event %d of session %d", b.seq(), b.ui.current().ID)
	}
	b.press("/unknown_CA<Enter>").has("occurs only in this event")
	b.press("/not-authorized<Enter>").has("found in session 2").press("/nothing like it<Enter>").has("was not found in any session")
}

// TestMatchesAreLit: where a match stands can be seen, in a long event too.
func TestMatchesAreLit(t *testing.T) {
	s := login(1)
	s.element(0, session.C2S, "<message><body>"+strings.Repeat("word ", 400)+"Needle</body></message>", "a long one")
	b := newBench(t, 80, 24, Options{}).play(s)
	lit := func() (found string) {
		b.show()
		for y := range 24 {
			for x := range 80 {
				if text, style, _ := b.screen.Get(x, y); style == b.ui.theme.match {
					found += text
				}
			}
		}
		return found
	}
	b.press("/needle<Enter>")
	if got := lit(); got != "Needle" {
		t.Errorf("lit is %q", got)
	}
	if b.press("<Esc>"); lit() != "" || b.quits > 0 {
		t.Errorf("after Esc, %q is lit", lit())
	}
	if b.press("n"); lit() != "Needle" {
		t.Errorf("after n, %q is lit", lit())
	}
	for text, want := range map[string]int{"CLIENT": 3, "": 1, "nowhere": 1, "é": 1} {
		if got := (line{{"a client, İ", b.ui.theme.text}}).lit(text, b.ui.theme.match); text != "CLIENT" && len(got) != want {
			t.Errorf("%q makes %d spans of a line", text, len(got))
		}
	}
}

func TestFilter(t *testing.T) {
	b := newBench(t, 100, 40, Options{CompileFilter: byName}).play(login(1), refused(2))
	b.press("/asks for a session<Enter>")
	b.press("Fiq<Enter>").has("FILTER", "filter: iq", "asks for an address").lacks("opens a stream", "TLS handshake")
	if got := b.rung(); got != 17 {
		t.Errorf("the filter moved the selection to rung %d, want 17", got)
	}
	if got := b.ui.current().Rows.Len(); got != 6 {
		t.Errorf("%d rows pass the filter, want 6", got)
	}
	b.press("F<CtrlU>bad<Enter>").has(`filter: "bad" is no expression at 1:1`, "filter: iq")
	b.press("F<CtrlU><Enter>").has("opens a stream").lacks("FILTER")
	if got := b.rung(); got != 17 {
		t.Errorf("without the filter rung %d is selected, want 17", got)
	}
	b.press("Fnothing<Enter>").has("no event of this session passes the filter")
	b.press("jkGg<Enter><Enter>n")
	b.press("F<CtrlU>panics<Enter>").has("the filter has failed: boom", "opens a stream")
	newBench(t, 80, 24, Options{}).press("F").has("filters are not available here")
}

func TestAFilterFromTheCommandLine(t *testing.T) {
	keep, _ := byName("iq")
	b := newBench(t, 100, 40, Options{Filter: keep, CompileFilter: byName}).play(login(1))
	b.has("FILTERED", "asks for an address").lacks("opens a stream", "client connected")
	if got := b.ui.model.Sessions[0].Events; got != 26 {
		t.Errorf("the overview has seen %d events, want all 26", got)
	}
	b.press("F<Enter>").has("opens a stream").lacks("FILTERED")
}

func TestNoise(t *testing.T) {
	b := newBench(t, 100, 60, Options{}).play(login(1), distrust(3))
	b.has("client connected", "keep-alive")
	b.press("/features<Enter>w").has("NOISE HIDDEN", "features").lacks("client connected from", "white space: a keep-alive")
	if got := b.rung(); got != 3 {
		t.Errorf("hiding noise moved the selection to rung %d, want 3", got)
	}
	b.press("]").lacks("client connected from").has("does not trust")
	b.press("w[").has("client connected")
	if got := b.rung(); got != 3 {
		t.Errorf("rung %d is selected after coming back, want 3", got)
	}
}

func TestTimes(t *testing.T) {
	b := newBench(t, 100, 60, Options{}).play(login(1))
	b.has("0.138", "62.155", "  time")
	b.press("t").has("+10ms", "+1m00s", "+time")
	b.press("t").has("14:30:05", "14:31:07", "clock")
	b.press("t").has("62.155")
}

func TestFocusAndZoom(t *testing.T) {
	b := newBench(t, 120, 30, Options{}).play(login(1), refused(2))
	focus := func(want int) {
		t.Helper()
		if b.ui.want.focus != want {
			t.Errorf("pane %d has the focus, want %d", b.ui.want.focus, want)
		}
	}
	focus(ladderPane)
	b.press("<Tab>")
	focus(detailPane)
	b.press("<Tab>")
	focus(listPane)
	b.press("<BackTab>")
	focus(detailPane)
	b.press("<Tab>j")
	if got := b.ui.current().ID; got != 2 {
		t.Errorf("j in the list selects session %d, want 2", got)
	}
	b.press("<Enter>")
	focus(ladderPane)
	b.press("jj<Enter>").has("explained raw hex").lacks("xmppscope    ", "Sessions")
	b.press("<Esc>").has("Sessions", "xmppscope")
	b.press("s").lacks("Sessions")
	b.press("<Tab><Tab>")
	focus(ladderPane)
	b.press("s").has("Sessions")
	before := b.ui.plan.panes[ladderPane].h
	b.press("+++-")
	b.show()
	if got := b.ui.plan.panes[ladderPane].h; got != before+2 {
		t.Errorf("the ladder has %d rows, want %d", got, before+2)
	}
}

func TestMouse(t *testing.T) {
	b := newBench(t, 120, 30, Options{}).play(login(1), refused(2))
	b.show()
	ladder, list, detail := b.ui.plan.panes[ladderPane], b.ui.plan.panes[listPane], b.ui.plan.panes[detailPane]
	b.mouse(tview.MouseLeftDown, ladder.x+5, ladder.y+2+4)
	if got := b.rung(); got != 3 {
		t.Errorf("a click on the fifth row selects rung %d, want 3", got)
	}
	b.mouse(tview.MouseLeftDown, list.x+2, list.y+1+3)
	if got := b.ui.current().ID; got != 2 || b.ui.want.focus != listPane {
		t.Errorf("a click on the second session selects %d, focus %d", got, b.ui.want.focus)
	}
	b.mouse(tview.MouseScrollDown, ladder.x+5, ladder.y+5)
	if b.ui.ladder.top != 3 || b.ui.ladder.selected != 0 {
		t.Errorf("the wheel scrolls to row %d and selects %d", b.ui.ladder.top, b.ui.ladder.selected)
	}
	b.mouse(tview.MouseScrollUp, ladder.x+5, ladder.y+5)
	b.mouse(tview.MouseLeftDown, detail.x+5, detail.y+2)
	if b.ui.want.focus != detailPane {
		t.Error("a click does not focus the detail pane")
	}
	double := func(x, y int) {
		b.mouse(tview.MouseLeftDown, x, y)
		b.mouse(tview.MouseLeftDoubleClick, x, y)
	}
	b.mouse(tview.MouseLeftDown, ladder.x+5, ladder.y+5)
	double(ladder.x+5, ladder.y+6) // too soon after the click on another row
	b.has("Sessions")
	double(ladder.x+5, ladder.y+6)
	b.lacks("Sessions")
	double(5, 5)
	double(5, 5)
	b.has("Sessions")
	b.mouse(tview.MouseLeftDown, 1, 29)
	if b.quits != 1 {
		t.Error("a click on the hint of q does not quit")
	}
	b.mouse(tview.MouseLeftDown, 119, 0)
	b.mouse(tview.MouseScrollDown, 0, 29)
}

func TestHelpComesFromTheKeyTable(t *testing.T) {
	b := newBench(t, 110, 100, Options{}).play(login(1)).press("?")
	for _, row := range KeyTable() {
		b.has(row[0], row[1])
	}
	b.press("?").lacks("this help")
}

// TestAnyKeysAtAnySize presses keys and changes the size at random.
func TestAnyKeysAtAnySize(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	sizes := [][2]int{{80, 24}, {200, 50}, {20, 5}, {1, 1}, {0, 0}, {2, 3}, {30, 9}, {100, 4}, {7, 40}, {300, 3}, {161, 12}}
	keys := []string{"?", "<Tab>", "<BackTab>", "<Enter>", "f", "r", "/a<Enter>", "/", "<Esc>", "Fiq<Enter>", "F<CtrlU><Enter>", ":", ":time<Enter>", "w", "t", "x", "h", "s", "i", "j", "k", "<PgDn>", "<PgUp>", "g", "G", "]", "[", "n", "N", "+", "-", "<Up>", "<Down>",
		"p", "pxyz<Enter>", "e", "es<Enter>", "em<CtrlR><Enter>", "d", "m", "M", "!", ".", ",", "J", "K"}
	actions := []tview.MouseAction{tview.MouseLeftDown, tview.MouseLeftDoubleClick, tview.MouseScrollUp, tview.MouseScrollDown, tview.MouseMove}
	var w written
	o := exporting(&w)
	o.Live, o.Start = true, startLines
	o.Verify = func(string, string, iter.Seq[session.Event]) Check { return Check{Why: "not now"} }
	o.Diff = func(a, b []session.Event) func(int) []DiffLine {
		return func(int) []DiffLine { return []DiffLine{{Text: "they differ"}} }
	}
	b := newBench(t, 80, 24, o)
	for i := range 1200 {
		switch i {
		case 200:
			b.play(login(1))
		case 700:
			b.play(refused(2), distrust(3))
		}
		size := sizes[random.IntN(len(sizes))]
		b.size(size[0], size[1])
		b.press(keys[random.IntN(len(keys))])
		b.mouse(actions[random.IntN(len(actions))], random.IntN(size[0]+1), random.IntN(size[1]+1))
		b.show()
	}
	b.size(80, 24)
	b.press("<Esc><Esc>").show()
}

func TestAge(t *testing.T) {
	b := newBench(t, 80, 24, Options{Live: true})
	for ago, want := range map[time.Duration]string{3 * time.Second: "3s", 5 * time.Minute: "5m", 7 * time.Hour: "7h", 80 * time.Hour: "3d"} {
		if got := b.ui.age(&session.Overview{Story: session.Story{Began: b.ui.now().Add(-ago)}, Last: b.ui.now()}); got != want {
			t.Errorf("age after %s is %s, want %s", ago, got, want)
		}
	}
	if got := b.ui.age(&session.Overview{Last: began.Add(9 * time.Second), Story: session.Story{Began: began, Ended: true}}); got != "9s" {
		t.Errorf("an ended session lasted %s, want 9s", got)
	}
}

func TestLostEventsAreFlagged(t *testing.T) {
	b := newBench(t, 80, 24, Options{}).play(login(1))
	b.log.Append(session.Event{Seen: session.Seen{Session: 1, Seq: 99, At: began, Body: session.LogLost{Events: 7}}, Said: session.Said{Done: true}})
	b.pull()
	b.has("LOST")
	if !strings.Contains(b.press("G").show(), "7 events were lost") {
		t.Error("the loss is no row")
	}
}

// TestMatchesAreCounted: which one is looked at, of how many; n goes by what is known.
func TestMatchesAreCounted(t *testing.T) {
	b := newBench(t, 100, 40, Options{}).play(login(1)).press("/opens a stream<Enter>").has("match 1 of 3")
	b.press("n").has("match 2 of 3").press("nn").has("wrapped to the first · match 1 of 3").press("N").has("wrapped to the last · match 3 of 3")
	b.press("kN").has("match 2 of 3").press("jn").has("match 3 of 3")
	b.press("jN").has("match 3 of 3")
	looked := 0
	find := b.ui.spawn
	b.ui.spawn = func(look, done func(context.Context)) context.CancelFunc { looked++; return find(look, done) }
	if b.press("nnnN"); looked != 0 {
		t.Errorf("%d searches for what is known", looked)
	}
	b.play(login(2)).press("]/opens a stream<Enter>").has("match").press("n").has("of 3")
	if looked == 0 {
		t.Error("another session is not searched")
	}
	newBench(t, 100, 40, Options{}).play(login(1), distrust(2)).press("/does not trust<Enter>").has("is not in session 1: found in session 2 · match 1 of ")

	// How far a search is that goes on, and Esc.
	b = newBench(t, 100, 40, Options{}).play(login(1))
	var stopped bool
	b.ui.spawn = func(func(context.Context), func(context.Context)) context.CancelFunc {
		return func() { stopped = true }
	}
	b.press("/zebra<Enter>").has(`searching for "zebra" … Esc stops`)
	b.ui.search.looked.Store(13)
	b.has(`searching for "zebra" … 46 % Esc stops`).press("<Esc>").lacks("zebra")
	if !stopped {
		t.Error("Esc does not stop it")
	}
}

// TestStartScreenOrder: what a newcomer needs comes first, what is rarely asked for again last.
func TestStartScreenOrder(t *testing.T) {
	b := newBench(t, 80, 40, Options{Live: true, Start: startLines, Guide: []string{"slixmpp:", "  client.ca_certs = CA"}, Hooks: Hooks{Files: func() []string { return []string{"saved to a.pcapng"} }}})
	inOrder := func(want ...string) {
		t.Helper()
		screen, at := b.show(), 0
		for _, w := range want {
			i := strings.Index(screen[at:], w)
			if i < 0 {
				t.Fatalf("%q does not come next:\n%s", w, screen)
			}
			at += i
		}
	}
	inOrder("waiting for the first client", "port       5222", "saved to a.pcapng", "How clients trust the CA", "slixmpp:")
	b.play(refused(1)).press("i")
	inOrder("port       5222", "1 session so far", "not-authorized", "saved to a.pcapng", "How clients trust the CA", "slixmpp:")
	b.lacks("waiting for the first client")
}
