package decode_test

import (
	"testing"

	"xmppscope/decode"
)

// TestFramings: what is said in a stream and in WebSocket is the same, but for how it begins and
// ends, and for what each message has to declare.
func TestFramings(t *testing.T) {
	const (
		stream = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='a&amp;b' version='1.0' xml:lang='en'>"
		open   = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='a&amp;b' version='1.0' xml:lang='en'/>"
		end    = "<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>"
		bare   = "<iq type='get'><query xmlns='x'/></iq>"
		whole  = "<iq xmlns='jabber:client' type='get'><query xmlns='x'/></iq>"
		offer  = "<stream:features><x/></stream:features>"
		offers = "<stream:features xmlns:stream='http://etherx.jabber.org/streams'><x/></stream:features>"
	)
	for _, c := range []struct {
		kind                     decode.Kind
		raw, onItsOwn, inAStream string
	}{
		{decode.Opened, stream, open, stream},
		{decode.Opened, open, open, stream},
		{decode.Closed, "</stream:stream>", end, "</stream:stream>"},
		{decode.Closed, end, end, "</stream:stream>"},
		{decode.Element, bare, whole, bare},
		{decode.Element, whole, whole, whole},
		{decode.Element, offer, offers, offer},
		{decode.Element, offers, offers, offers},
		{decode.Element, "<a xmlns=''/>", "<a xmlns=''/>", "<a xmlns=''/>"},
		{decode.Element, "<db:verify/>", "<db:verify/>", "<db:verify/>"},
		{decode.Element, "\n<iq/>", "\n<iq xmlns='jabber:client'/>", "\n<iq/>"},
		{decode.Opened, "nothing", "nothing", "nothing"},
	} {
		if got := string(decode.OnItsOwn(c.kind, []byte(c.raw))); got != c.onItsOwn {
			t.Errorf("%s on its own is\n%s\nand not\n%s", c.raw, got, c.onItsOwn)
		}
		if got := string(decode.InStream(c.kind, []byte(c.raw))); got != c.inAStream {
			t.Errorf("%s in a stream is\n%s\nand not\n%s", c.raw, got, c.inAStream)
		}
	}
}
