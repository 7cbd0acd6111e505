package tale

import (
	"bytes"
	"strings"
	"testing"

	"xmppscope/session"
)

// TestSecured: where there is no TLS, it is said why.
func TestSecured(t *testing.T) {
	server := session.Event{Seen: session.Seen{Leg: session.ServerLeg, Body: session.TCPOpened{Peer: "127.0.0.1:5222"}}}
	failed := session.Event{Seen: session.Seen{Leg: session.ClientLeg, Body: session.TLSFailed{Reason: "the client hung up"}}}
	for _, c := range []struct {
		events []session.Event
		says   string
	}{
		{nil, "none: no server was reached"},
		{[]session.Event{server}, "none: everything was in the clear"},
		{[]session.Event{server, failed}, "none: its handshake failed"},
	} {
		tale := new(Tale)
		for i := range c.events {
			c.events[i].Session, c.events[i].Seq = 1, uint64(i+1)
			tale.Add(&c.events[i])
		}
		var out bytes.Buffer
		tale.Write(&out)
		if !strings.Contains(out.String(), "  TLS       "+c.says+"\n") {
			t.Errorf("want %q in\n%s", c.says, &out)
		}
	}
}
