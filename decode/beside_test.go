package decode_test

import (
	"strings"
	"testing"
	"time"

	"xmppscope/decode"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// TestBeside: what happens to one connection of several is told as that, stands on no rung, and
// changes neither what is known of the session nor how far it is.
func TestBeside(t *testing.T) {
	d := decode.NewSession(xmpptest.Rules(), new(session.Book))
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	var o session.Overview
	seq := uint64(0)
	explain := func(s session.Seen) session.Event {
		seq++
		at = at.Add(time.Millisecond)
		s.Session, s.Seq, s.At = 1, seq, at
		e := d.Explain(s)
		o.Apply(&e)
		return e
	}
	explain(session.Seen{Leg: session.ClientLeg, Body: session.TCPOpened{Peer: "127.0.0.1:40000"}})
	const body = "<body xmlns='http://jabber.org/protocol/httpbind' rid='10' to='example.net' xmpp:version='1.0' xmlns:xmpp='urn:xmpp:xbosh'/>"
	explain(session.Seen{Leg: session.ClientLeg, Dir: session.C2S, Body: session.StreamOpened{}, Raw: []byte(body), Size: int64(len(body))})
	before := o.Story
	for _, s := range []session.Seen{
		{Leg: session.ClientLeg, Conn: 2, Body: session.TCPOpened{Peer: "127.0.0.1:40001"}},
		{Leg: session.ClientLeg, Conn: 2, Body: session.TLSEstablished{TLSFacts: session.TLSFacts{Version: "TLS 1.3", Suite: "X"}}},
		{Leg: session.ClientLeg, Conn: 2, Dir: session.C2S, Body: session.TCPHalfClosed{}},
		{Leg: session.ClientLeg, Conn: 2, Body: session.TCPClosed{By: "client"}},
	} {
		s.Beside = true
		e := explain(s)
		if e.Step != nil || len(e.Notes) > 0 || !strings.HasPrefix(e.Summary, "connection 2 of the session: ") {
			t.Errorf("%s: step %v, %d notes, %q", e.Kind(), e.Step, len(e.Notes), e.Summary)
		}
	}
	if o.Client != "127.0.0.1:40000" || o.TLS[session.ClientLeg] != "" || o.Ended || o.Left != session.NoDir || o.State != before.State {
		t.Errorf("the session is changed: %+v", o)
	}
	explain(session.Seen{Leg: session.ClientLeg, Body: session.TCPClosed{By: "client"}})
	if !o.Ended {
		t.Error("its own end is none")
	}
}
