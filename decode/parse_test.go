package decode

import (
	"testing"

	"xmppscope/session"
)

// TestJoined: a recording that begins in the middle has no stream header to tell the
// namespace of what follows, which is taken to be the usual one.
func TestJoined(t *testing.T) {
	const header = "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'>"
	joined := func(port string) session.Event {
		return session.Event{Seen: session.Seen{Leg: session.ClientLeg, Body: session.TCPOpened{Local: "192.0.2.1:" + port, Peer: "192.0.2.2:40000", Captured: true, Joined: true}}}
	}
	element := func(dir session.Dir, xml string) session.Event {
		return session.Event{Seen: session.Seen{Leg: dir.From(), Dir: dir, Body: session.StreamElement{}, Raw: []byte(xml)}}
	}
	opened := func(dir session.Dir) session.Event {
		return session.Event{Seen: session.Seen{Leg: dir.From(), Dir: dir, Body: session.StreamOpened{}, Raw: []byte(header)}}
	}
	for _, c := range []struct {
		name, want, assumed string
		events              []session.Event // the last is looked at
	}{
		{"a client", NSClient, NSClient, []session.Event{joined("5222"), element(session.C2S, "<iq/>")}},
		{"any port", NSClient, NSClient, []session.Event{joined("80"), element(session.S2C, "<iq/>")}},
		{"no connection at all", NSClient, NSClient, []session.Event{element(session.S2C, "<iq/>")}},
		{"a server", NSServer, NSServer, []session.Event{joined("5269"), element(session.S2C, "<iq/>")}},
		{"dialback", NSServer, NSServer, []session.Event{joined("5222"), element(session.S2C, "<db:result/>"), element(session.C2S, "<iq/>")}},
		{"the prefix of streams", NSStreams, NSClient, []session.Event{joined("5222"), element(session.S2C, "<stream:features/>")}},
		{"its own", "u", NSClient, []session.Event{joined("5222"), element(session.S2C, "<iq xmlns='u'/>")}},
		{"as the other side says", NSServer, NSServer, []session.Event{joined("5222"), element(session.S2C, "<r/>"), opened(session.C2S), element(session.S2C, "<iq/>")}},
		{"from its own header on", NSServer, NSClient, []session.Event{joined("5222"), element(session.S2C, "<r/>"), opened(session.S2C), element(session.S2C, "<iq/>")}},
		{"from the beginning", "", "", []session.Event{{Seen: session.Seen{Leg: session.ClientLeg, Body: session.TCPOpened{}}}, element(session.C2S, "<iq/>")}},
	} {
		d := NewSession(nil, new(session.Book))
		var got session.Event
		for _, e := range c.events {
			got = d.Explain(e.Seen)
		}
		if got.Space != c.want || d.state.Assumed != c.assumed {
			t.Errorf("%s: in %q, with %q assumed; want %q and %q", c.name, got.Space, d.state.Assumed, c.want, c.assumed)
		}
		if len(got.Notes) > 0 {
			t.Errorf("%s: %v", c.name, got.Notes)
		}
	}
}

// TestJoinedPrefixes: prefixes that may have been declared before the recording are
// no fault; what can be no declaration at all is.
func TestJoinedPrefixes(t *testing.T) {
	for raw, faults := range map[string]int{"<x:a y:b=''/>": 0, "<a xmlns:x=''/>": 1} {
		e := NewSession(nil, new(session.Book)).Explain(session.Seen{Dir: session.C2S, Body: session.StreamElement{}, Raw: []byte(raw)})
		if len(e.Notes) != faults {
			t.Errorf("%s: %v", raw, e.Notes)
		}
	}
}

// TestParseNothing: an event may have lost its bytes.
func TestParseNothing(t *testing.T) {
	for _, body := range append(session.Bodies, session.StreamRaw{Between: true}) {
		for _, raw := range []string{"", "<", "<?", "<!", " "} {
			d := NewSession(nil, new(session.Book))
			e := d.Explain(session.Seen{Dir: session.C2S, Body: body, Raw: []byte(raw), Size: 100, Truncated: true})
			for _, n := range e.Notes {
				if n.Severity == session.Error && raw == "" {
					t.Errorf("%s without its bytes: %s", body.Name(), n.Text)
				}
			}
		}
	}
}
