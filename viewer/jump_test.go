package viewer

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rivo/tview"

	"xmppscope/internal/inspect"
	"xmppscope/session"
)

func (b *bench) seq() uint64 {
	if e, _ := b.ui.event(); e != nil {
		return e.Seq
	}
	return 0
}

func TestJumpToFinding(t *testing.T) {
	b := newBench(t, 120, 30, Options{}).play(login(1), refused(2), distrust(3))
	var got []uint64
	for _, key := range []string{".", ".", ".", ",", ","} {
		b.press(key)
		got = append(got, b.seq())
	}
	if want := "[13 25 13 25 13]"; fmt.Sprint(got) != want {
		t.Errorf("findings at events %v, want %s", got, want)
	}
	b.press(".,").press("..").has("wrapped to the first").press(",").has("wrapped to the last")
	b.press("]]").press(".").has("does not trust").press(".").has("this is the only finding")
	b = newBench(t, 80, 24, Options{})
	b.press(".").has("no findings in this session").press("!").has("no verdict on this session")
}

func TestJumpToVerdict(t *testing.T) {
	s := login(1)
	s.events[20].Notes = append(s.events[20].Notes, session.Note{Rule: session.RuleVerdict, Name: session.FieldVerdict, Value: "logged in"})
	b := newBench(t, 120, 30, Options{CompileFilter: byName}).play(s, refused(2), distrust(3))
	for _, want := range []uint64{21, 14, 4} {
		if b.press("!"); b.seq() != want {
			t.Errorf("session %d: ! goes to event %d, want %d", b.ui.current().ID, b.seq(), want)
		}
		b.press("]")
	}
	b.press("[[[!").has("login completed here; ! again goes to session 2, which failed")
	b.press("!").has("session 2 failed here; ! again goes to session 3").press("!")
	if b.ui.current().ID != 3 || b.seq() != 4 {
		t.Errorf("! again goes to event %d of session %d", b.seq(), b.ui.current().ID)
	}
	b.press("k!")
	if b.ui.current().ID != 3 || b.seq() != 4 {
		t.Errorf("after another key, ! goes to event %d of session %d", b.seq(), b.ui.current().ID)
	}
	b.press("[[!")
	b.press("Ffeatures<Enter>!").has("the event that decides is hidden")
}

// TestWhatDecides plays ends of sessions and asks which event decides.
func TestWhatDecides(t *testing.T) {
	timeout := func(s *script) *session.Event {
		return s.add(time.Minute, session.Event{Seen: session.Seen{Body: session.RelayTimeout{Waiting: "the client was waiting for the server", After: time.Minute}}, Said: session.Said{Done: true}})
	}
	closed := func(s *script) *session.Event {
		return s.add(time.Millisecond, session.Event{Seen: session.Seen{Leg: session.ClientLeg, Body: session.TCPClosed{By: "client"}},
			Said: session.Said{Done: true, Notes: []session.Note{{Rule: session.RuleVerdict, Name: session.FieldVerdict, Value: "it failed"}}}})
	}
	failure := func(s *script, id string) *session.Event {
		return s.rung(s.element(time.Millisecond, session.S2C, `<failure/>`, "no"), id, "refused", "", "")
	}
	for name, play := range map[string]func(s *script) *session.Event{
		"silence":               func(s *script) *session.Event { e := timeout(s); closed(s); return e },
		"silence that was over": func(s *script) *session.Event { timeout(s); s.header(0, session.S2C, 1); return closed(s) },
		"a refusal and its end": func(s *script) *session.Event {
			e := failure(s, "sasl-failure")
			failure(s, "stream-error")
			closed(s)
			return e
		},
		"the second refusal": func(s *script) *session.Event {
			failure(s, "sasl-failure")
			s.auth()
			e := failure(s, "sasl-failure")
			closed(s)
			return e
		},
		"a stream error alone": func(s *script) *session.Event { e := failure(s, "stream-error"); closed(s); return e },
		"the other leg's end is not it": func(s *script) *session.Event {
			e := s.rung(s.add(0, session.Event{Seen: session.Seen{Leg: session.ServerLeg, Body: session.TLSFailed{Class: session.ClassDistrust}}, Said: session.Said{Done: true}}), "tls", "TLS", "", "")
			s.add(0, session.Event{Seen: session.Seen{Leg: session.ClientLeg, Body: session.TLSFailed{Class: session.ClassOtherLeg}}, Said: session.Said{Done: true, Step: e.Step}})
			closed(s)
			return e
		},
	} {
		s := newScript(1)
		s.connect()
		s.header(0, session.C2S, 1)
		want := play(s).Seq
		b := newBench(t, 80, 24, Options{Live: true}).play(s)
		if b.seq() != want {
			t.Errorf("%s: following stops at event %d, want %d", name, b.seq(), want)
		}
		if b.press("g!"); b.seq() != want {
			t.Errorf("%s: ! goes to event %d, want %d", name, b.seq(), want)
		}
	}
}

// TestFollowStopsWhereALoginFails, once: then the person may look around.
func TestFollowStopsWhereALoginFails(t *testing.T) {
	b := newBench(t, 100, 30, Options{Live: true})
	s := refused(1)
	all := s.events
	s.events = all[:14]
	b.play(s).has("FOLLOW")
	if b.seq() != 14 {
		t.Fatalf("follows to event %d, want the refusal", b.seq())
	}
	s.events = all[14:]
	if b.play(s).has("FOLLOW"); b.seq() != 14 {
		t.Errorf("the end of the connection moves the selection to event %d", b.seq())
	}
	b.press("G").pull()
	if b.ui.take(inspect.Batch{Filter: b.ui.filter}); b.seq() != 17 {
		t.Errorf("G goes to event %d, want the last", b.seq())
	}
	if b.press("f").press("f").has("FOLLOW"); b.seq() != 14 {
		t.Errorf("to follow again goes to event %d, want the refusal", b.seq())
	}
	b.play(login(2))
	if b.ui.current().ID != 2 || b.seq() != 26 {
		t.Errorf("the next session: event %d of %d", b.seq(), b.ui.current().ID)
	}
}

func TestTheRowCounterCountsEvents(t *testing.T) {
	b := newBench(t, 120, 30, Options{}).play(login(1))
	b.has("1/26").press("G").has("26/26").press("w").has("/23").press("gj").has("2/23").press("w")
	rows := b.ui.current().Rows
	n := 0
	for i, e := range rows.From(0) {
		if !e.Has(inspect.Restart) {
			n++
		}
		if got := b.ui.current().Place(i); got != n {
			t.Errorf("row %d is event %d, want %d", i, got, n)
		}
	}
}

func TestBytesOfAnEventWithoutAny(t *testing.T) {
	b := newBench(t, 120, 40, Options{}).play(login(1))
	for _, key := range []string{"x", "h"} {
		b.press(key).has("this event has no bytes of its own", "127.0.0.1:50121", "Connection")
	}
}

func TestNextEventFromTheZoom(t *testing.T) {
	b := newBench(t, 120, 40, Options{}).play(login(1)).press("<Enter>JJ")
	if b.seq() != 3 || !b.ui.want.zoom {
		t.Errorf("J J goes to event %d, zoom %v", b.seq(), b.ui.want.zoom)
	}
	if b.press("K"); b.seq() != 2 {
		t.Errorf("K goes to event %d", b.seq())
	}
}

func TestHelpFitsASmallScreen(t *testing.T) {
	b := newBench(t, 80, 24, Options{}).play(refused(1)).press("?")
	for i := range b.ui.keys.bound {
		b.has(" " + string(b.ui.keys.bound[i].shortest()))
	}
	b.has(" n N   match, before")
	if n := len(b.ui.pageLines); n > b.ui.page.room() {
		t.Errorf("help has %d lines, and there is room for %d", n, b.ui.page.room())
	}
	for i := range b.ui.keys.bound {
		if brief := b.ui.keys.bound[i].action.brief; wire(brief).width() > 18 {
			t.Errorf("%s: %q is no brief help", b.ui.keys.bound[i].label, brief)
		}
	}
}

func TestFilterHelp(t *testing.T) {
	b := newBench(t, 80, 24, Options{CompileFilter: byName}).play(login(1))
	b.press("F").has("session seq kind", "Tab completes").press("su<Tab>").has("filter: summary")
	b.press(" == <Enter>").lacks("session seq kind")
	b.press("F<CtrlU>bad<Enter>").has(`✗ filter: "bad" is no expression`, "session seq kind").press("<Esc>").lacks("session seq kind")
	b = newBench(t, 80, 24, Options{CompileFilter: session.CompileFilter}).play(login(1))
	for wrong, meant := range map[string]string{
		"bob": `lower(raw) contains "bob"`, `Auth failure`: `lower(raw) contains "auth failure"`,
		`name = "iq"`: `name == "iq"`, `name == iq`: `name == "iq"`, `name != iq && dir = c2s`: `name != "iq" && dir == "c2s"`,
	} {
		b.press("F<CtrlU>" + wrong + "<Enter>").has("→ Tab: " + meant).press("<Tab>").has("filter: " + meant).press("<Esc>")
	}
	b.press("F<CtrlU>name ~ 3<Enter>").has("✗ unrecognized character").lacks("Tab:").press("<Esc>")
	newBench(t, 20, 5, Options{CompileFilter: byName}).press("Fsu<Tab>").has("summary")
}

func TestInfoOnAnOpenedFile(t *testing.T) {
	o := Options{Start: []string{"Opened:", "  login.pcapng"}}
	b := newBench(t, 100, 30, o).play(login(1), refused(2), distrust(3)).press("i")
	b.has("About this recording", "login.pcapng", "3 sessions", "logged in as ysong.lee", "does not trust", "17 events").lacks("so far", "waiting")
	b.press("i").lacks("About this recording")
	many := newBench(t, 100, 30, o)
	for id := range outcomesShown + 50 {
		many.play(refused(id + 1))
	}
	many.press("i").has("… and 50 earlier ones").press("G").has(fmt.Sprintf("✗ %d ", outcomesShown+50))
}

func TestEndedTellsTheSessions(t *testing.T) {
	var ended []string
	s := run(t, t.Context(), Options{Hooks: Hooks{Ended: func(e Ending) {
		for _, o := range e.Sessions {
			ended = append(ended, fmt.Sprint(o.ID, " ", o.State))
		}
	}}})
	for _, e := range slices.Concat(login(1).events, refused(2).events) {
		s.log.Append(e)
	}
	s.until("Session 1 of 2")
	s.press('q')
	if err := s.ended(); err != nil {
		t.Error(err)
	}
	if got := strings.Join(ended, ", "); got != "1 logged in, 2 failed" {
		t.Errorf("ended with %s", got)
	}
}

// TestSessionsOfThePage: the sessions that the page i lists can be gone to from there,
// by keys and by the mouse, and the chosen one is in sight.
func TestSessionsOfThePage(t *testing.T) {
	b := newBench(t, 100, 30, Options{Start: startLines}).play(login(1), refused(2), distrust(3)).press("i")
	b.has("▸✓ 1 ", "Up, Down choose a session")
	if b.press("j").has("▸✗ 2 ").ui.overlay != setupPage {
		t.Error("a step leaves the page")
	}
	b.press("<Enter>").lacks("About this recording").has("Session 2")
	b.press("i]").has("▸✗ 3 ").press("[k").has("▸✓ 1 ").press("k").has("▸✓ 1 ")
	y := slices.IndexFunc(strings.Split(b.show(), "\n"), func(row string) bool { return strings.Contains(row, "✗ 3 ") })
	b.mouse(tview.MouseLeftDown, 10, y)
	b.lacks("About this recording").has("Session 3")
	b.press("i")
	b.mouse(tview.MouseLeftDown, 10, 2) // no session
	b.has("About this recording")

	// One session has nothing to choose from: there the arrows scroll.
	newBench(t, 100, 30, Options{Start: startLines}).play(login(1)).press("i").has("goes to the sessions").lacks("▸")

	var scripts []*script
	for i := range 60 {
		scripts = append(scripts, refused(i+1))
	}
	many := newBench(t, 80, 24, Options{Start: startLines}).play(scripts...).press("i")
	many.lacks("✗ 60 ").press(strings.Repeat("j", 59)).has("▸✗ 60 ").press(strings.Repeat("k", 59)).has("▸✗ 1 ")
}

// TestVerdictComes: that there is none yet is not said any more when it comes.
func TestVerdictComes(t *testing.T) {
	whole := refused(1)
	begun := *whole
	begun.events = whole.events[:6]
	b := newBench(t, 120, 30, Options{Live: true}).play(&begun)
	b.press("!").has("there is no verdict on this session yet")
	for i := range whole.events[6:] {
		b.log.Append(whole.events[6+i])
	}
	b.pull()
	b.lacks("there is no verdict")
}

func TestRestartRules(t *testing.T) {
	b := newBench(t, 120, 60, Options{}).play(login(1))
	var got []string
	for i, e := range b.ui.current().Rows.From(0) {
		if e.Has(inspect.Restart) {
			got = append(got, fmt.Sprint(i, e.Has(inspect.AfterTLS), e.Has(inspect.AfterSASL)))
		}
	}
	if want := "[9 true false 15 false true]"; fmt.Sprint(got) != want {
		t.Errorf("rules at %v, want %s", got, want)
	}
	b.press("g")
	for range b.ui.rowCount() {
		b.press("j")
		if b.ui.current().Rows.At(b.ui.ladder.selected).Has(inspect.Restart) {
			t.Fatal("a rule is selected")
		}
	}
}
