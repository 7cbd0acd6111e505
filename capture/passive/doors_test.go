package passive

import (
	"strings"
	"testing"

	"xmppscope/session"
)

// TestWrongDoors: TLS at a port for STARTTLS, and the reverse, are told in captures too.
func TestWrongDoors(t *testing.T) {
	const header = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='example.net' version='1.0'>"
	hello := "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00" // as far as it matters here
	for name, c := range map[string]struct {
		talk *talk
		want string
	}{
		"XML to a port that speaks TLS": {newTalk(40000, 5223, true).say(c2s, header).say(s2c, "\x15\x03\x01\x00\x02\x02F").bye(), "direct TLS"},
		"TLS to a port for STARTTLS":    {newTalk(40000, 5222, true).say(c2s, hello).say(s2c, header+"<stream:error><not-well-formed xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>").bye(), "STARTTLS"},
	} {
		events, _ := read(t, pcap(c.talk), "")
		var o session.Overview
		for i := range events {
			o.Apply(&events[i])
		}
		if said := o.Verdict + " " + o.Advice; !strings.Contains(said, c.want) || o.State != session.Failed {
			t.Errorf("%s: %s, %q\n%s", name, o.State, said, told(events))
		}
	}
}
