package proxy

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"xmppscope/decode"
	"xmppscope/session"
)

// TestKeep: a client whom its server sends elsewhere is told our address, and its next
// connection is led there, whatever the server was that was named before.
func TestKeep(t *testing.T) {
	for name, c := range map[string]struct{ says, told, what string }{
		"see-other-host":   {"<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>%s</see-other-host></stream:error>", "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>%s</see-other-host></stream:error>", "see-other-host"},
		"location":         {"<enabled xmlns='urn:xmpp:sm:3' id='x' location='%s' resume='true'/>", "<enabled xmlns='urn:xmpp:sm:3' id='x' location='%s' resume='true'/>", "location"},
		"location, inside": {"<success xmlns='urn:xmpp:sasl:2'><bound xmlns='urn:xmpp:bind:0'><enabled xmlns='urn:xmpp:sm:3' location='%s'/></bound></success>", "<success xmlns='urn:xmpp:sasl:2'><bound xmlns='urn:xmpp:bind:0'><enabled xmlns='urn:xmpp:sm:3' location='%s'/></bound></success>", "location"},
	} {
		t.Run(name, func(t *testing.T) {
			other, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			b := newUnstarted(t)
			control, keep := NewControl(), NewKeeper()
			b.options.Control, b.options.Resolver.Keep = control, keep
			control.Use(keep.Gate(control))
			b.start(t)
			client := b.dial(t)
			mustWrite(t, client, clientHdr)
			server := b.accept(t)
			mustRead(t, server, clientHdr)
			said := fmt.Sprintf(c.says, other.Addr())
			mustWrite(t, server, serverHdr+said)
			mustRead(t, client, serverHdr+fmt.Sprintf(c.told, client.RemoteAddr()))
			client.Close()
			server.Close()

			again := b.dial(t)
			mustWrite(t, again, clientHdr)
			there, err := other.Accept()
			if err != nil {
				t.Fatal(err)
			}
			mustRead(t, deadline(t, there), clientHdr)
			there.Close()
			io.Copy(io.Discard, again)

			var kept, edited bool
			for _, e := range b.events() {
				switch body := e.Body.(type) {
				case session.RelayEdited:
					edited = strings.Contains(body.Reason, c.what) && strings.Contains(body.Reason, other.Addr().String()) && strings.Contains(string(e.Raw), b.addr)
				case session.TCPOpened:
					kept = kept || body.Via == "the server's "+c.what
				}
			}
			if !kept || !edited {
				t.Errorf("told as edited: %v; led there and said so: %v", edited, kept)
			}
		})
	}
}

// TestKeepIsSafe: what a server names is an address like any that a client names.
func TestKeepIsSafe(t *testing.T) {
	k := NewKeeper()
	g := &keepGate{keep: k, here: "127.0.0.1:5222", domain: "a.test"}
	if d := g.changed(&decode.Piece{Frame: decode.Frame{Raw: []byte("<x>no host: 1</x>")}}, session.Span{Start: 3, End: 13}, "no host: 1", "see-other-host"); d.XML != nil || !strings.Contains(d.Reason, "is no host") {
		t.Errorf("%+v", d)
	}
	k.lead("a.test", Target{Host: "169.254.169.254", Port: 80, Via: "the server's see-other-host"})
	if got := dial(t, &Resolver{Keep: k, Upstream: &Target{Host: "127.0.0.1", Port: 1, Given: true}}, Request{Domain: "A.test."}); !strings.Contains(got, "connection refused") {
		t.Errorf("the ordinary server is not tried behind one that is refused: %q", got)
	}
	for i := range mostLed + 10 {
		k.lead(fmt.Sprint(i, ".test"), Target{Host: "b.test"})
	}
	if len(k.led) != mostLed {
		t.Errorf("%d domains are remembered", len(k.led))
	}
}
