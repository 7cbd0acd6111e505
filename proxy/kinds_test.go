package proxy

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"xmppscope/internal/lookup"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// leads is a bench whose domain has one record, of this service, and a client's connection to it.
func leads(t *testing.T, service string) (*bench, net.Conn) {
	t.Helper()
	b := newUnstarted(t)
	dns := xmpptest.StartDNS(t, fmt.Sprintf("host.test 60 IN A 127.0.0.1\n%s._tcp.%s 60 IN SRV 1 0 %d host.test\n", service, testDomain, portOf(b.upstream.Addr())))
	b.options.Resolver = &Resolver{Names: &lookup.Resolver{Server: dns.Addr}}
	b.start(t)
	return b, b.dial(t)
}

// ours are the events of what we have done ourselves, in order, and what the first says.
func ours(events []session.Seen) (kinds, first string) {
	for _, e := range events {
		switch b := e.Body.(type) {
		case session.RelaySent:
			kinds += "sent (" + b.By + ") "
		case session.RelayBent:
			kinds += "bent (" + b.By + ") "
			first = b.Reason
		}
	}
	return kinds, first
}

// TestStandsIn: a client that begins with STARTTLS is led to a server of direct TLS, and so is a
// server that calls another: what comes before TLS is answered here, however it is cut, and not
// a byte of it goes on.
func TestStandsIn(t *testing.T) {
	for name, c := range map[string]struct {
		service, content, alpn string
		together               bool
	}{
		"client":               {"_xmpps-client", "jabber:client", "xmpp-client", false},
		"pipelined":            {"_xmpps-client", "jabber:client", "xmpp-client", true},
		"server":               {"_xmpps-server", "jabber:server", "xmpp-server", false},
		"server and pipelined": {"_xmpps-server", "jabber:server", "xmpp-server", true},
	} {
		t.Run(name, func(t *testing.T) {
			b, client := leads(t, c.service)
			header := strings.Replace(clientHdr, "jabber:client", c.content, 1)
			if c.together {
				mustWrite(t, client, header+startTLS)
			} else {
				mustWrite(t, client, header)
			}
			offer := readTo(t, client, "</stream:features>")
			if !strings.Contains(offer, "from='"+testDomain+"'") || !strings.Contains(offer, "xmlns='"+c.content+"'") || !strings.Contains(offer, "<required/>") {
				t.Errorf("it is answered %q", offer)
			}
			if !c.together {
				mustWrite(t, client, startTLS)
			}
			mustRead(t, client, proceed)
			config := b.serverTLS(t)
			config.NextProtos = []string{c.alpn}
			inside, server := handshakes(t, b.clientTLS(), config, client, b.accept(t))
			if got := server.ConnectionState().NegotiatedProtocol; got != c.alpn {
				t.Errorf("ALPN is %q", got)
			}
			mustWrite(t, inside, header)
			mustRead(t, server, header)
			mustWrite(t, server, serverHdr+featuresSASL)
			mustRead(t, inside, serverHdr+featuresSASL)
			mustWrite(t, inside, plainAuth)
			mustRead(t, server, plainAuth)
			inside.Close()
			server.Close()
			kinds, first := ours(b.events())
			if kinds != "bent (SRV) sent (SRV) sent (SRV) " || !strings.Contains(first, "the client begins with STARTTLS, and the server host.test:") || !strings.Contains(first, "with direct TLS") {
				t.Errorf("%s: %s", kinds, first)
			}
		})
	}
}

// TestStandsInWithoutTLS: whoever goes on in the clear is told that it does not, and the server
// gets nothing of it; a server that speaks before TLS does not get through to the client.
func TestStandsInWithoutTLS(t *testing.T) {
	b, client := leads(t, "_xmpps-client")
	mustWrite(t, client, clientHdr)
	readTo(t, client, "</stream:features>")
	server := b.accept(t)
	mustWrite(t, client, plainAuth)
	if said := readTo(t, client, "</stream:stream>"); !strings.Contains(said, "<policy-violation ") {
		t.Errorf("it is told %q", said)
	}
	client.Close()
	if rest, _ := io.ReadAll(server); len(rest) > 0 {
		t.Errorf("the server got %q", rest)
	}

	b, client = leads(t, "_xmpps-client")
	mustWrite(t, client, clientHdr)
	readTo(t, client, "</stream:features>")
	server = b.accept(t)
	mustWrite(t, server, "220 mail.example ESMTP\r\n")
	server.Close()
	if rest, _ := io.ReadAll(client); len(rest) > 0 {
		t.Errorf("the client got %q", rest)
	}
	client.Close()
	dropped := ""
	for _, e := range b.events() {
		if d, ok := e.Body.(session.RelayDropped); ok {
			dropped = d.Reason
		}
	}
	if !strings.Contains(dropped, "was to await TLS") {
		t.Errorf("it is said that %q", dropped)
	}
}

// TestAsksInTheClientsPlace: a client that begins with TLS is led to a server of STARTTLS, which
// is asked for it; so is a server that calls another.
func TestAsksInTheClientsPlace(t *testing.T) {
	for service, alpn := range map[string]string{"_xmpp-client": "xmpp-client", "_xmpp-server": "xmpp-server"} {
		b, client := leads(t, service)
		config := b.clientTLS()
		config.NextProtos = []string{alpn}
		inside := tls.Client(client, config)
		shaken := make(chan error, 1)
		go func() { shaken <- inside.Handshake() }()
		raw := b.accept(t)
		if ours := readTo(t, raw, "streams'>"); !strings.Contains(ours, "to='"+testDomain+"'") || !strings.Contains(ours, strings.Replace(alpn, "xmpp-", "jabber:", 1)) {
			t.Errorf("the header is %q", ours)
		}
		mustWrite(t, raw, serverHdr+optionalTLS)
		mustRead(t, raw, startTLS)
		mustWrite(t, raw, proceed)
		server := tls.Server(raw, b.serverTLS(t))
		if err := server.Handshake(); err != nil {
			t.Fatal(err)
		}
		if err := <-shaken; err != nil {
			t.Fatal(err)
		}
		mustWrite(t, inside, clientHdr)
		mustRead(t, server, clientHdr)
		inside.Close()
		server.Close()
		if kinds, first := ours(b.events()); kinds != "bent (SRV) " || !strings.Contains(first, "the client begins with direct TLS") || !strings.Contains(first, doneForServer) {
			t.Errorf("%s: %s", kinds, first)
		}
	}
}

// TestAsksInVain: where such a server has no STARTTLS, the client's handshake fails and it is
// said why.
func TestAsksInVain(t *testing.T) {
	b, client := leads(t, "_xmpp-client")
	shaken := make(chan error, 1)
	go func() { shaken <- tls.Client(client, b.clientTLS()).Handshake() }()
	raw := b.accept(t)
	readTo(t, raw, "streams'>")
	mustWrite(t, raw, serverHdr+featuresSASL)
	if err := <-shaken; err == nil || !strings.Contains(err.Error(), "internal error") {
		t.Errorf("the handshake came to %v", err)
	}
	client.Close()
	told := ""
	for _, e := range b.events() {
		if f, ok := e.Body.(session.TCPFailed); ok {
			told += f.Reason
		}
	}
	if !strings.Contains(told, "the server offers no STARTTLS") {
		t.Errorf("it is said that %q", told)
	}
}
