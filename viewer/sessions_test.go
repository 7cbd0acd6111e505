package viewer

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"xmppscope/session"
)

// resuming is a client whose connection breaks, which resumes its session on a new one, and
// then cannot do so any more.
func resuming() []*script {
	managed := func(s *script, e *session.Event, notes ...session.Note) {
		e.Notes = append(e.Notes, notes...)
	}
	id := session.Note{Rule: "xep-0198", Name: "sm-id", Value: "x1", Secret: "session id", Mark: "[session id #1, 2 characters]"}
	first := newScript(1)
	first.connect()
	first.startTLS()
	first.auth()
	first.rung(first.element(time.Millisecond, session.S2C, `<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`, "the password is right"), "sasl-success", "authenticated", "", "")
	e := first.element(time.Millisecond, session.S2C, `<iq type='result' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>ysong.lee@gmail.com/home</jid></bind></iq>`, "ysong.lee@gmail.com/home")
	managed(first, e, session.Note{Rule: "bind", Name: "jid", Value: "ysong.lee@gmail.com/home"})
	first.rung(e, "bind-result", "gets its address", "", "")
	managed(first, first.rung(first.element(time.Millisecond, session.S2C, `<enabled xmlns='urn:xmpp:sm:3' id='x1' resume='true'/>`, "can be resumed"), "sm-enabled", "can be resumed", "", ""), id)
	first.add(time.Second, session.Event{Seen: session.Seen{Leg: session.ClientLeg, Body: session.TCPClosed{By: "client"}}, Said: session.Said{Done: true}})
	again := func(n int, answer, step string) *script {
		s := newScript(n)
		s.connect()
		s.startTLS()
		s.auth()
		s.rung(s.element(time.Millisecond, session.S2C, `<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`, "the password is right"), "sasl-success", "authenticated", "", "")
		managed(s, s.rung(s.element(time.Millisecond, session.C2S, `<resume xmlns='urn:xmpp:sm:3' previd='x1' h='7'/>`, "asks to resume"), "sm-resume", "asks to resume", "", ""),
			id, session.Note{Rule: "xep-0198", Name: "h", Value: "7"})
		managed(s, s.rung(s.element(time.Millisecond, session.S2C, answer, "answers"), step, "answers", "", ""), session.Note{Rule: "xep-0198", Name: "h", Value: "9"})
		s.add(time.Second, session.Event{Seen: session.Seen{Leg: session.ClientLeg, Body: session.TCPClosed{By: "client"}}, Said: session.Said{Done: true}})
		return s
	}
	return []*script{first, refused(2), again(3, `<resumed xmlns='urn:xmpp:sm:3' previd='x1' h='9'/>`, "sm-resumed"), again(4, `<failed xmlns='urn:xmpp:sm:3'/>`, "sm-failed")}
}

// TestSessionList: a table where there is room, sorted, with fewer sessions, and Enter opens one.
func TestSessionList(t *testing.T) {
	b := newBench(t, 120, 40, Options{}).play(login(1), refused(2), distrust(3))
	b.press("S").has("how it went", "mechanism", "logged in", "failed at #14 (sasl-fail", "ca-not-trusted at #4 (tls)", "Enter opens")
	if b.press("j<Enter>"); b.ui.current().ID != 2 || b.ui.want.zoom || b.ui.want.focus != ladderPane {
		t.Errorf("Enter opens session %d, zoom %v, focus %d", b.ui.current().ID, b.ui.want.zoom, b.ui.want.focus)
	}
	b.press("S").press("oo").has("how it went▲").press("O").has("how it went▼")
	if first := b.ui.listed[0].ID; first != 1 {
		t.Errorf("sorted by how it went, turned round, session %d is the first", first)
	}
	if b.ui.current().ID != 2 {
		t.Errorf("sorting has selected session %d", b.ui.current().ID)
	}
	b.press("FFailed").has("2 of 3", "only sessions with:").press("<Enter>").has("/2 of 3", "only: Failed").lacks("logged in")
	b.press("<Enter>]").press("S").press("F<CtrlU>nobody<Enter>").has("Sessions 0/0 of 3").press("<Esc>").has("no session is in the list now")
	b.press("S").press("F<CtrlU><Enter>").has("Sessions 1/3")
	b.press("<Esc>").lacks("how it went")
	b = newBench(t, 120, 40, Options{CompileFilter: session.CompileFilter}).play(login(1), refused(2), distrust(3))
	if b.press("SFlogged<Enter>").ui.selectSession(b.ui.model.Sessions[2]); b.ui.current().ID != 3 {
		t.Error("a session that the list leaves out cannot be gone to")
	}
	b.has("Sessions 3/3")
	b = newBench(t, 120, 40, Options{Live: true}).play(login(1)).press("SFysong<Enter><Esc>f")
	if b.play(distrust(2)); b.ui.narrow != "ysong" || b.ui.current().ID != 1 {
		t.Errorf("a session that is not wanted has come, and the list shows %q and session %d", b.ui.narrow, b.ui.current().ID)
	}
	newBench(t, 80, 24, Options{}).press("S").has("Sessions 0/0").press("joO<Enter>").has("there is no session yet")
}

// TestManySessions: with hundreds of them Enter opens the one that is chosen (it zoomed an empty list).
func TestManySessions(t *testing.T) {
	var all []*script
	for id := range 500 {
		all = append(all, refused(id+1))
	}
	b := newBench(t, 120, 40, Options{}).play(all...).press("<Tab><Tab>")
	if b.ui.want.focus != listPane {
		t.Fatalf("the focus is on pane %d", b.ui.want.focus)
	}
	b.press("jj<Enter>").has("Session 3 · example.net", "refused")
	b.press("S").has("500", "how it went").press("G<Enter>").has("Session 500")
}

// TestReconnectsInTheList: a story stands together, and lines lead along it.
func TestReconnectsInTheList(t *testing.T) {
	b := newBench(t, 200, 50, Options{}).play(resuming()...).press("S")
	var ids []int
	for _, c := range b.ui.listed {
		ids = append(ids, c.ID)
	}
	if fmt.Sprint(ids) != "[1 2 3 4]" {
		t.Errorf("the list is %v", ids)
	}
	b.has("└ ysong.lee@gmail.com", "resumed, ended · resumes session 1, counters").press("<Esc>g")
	b.has("↓ same account in session 2, 926ms later · } goes there").lacks("↑")
	b.press("}").has("↑ same account as session 1", "↓ then session 3 resumes session 1")
	b.press("}").has("↑ resumes session 1, counters carried over: 7 at the client, 9 at the server", "↓ was to be resumed by session 4")
	if b.ui.current().ID != 3 {
		t.Errorf("} goes to session %d", b.ui.current().ID)
	}
	b.press("}}").has("no session continues session 4").press("{{{{").has("session 1 does not continue another")
	if lines := strings.Count(b.show(), "goes there"); lines != 1 {
		t.Errorf("%d lines lead to other sessions", lines)
	}
	newBench(t, 80, 24, Options{}).press("{").has("there is no session yet")
}
