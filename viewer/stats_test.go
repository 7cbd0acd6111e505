package viewer

import (
	"context"
	"strings"
	"testing"

	"xmppscope/session"
)

// TestStatistics: counts by kind, namespace, peer and session, sorted; Enter filters to a row.
func TestStatistics(t *testing.T) {
	o := Options{CompileFilter: session.CompileFilter}
	b := newBench(t, 120, 40, o).play(login(1), refused(2), chats(3)).press("T")
	b.has("Statistics · session 1", "1 session: 1 logged in, 0 failed · 1 try", "by kind", "iq result", "tcp:opened", "count▼")
	b.press("T").has("Statistics · all sessions", "3 sessions", "57 events, 4777 bytes").press("v").has("jabber:iq:roster").press("ooo").has("bytes▼")
	first := func() string { return b.ui.stats.listing[0].Name }
	if b.press("vvv"); first() == "" {
		t.Error("nothing is counted")
	}
	b.press("v<Enter>").has("filter: payload ==", "only ")
	if !b.ui.table {
		t.Error("the table is not shown")
	}
	b.press("F<CtrlU><Enter>v").press("TTvvvj<Enter>")
	if b.ui.current().ID == 1 {
		t.Error("Enter on a session does not open it")
	}
	b.press("T").press("j<Enter>").has("filter: ")
	newBench(t, 80, 24, Options{}).press("T").has("there is no session yet")
	newBench(t, 80, 24, Options{}).play(login(1)).press("T<Enter>").has("there is no filter")
}

// TestStatisticsKeepNobodyWaiting: while they are counted, keys work, and how far it is stands there.
func TestStatisticsKeepNobodyWaiting(t *testing.T) {
	b := newBench(t, 120, 40, Options{}).play(login(1))
	var look, done func(context.Context)
	cancelled := 0
	b.ui.spawn = func(l, d func(context.Context)) context.CancelFunc {
		look, done = l, d
		return func() { cancelled++ }
	}
	b.press("T").has("counting … 0 %").press("ojvO?").has("this help").press("T").has("counting")
	if cancelled != 1 {
		t.Errorf("the first count was cancelled %d times", cancelled)
	}
	b.ui.stats.read.Store(13)
	b.has("counting … 50 %")
	look(t.Context())
	b.has("counting")
	done(t.Context())
	if b.lacks("counting"); !strings.Contains(b.show(), "iq result") {
		t.Error("nothing is counted")
	}
}
