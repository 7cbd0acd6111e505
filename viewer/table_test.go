package viewer

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"xmppscope/session"
)

// chats is a session after its login: requests with their answers and one without, messages,
// a carbon, something from the archive, an error.
func chats(id int) *script {
	s := newScript(id)
	s.connect()
	s.header(time.Millisecond, session.C2S, 1)
	s.header(time.Millisecond, session.S2C, 1)
	answer := func(to uint64, after time.Duration, raw string) {
		e := s.element(after, session.S2C, raw, "answers")
		e.Answers, e.RTT = to, e.At.Sub(s.events[to-1].At)
	}
	s.element(2*time.Millisecond, session.C2S, `<iq type='get' to='nosuch.example' id='83c1e8'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`, "asks") // #5
	s.element(time.Millisecond, session.C2S, `<message type='chat' to='carol@example.net' id='3d9e47'><body>note 22 [red]</body></message>`, "says")                 // #6
	answer(5, 71900*time.Microsecond, `<iq type='error' from='nosuch.example' id='83c1e8'><error type='cancel'><remote-server-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`)
	s.element(time.Millisecond, session.C2S, `<iq type='get' to='quiet.example' id='none'><ping xmlns='urn:xmpp:ping'/></iq>`, "asks") // #8, never answered
	s.element(time.Millisecond, session.C2S, `<iq type='get' id='r1'><query xmlns='jabber:iq:roster'/></iq>`, "asks")                  // #9
	s.element(time.Second, session.S2C, `<message from='tim@example.net' type='chat'><received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='bob@example.net/phone'><body>from elsewhere</body></message></forwarded></received></message>`, "says")
	answer(9, 3*time.Millisecond, `<iq type='result' id='r1'><query xmlns='jabber:iq:roster'/></iq>`)
	s.element(time.Millisecond, session.S2C, `<message from='room@muc.example'><result xmlns='urn:xmpp:mam:2' id='a1f'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='room@muc.example/nick'><body>hello</body></message></forwarded></result></message>`, "says")
	s.element(time.Millisecond, session.S2C, `<presence from='bob@example.net/phone'/>`, "is available")
	s.add(time.Minute, session.Event{Seen: session.Seen{Leg: session.ClientLeg, Dir: session.C2S, Body: session.StreamWhitespace{}, Raw: []byte(" ")}, Said: session.Said{Done: true}})
	return s
}

// TestTheTable: stanzas alone, unwrapped, and the ladder again at the same event.
func TestTheTable(t *testing.T) {
	b := newBench(t, 120, 40, Options{}).play(chats(1)).press("9<Enter>v")
	b.has("Stanzas of session 1 · sort: time", "query disco#info", `[carbon] "from elsewhere"`, "bob@example.net/phone", `[archive] "hello"`, "room@muc.example/nick", "✗ error", "remote-server-not-found", "▲ none", `"note 22 [red]"`).lacks("opens a stream", "white space")
	if b.seq() != 9 || b.ui.current().Rows.Len() != 9 {
		t.Errorf("at #%d of %d rows", b.seq(), b.ui.current().Rows.Len())
	}
	if b.press("v").has("opens a stream"); b.seq() != 9 {
		t.Errorf("back at #%d", b.seq())
	}
	newBench(t, 80, 24, Options{}).press("v").has("no message, presence or iq")
	newBench(t, 120, 40, Options{}).play(refused(1), chats(2)).press("v").has("no message, presence or iq").press("]v").has("Stanzas of session 2").press("[").lacks("opens a stream").press("v").has("opens a stream")
}

// TestPartner: P goes to and fro, and both are shown side by side.
func TestPartner(t *testing.T) {
	b := newBench(t, 120, 40, Options{}).play(chats(1)).press("v5<Enter>").has("Pair #5 → #7 · 72.9ms", "#5 client → server", "│  #7 server → client", "┌→ iq", "└← iq")
	if b.press("P"); b.seq() != 7 {
		t.Errorf("P goes to #%d", b.seq())
	}
	if b.has("Pair #5 → #7").press("P"); b.seq() != 5 {
		t.Errorf("P goes back to #%d", b.seq())
	}
	b.press("8<Enter>P").has("#8 was never answered").press("6<Enter>P").has("#6 is neither").lacks("Pair #")
	if b.press("v5<Enter>P"); b.seq() != 7 {
		t.Errorf("in the ladder P goes to #%d", b.seq())
	}
	newBench(t, 60, 24, Options{}).play(chats(1)).press("v5<Enter><Enter>").has("Pair #5 → #7", "#7 server → client").lacks(" │  #7")
	newBench(t, 80, 24, Options{}).press("P").has("there is no event")
	late := newBench(t, 120, 40, Options{})
	s := chats(1)
	rest := *s
	rest.events, s.events = s.events[6:], s.events[:6]
	late.play(s).press("v5<Enter>").lacks("Pair #").play(&rest).has("Pair #5 → #7") // the answer comes while it is looked at
}

// TestEachSessionHasItsOrder: it is said what the rows are sorted by, not what was asked for last
// of another session.
func TestEachSessionHasItsOrder(t *testing.T) {
	b := newBench(t, 120, 40, Options{}).play(chats(1), chats(2)).press("vo").has("sort: rtt", "rtt▼")
	b.press("]oo").has("sort: peer", "peer▲").press("[").has("sort: rtt", "rtt▼")
	b.press("O").has("sort: rtt", "rtt▲").press("]").has("sort: peer", "peer▲")
}

// TestSortTheTable by its columns, there and back.
func TestSortTheTable(t *testing.T) {
	b := newBench(t, 120, 40, Options{}).play(chats(1)).press("v")
	order := func() string {
		var out []string
		for _, at := range b.ui.current().Rows.From(0) {
			out = append(out, fmt.Sprint(b.ui.events.At(at.Index()).Seq))
		}
		return strings.Join(out, " ")
	}
	for _, step := range []struct{ keys, want string }{
		{"o", "8 9 11 5 7 6 10 12 13"}, {"O", "6 10 12 13 5 7 9 11 8"}, {"o", "9 11 10 13 6 5 7 8 12"},
	} {
		if b.press(step.keys); order() != step.want {
			t.Errorf("%s sorts by %v: %s, want %s", step.keys, b.ui.sorted, order(), step.want)
		}
	}
	b.has("sort: peer", "peer▲")
	if b.press("10<Enter>"); b.seq() != 10 {
		t.Errorf("#10 is found at #%d", b.seq())
	}
	b.press("/note<Enter>")
	if b.seq() != 6 {
		t.Errorf("search finds #%d", b.seq())
	}
	s := chats(1)
	s.events = nil
	s.element(time.Second, session.S2C, "<message><body>new</body></message>", "says")
	if b.play(s); !strings.HasSuffix(order(), " 15") {
		t.Errorf("what comes later stands at %s", order())
	}
	b.press("oooo")
	if b.has("sort: time"); order() != "5 6 7 8 9 10 11 12 13 15" {
		t.Errorf("by time again: %s", order())
	}
	s2 := chats(2)
	b.play(s2).press("o").has("sort: rtt").press("]").has("sort: time").press("[").has("sort: rtt")
	b.press("v").press("o").has("v shows it").press("O").has("o sorts")
}

// TestOnlyThis: filters made of the selected row.
func TestOnlyThis(t *testing.T) {
	b := newBench(t, 120, 40, Options{CompileFilter: session.CompileFilter}).play(chats(1)).press("v6<Enter>c").has("only this contact", `bare == "carol@example.net"`)
	if n := b.ui.current().Rows.Len(); n != 1 {
		t.Errorf("%d rows are left", n)
	}
	b = newBench(t, 120, 40, Options{CompileFilter: session.CompileFilter}).play(chats(1)).press("v5<Enter>I").has("only this id")
	if n := b.ui.current().Rows.Len(); n != 2 {
		t.Errorf("%d rows are left", n)
	}
	b = newBench(t, 120, 40, Options{CompileFilter: session.CompileFilter}).play(chats(1)).press("v12<Enter>c").has(`raw contains "room@muc.example"`)
	b.press("F<CtrlU><Enter>").press("13<Enter>I").has("#13 has no id")
	newBench(t, 120, 40, Options{}).play(chats(1)).press("c").has("nothing to filter by")
}
