package viewer

import (
	"strings"
	"testing"
	"time"

	"xmppscope/internal/inspect"
	"xmppscope/session"
)

// TestEveryKindHasARow: a new kind of event that nobody thought of here fails.
func TestEveryKindHasARow(t *testing.T) {
	for _, body := range session.Bodies {
		e := session.Event{Seen: session.Seen{Session: 1, Body: body, At: began, Leg: session.ClientLeg, Dir: session.C2S, Name: "iq"}, Said: session.Said{Done: true}}
		r := inspect.NewRow(&e)
		if strings.TrimSpace(r.Title) == "" && body.Name() != "tls:failed" {
			t.Errorf("%s: its row has no title", body.Name())
		}
		if r.Title == body.Name() {
			t.Errorf("%s: its row says no more than its name", body.Name())
		}
		if r.From < inspect.Client || r.From > inspect.Server || r.To < inspect.Client || r.To > inspect.Server {
			t.Errorf("%s: arrow from %d to %d", body.Name(), r.From, r.To)
		}
		u := newUI(Options{}, false, time.Now)
		for half := halfMin; half <= halfMax; half++ {
			if got := u.arrow(&r, half).width(); got != 2*half+3 {
				t.Errorf("%s: arrow is %d cells wide, want %d", body.Name(), got, 2*half+3)
			}
		}
		u.detailLines(&e, 40)
	}
}

// TestRowSaysTheSummary: off the ladder the row has no words of its own.
func TestRowSaysTheSummary(t *testing.T) {
	e := session.Event{Seen: session.Seen{Body: session.StreamElement{}, Dir: session.C2S, Name: "a"}, Said: session.Said{Done: true, Space: "urn:xmpp:sm:3", Summary: "acknowledges h=3"}}
	if got := inspect.NewRow(&e); got.Title != "acknowledges h=3" || got.More != "" {
		t.Errorf("the row says %q %q", got.Title, got.More)
	}
}

func TestArrows(t *testing.T) {
	element := func(d session.Dir) session.Event {
		return session.Event{Seen: session.Seen{Body: session.StreamElement{}, Dir: d, Leg: d.From()}, Said: session.Said{Done: true}}
	}
	leg := func(l session.Leg, b session.Body) session.Event {
		return session.Event{Seen: session.Seen{Body: b, Leg: l}, Said: session.Said{Done: true}}
	}
	sent := session.Event{Seen: session.Seen{Body: session.RelaySent{}, Dir: session.S2C, Origin: session.OriginSelf}, Said: session.Said{Done: true}}
	dropped := session.Event{Seen: session.Seen{Body: session.RelayDropped{}, Dir: session.C2S}, Said: session.Said{Done: true}}
	for _, c := range []struct {
		what string
		e    session.Event
		want string
	}{
		{"client speaks", element(session.C2S), "├────┼───►│"},
		{"server speaks", element(session.S2C), "│◄───┼────┤"},
		{"client connects", leg(session.ClientLeg, session.TCPOpened{}), "├╌╌╌►│    │"},
		{"we connect", leg(session.ServerLeg, session.TCPOpened{}), "│    ├╌╌╌►│"},
		{"server is down", leg(session.ServerLeg, session.TCPFailed{}), "│    ├╌╌╌✗│"},
		{"client hangs up", leg(session.ClientLeg, session.TCPClosed{By: "client"}), "├╌╌╌✗│    │"},
		{"we hang up on the client", leg(session.ClientLeg, session.TCPClosed{By: "xmppscope"}), "│✗╌╌╌┤    │"},
		{"we hang up on the server", leg(session.ServerLeg, session.TCPClosed{By: "xmppscope"}), "│    ├╌╌╌✗│"},
		{"server hangs up", leg(session.ServerLeg, session.TCPClosed{By: "server"}), "│    │✗╌╌╌┤"},
		{"client leg encrypted", leg(session.ClientLeg, session.TLSEstablished{}), "│◄══►│    │"},
		{"server leg encrypted", leg(session.ServerLeg, session.TLSEstablished{}), "│    │◄══►│"},
		{"client leg refused", leg(session.ClientLeg, session.TLSFailed{}), "│◄═✗►│    │"},
		{"we speak in the server's place", sent, "│◄───┤    │"},
		{"held and dropped", session.Event{Seen: session.Seen{Dir: session.C2S, Origin: session.OriginSelf, Body: session.RelayEdited{Of: 1}}}, "├───✗│    │"},
		{"not passed on", dropped, "├───✗│    │"},
		{"nobody's", leg(session.NoLeg, session.LogLost{}), "│    ●    │"},
	} {
		u, r := newUI(Options{}, false, time.Now), inspect.NewRow(&c.e)
		var got strings.Builder
		for _, s := range u.arrow(&r, 4) {
			got.WriteString(string(s.text))
		}
		if got.String() != c.want {
			t.Errorf("%s: %s, want %s", c.what, got.String(), c.want)
		}
	}
}

// TestOneWire: without xmppscope in the middle, what ends there goes all the way.
func TestOneWire(t *testing.T) {
	for _, c := range []struct {
		e    session.Event
		want string
	}{
		{session.Event{Seen: session.Seen{Leg: session.ClientLeg, Body: session.TCPOpened{}}, Said: session.Said{Done: true}}, "├╌╌╌┼╌╌►│"},
		{session.Event{Seen: session.Seen{Leg: session.ClientLeg, Body: session.TLSEstablished{}}, Said: session.Said{Done: true}}, "│◄══╪══►│"},
		{session.Event{Seen: session.Seen{Leg: session.ClientLeg, Body: session.TLSLocked{}}, Said: session.Said{Done: true}}, "│◄✗═╪═✗►│"},
		{session.Event{Seen: session.Seen{Leg: session.ClientLeg, Body: session.TCPClosed{By: "server"}}, Said: session.Said{Done: true}}, "│✗╌╌┼╌╌╌┤"},
		{session.Event{Seen: session.Seen{Leg: session.ServerLeg, Dir: session.S2C, Body: session.TCPHalfClosed{}}, Said: session.Said{Done: true}}, "│◄╌╌┼╌╌╌┤"},
		{session.Event{Seen: session.Seen{Leg: session.ClientLeg, Dir: session.C2S, Body: session.StreamElement{}}, Said: session.Said{Done: true}}, "├───┼──►│"},
		{session.Event{Seen: session.Seen{Body: session.LogLost{}}, Said: session.Said{Done: true}}, "│   ●   │"},
	} {
		u, r := newUI(Options{}, false, time.Now), inspect.NewRow(&c.e)
		r.Whole()
		var got strings.Builder
		for _, s := range u.arrow(&r, 3) {
			got.WriteString(string(s.text))
		}
		if got.String() != c.want {
			t.Errorf("%s: %s, want %s", c.e.Kind(), got.String(), c.want)
		}
	}
}
