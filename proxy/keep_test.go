package proxy

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"xmppscope/decode"
	"xmppscope/session"
)

// keeps has clients kept here (--keep).
func (b *bench) keeps() {
	control, keep := NewControl(), NewKeeper()
	b.options.Control, b.options.Resolver.Keep = control, keep
	control.Use(keep.Gate(control))
}

// isLed checks that the next client, who says something, is led to another server, which hears that.
func (b *bench) isLed(t *testing.T, other net.Listener, says, heard string) {
	t.Helper()
	client := b.dial(t)
	mustWrite(t, client, says)
	there, err := other.Accept()
	if err != nil {
		t.Fatal(err)
	}
	mustRead(t, deadline(t, there), heard)
	there.Close()
	io.Copy(io.Discard, client)
}

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
			b.keeps()
			b.start(t)
			client, server := b.begins(t, clientHdr)
			said := fmt.Sprintf(c.says, other.Addr())
			mustWrite(t, server, serverHdr+said)
			mustRead(t, client, serverHdr+fmt.Sprintf(c.told, client.RemoteAddr()))
			client.Close()
			server.Close()

			b.isLed(t, other, clientHdr, clientHdr)

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
	g := &keepGate{keep: k, here: "127.0.0.1:5222", server: func() string { return "127.0.0.1:1" }, domain: "a.test"}
	if d := g.changed(&decode.Piece{Frame: decode.Frame{Raw: []byte("<x>no host: 1</x>")}}, session.Span{Start: 3, End: 13}, "no host: 1", "see-other-host"); d.XML != nil || !strings.Contains(d.Reason, "is no host") {
		t.Errorf("%+v", d)
	}
	k.lead(sender{"127.0.0.1:1", "a.test"}, Target{Host: "169.254.169.254", Port: 80, Via: "the server's see-other-host"})
	if got := dial(t, &Resolver{Keep: k, Upstream: &Target{Host: "127.0.0.1", Port: 1, Given: true}}, Request{Domain: "A.test."}); !strings.Contains(got, "connection refused") {
		t.Errorf("the ordinary server is not tried behind one that is refused: %q", got)
	}
	for i := range mostLed + 10 {
		k.lead(sender{fmt.Sprint(i, ".test:5222"), "a.test"}, Target{Host: "b.test"})
	}
	if len(k.led) != mostLed {
		t.Errorf("%d servers are remembered", len(k.led))
	}
	uri := func(text string) Decision {
		raw := "<close xmlns='urn:ietf:params:xml:ns:xmpp-framing' see-other-uri='" + text + "'/>"
		return g.Consider(&decode.Piece{Frame: decode.Frame{Kind: decode.Closed, Raw: []byte(raw)}, Dir: session.S2C})
	}
	for _, text := range []string{"elsewhere", "ftp://a.test/", "wss://", "wss://a.test:99999/", "%zz"} {
		if d := uri(text); d.XML != nil || !strings.Contains(d.Reason, "is no URI of WebSocket") {
			t.Errorf("%q: %+v", text, d)
		}
	}
}

// TestKeepWhoSaid: where a server sends its clients is nothing that others have said, of the
// same domain or not; and who is sent on is led on, but not round and round.
func TestKeepWhoSaid(t *testing.T) {
	at := func(names ...string) (out []Target) {
		for _, name := range names {
			out = append(out, Target{Host: name, Port: 5222, Direct: strings.HasPrefix(name, "tls")})
		}
		return out
	}
	k := NewKeeper()
	k.lead(sender{"one:5222", "a.test"}, at("two")[0])
	k.lead(sender{"two:5222", "a.test"}, at("three")[0])
	k.lead(sender{"three:5222", "a.test"}, at("one")[0])
	k.lead(sender{"web:5222", ""}, at("tls-web")[0])
	for _, c := range []struct {
		q    Request
		from []Target
		want []Target
	}{
		{Request{Domain: "A.test."}, at("one"), at("three", "two", "one")},
		{Request{Domain: "a.test"}, at("other", "two"), at("other", "one", "three", "two")},
		{Request{Domain: "b.test"}, at("one"), at("one")},
		{Request{Domain: "a.test", Direct: true}, at("one"), at("one")},
		{Request{Domain: "a.test", Web: true}, at("web"), at("tls-web", "web")},
		{Request{Domain: "a.test", Direct: true}, at("web"), at("tls-web", "web")}, // it may be HTTP
		{Request{Domain: "a.test"}, at("web"), at("web")},
	} {
		if got := k.first(c.q, c.from); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.q, got, c.want)
		}
	}
}

// TestKeepURI: a client of WebSocket that is sent elsewhere is told our address, with the path
// that was named, and its next connection is led there.
func TestKeepURI(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	b := webBench(t, "ws")
	b.keeps()
	b.start(t)
	client, server := b.begins(t, wsAsk)
	mustWrite(t, server, agreed(""))
	mustRead(t, client, agreed(""))
	up, down := newFraming(session.C2S, ""), newFraming(session.S2C, "")
	opens := up.says(wsOpen)
	mustWrite(t, client, opens)
	mustRead(t, server, opens)
	close := func(at string) string {
		return down.says("<close xmlns='urn:ietf:params:xml:ns:xmpp-framing' see-other-uri='ws://" + at + "/there?a=1&amp;b=2'/>")
	}
	mustWrite(t, server, down.says(wsOpen)+close(other.Addr().String()))
	mustRead(t, client, down.says(wsOpen)+close(b.addr))
	client.Close()
	server.Close()

	b.isLed(t, other, wsAsk, strings.NewReplacer("/xmpp-websocket", "/there?a=1&b=2", "a.example", other.Addr().String()).Replace(wsAsk))
	edited := false
	for _, e := range b.events() {
		if body, ok := e.Body.(session.RelayEdited); ok {
			edited = strings.Contains(body.Reason, "see-other-uri named") && body.By == "--keep"
		}
	}
	if !edited {
		t.Error("it is not told")
	}
}
