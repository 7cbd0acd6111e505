package viewer

import (
	"fmt"
	"strings"
	"testing"

	"xmppscope/session"
)

// TestPhasesFold to a row that says what is in them; failures stay in sight.
func TestPhasesFold(t *testing.T) {
	b := newBench(t, 120, 50, Options{}).play(login(1)).press("g")
	b.press("z").has("▸ connection · 9 events in 54ms", "this phase is folded").lacks("asks for TLS", "TLS handshake  server")
	if b.has("opens a stream  to example.net"); b.seq() != 0 {
		t.Errorf("#%d is selected", b.seq())
	}
	b.press("j").has("▸  10 ").press("Z").has("▸ encrypted stream · 5 events in 45ms · • 1 finding", "▸ authenticated stream · 7 events", "▸ after the login · 5 events in 1m02s · • 1 finding").lacks("logs in")
	if n := b.ui.current().Rows.Len(); n != 4 {
		t.Errorf("%d rows are left", n)
	}
	b.press("Z").has("logs in").press("Z").press("g<Enter>").has("TLS handshake  server").press("g").press("<Enter>").has("Event")
	b.press("<Esc>Z").press("13<Enter>")
	if b.seq() != 13 {
		t.Errorf("#13 in a folded phase: #%d is selected", b.seq())
	}
	b.has("▸ authenticated stream").press("/roster<Enter>")
	if b.seq() != 22 {
		t.Errorf("the search has found #%d", b.seq())
	}
	b.lacks("▸ after the login")

	b = newBench(t, 120, 50, Options{}).play(refused(1)).press("GZ").has("✗ 2 failures", "✗ refused", "client closed").lacks("authenticated").press("z").press("gz").press("!")
	if b.seq() != 14 {
		t.Errorf("! goes to #%d", b.seq())
	}
	b.press("v").press("z")
	newBench(t, 80, 24, Options{}).press("z").has("there is no event yet").press("Z")
	newBench(t, 120, 40, Options{}).play(chats(1)).press("vz").has("the table has no phases")
}

// TestFoldedPhasesGrow: what comes in a folded phase is counted, and does not unfold it.
func TestFoldedPhasesGrow(t *testing.T) {
	s := login(1)
	all := s.events
	s.events = all[:23]
	b := newBench(t, 120, 50, Options{CompileFilter: session.CompileFilter}).play(s).press("GZ")
	b.has("▸ after the login · 2 events")
	s.events = all[23:]
	b.play(s).has("▸ after the login · 5 events").press("w").has("▸ after the login").press("w")
	b.press(`Fname != "message"<Enter>`).has("▸ after the login · 4 events").press("F<CtrlU><Enter>").has("▸ after the login · 5 events")
	rows := b.ui.current().Rows
	if got := strings.Count(b.show(), "events in"); rows.Len() != 4 || got != 4 {
		t.Errorf("%d rows, %d of them folded", rows.Len(), got)
	}
	for row, e := range rows.From(0) {
		if at := b.ui.current().Find(e.Index()); at != row {
			t.Errorf("row %d is found at %s", row, fmt.Sprint(at))
		}
	}
}
