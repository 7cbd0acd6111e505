package inspect

import (
	"strings"
	"testing"
	"time"

	"xmppscope/session"
)

// TestWaits: what each side waits for, as far as its events tell.
func TestWaits(t *testing.T) {
	m := NewModel()
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	n := 0
	hear := func(after time.Duration, dir session.Dir, body session.Body, name, raw string, answers uint64) {
		n++
		m.Add(n-1, &session.Event{
			Seen: session.Seen{Session: 1, Seq: uint64(n), At: began.Add(after), Leg: dir.From(), Dir: dir, Body: body, Name: name, Raw: []byte(raw)},
			Said: session.Said{Done: true, Answers: answers},
		}, true)
	}
	said := func(dir session.Dir, at time.Duration) (out []string) {
		for _, w := range m.Session(1).Waits(dir, began.Add(at)) {
			text := w.Who + ": " + w.Text
			if w.Then != "" {
				text += "; " + w.Then + " " + w.Left.String()
			}
			out = append(out, text)
		}
		return out
	}
	is := func(got []string, want ...string) {
		t.Helper()
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%q, want %q", got, want)
		}
	}
	element := session.StreamElement{}
	hear(0, session.C2S, session.StreamOpened{}, "stream", "<stream:stream>", 0)
	hear(0, session.S2C, session.StreamOpened{}, "stream", "<stream:stream id='0a1b2c3d-0000-4000-8000-00000000000a'>", 0)
	is(said(session.C2S, time.Minute), "server: this login has been going on for 1m00s; Prosody ends it 4m0s", "server: it has heard nothing for 1m00s; Prosody asks whether the client is still there 13m0s")
	m.Session(1).In = began
	hear(time.Second, session.S2C, element, "r", "<r xmlns='urn:xmpp:sm:3'/>", 0)
	hear(2*time.Second, session.C2S, element, "iq", "<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>", 0)
	hear(3*time.Second, session.C2S, session.StreamWhitespace{}, "", " ", 0)
	hear(63*time.Second, session.C2S, session.StreamWhitespace{}, "", " ", 0)
	is(said(session.C2S, 70*time.Second), "server: it has heard nothing for 7s; Prosody asks whether the client is still there 13m53s", "server: its <r/> #3 has had no answer for 1m09s", "client: it sends a keep-alive about every 1m00s, the last one 7s ago")
	is(said(session.S2C, 70*time.Second), "client: it has heard nothing for 1m09s", "client: its request #4 (urn:xmpp:ping) has had no answer for 1m08s", "client: it sends a keep-alive about every 1m00s, the last one 7s ago")
	hear(71*time.Second, session.S2C, element, "iq", "<iq type='result' id='1'/>", 4)
	hear(71*time.Second, session.C2S, element, "a", "<a xmlns='urn:xmpp:sm:3' h='1'/>", 0)
	is(said(session.S2C, 72*time.Second), "client: it has heard nothing for 1s", "client: it sends a keep-alive about every 1m00s, the last one 9s ago")
	for range 2 * openMax {
		hear(72*time.Second, session.C2S, element, "iq", "<iq type='get'/>", 0)
	}
	if open := len(m.Session(1).open); open != openMax {
		t.Errorf("%d requests are kept", open)
	}
}
