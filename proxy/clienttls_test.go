package proxy

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"

	"xmppscope/session"
)

const (
	optionalTLS  = "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"
	featuresSASL = "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>"
	plainAuth    = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGEAYg==</auth>"
)

// withClientTLS is a bench with --client-tls, and a client's connection to it.
func withClientTLS(t *testing.T, mode ClientTLS) (*bench, net.Conn) {
	t.Helper()
	b := newUnstarted(t)
	b.options.ClientTLS = mode
	b.start(t)
	return b, b.dial(t)
}

// readTo reads until what was read ends with a text.
func readTo(t *testing.T, c net.Conn, end string) string {
	t.Helper()
	var got []byte
	for one := make([]byte, 1); !strings.HasSuffix(string(got), end); got = append(got, one...) {
		if _, err := io.ReadFull(c, one); err != nil {
			t.Fatalf("read %q, then %v", got, err)
		}
	}
	return string(got)
}

// touches are what --client-tls has done, by the kind of the event.
func touches(events []session.Seen) (kinds, words string) {
	for _, e := range events {
		by, reason := "", ""
		switch b := e.Body.(type) {
		case session.RelayEdited:
			by, reason = b.By, b.Reason
		case session.RelaySent:
			by, reason = b.By, b.Reason
		case session.RelayBent:
			by, reason = b.By, b.Reason
		}
		if by == byClientTLS && e.Origin == session.OriginSelf {
			kinds, words = kinds+e.Body.Name()+" ", words+reason+"\n"
		}
	}
	return kinds, words
}

// TestWithoutTLS: the client stays in the clear, the server is spoken to by STARTTLS, and
// its offer inside TLS is what the client gets.
func TestWithoutTLS(t *testing.T) {
	b, client := withClientTLS(t, WithoutTLS)
	mustWrite(t, client, clientHdr)
	raw := b.accept(t)
	if ours := readTo(t, raw, ">"); !strings.HasPrefix(ours, "<?xml") {
		t.Errorf("it begins with %q", ours)
	}
	if ours := readTo(t, raw, ">"); !strings.Contains(ours, "to='wire.example'") {
		t.Errorf("the header is %q", ours)
	}
	mustWrite(t, raw, serverHdr[:40])
	mustWrite(t, raw, serverHdr[40:]+optionalTLS)
	mustRead(t, raw, startTLS)
	mustWrite(t, raw, proceed)
	server := tls.Server(raw, b.serverTLS(t))
	mustRead(t, server, clientHdr)
	mustWrite(t, server, serverHdr+featuresSASL)
	mustRead(t, client, serverHdr+featuresSASL)
	mustWrite(t, client, plainAuth)
	mustRead(t, server, plainAuth)
	client.Close()
	io.Copy(io.Discard, server)
	raw.Close()
	events := b.events()
	kinds, words := touches(events)
	if kinds != "relay:bent " || !strings.Contains(words, "the client stays in the clear") {
		t.Errorf("%s: %s", kinds, words)
	}
	for _, e := range events {
		if e.Body.Name() == "tls:established" && e.Leg != session.ServerLeg {
			t.Error("TLS is told of the client's leg")
		}
	}
}

// TestWithoutTLSIsSafe: a client in the clear is not taken to a server in the clear, and what
// was put in before TLS is not carried into it.
func TestWithoutTLSIsSafe(t *testing.T) {
	for name, c := range map[string]struct{ first, then, why string }{
		"no offer":  {serverHdr + featuresSASL, "", "the server offers no STARTTLS"},
		"refused":   {serverHdr + optionalTLS, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "the server refuses STARTTLS"},
		"injected":  {serverHdr + optionalTLS, proceed + "<stream:features/>", "plaintext behind <proceed/>"},
		"error":     {serverHdr + "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>", "", "the server ends the stream before TLS: host-unknown"},
		"no XMPP":   {"220 mail.example ESMTP <x>\r\n", "", "does not answer with an offer of XMPP"},
		"endless":   {serverHdr + strings.Repeat(" ", maxHeld), "", "says more before TLS than an offer"},
		"gone":      {"", "", "its answer did not come"},
		"gone then": {serverHdr + optionalTLS, "", "its answer did not come"},
	} {
		t.Run(name, func(t *testing.T) {
			b, client := withClientTLS(t, WithoutTLS)
			mustWrite(t, client, clientHdr)
			server := b.accept(t)
			readTo(t, server, "streams'>")
			mustWrite(t, server, c.first)
			if strings.Contains(c.first, optionalTLS) {
				mustRead(t, server, startTLS)
				mustWrite(t, server, c.then)
			}
			if c.then == "" && (c.first == "" || strings.Contains(c.first, optionalTLS)) {
				server.Close()
			}
			if said := readTo(t, client, "</stream:stream>"); !strings.Contains(said, "<remote-connection-failed ") {
				t.Errorf("the client is told %q", said)
			}
			client.Close()
			told := ""
			for _, e := range b.events() {
				if f, ok := e.Body.(session.TCPFailed); ok {
					told = f.Reason
				}
			}
			if !strings.Contains(told, c.why) {
				t.Errorf("it is said that %q", told)
			}
		})
	}
}

// TestWithoutTLSLeavesOthers: what is no client's stream in the clear is as without it.
func TestWithoutTLSLeavesOthers(t *testing.T) {
	for _, content := range []string{"jabber:server", "jabber:component:accept"} {
		b, client := withClientTLS(t, WithoutTLS)
		header := strings.Replace(clientHdr, "jabber:client", content, 1)
		mustWrite(t, client, header)
		mustRead(t, b.accept(t), header)
		b.events()
	}
}

// TestRequireTLS: the offer says that TLS is required, and a client that goes on without is
// refused; one that asks for it is not looked at any more.
func TestRequireTLS(t *testing.T) {
	t.Run("required", func(t *testing.T) {
		b, client := withClientTLS(t, RequireTLS)
		mustWrite(t, client, clientHdr)
		raw := b.accept(t)
		mustRead(t, raw, clientHdr)
		mustWrite(t, raw, serverHdr+optionalTLS)
		mustRead(t, client, serverHdr+featuresTLS)
		mustWrite(t, client, startTLS)
		mustRead(t, raw, startTLS)
		mustWrite(t, raw, proceed)
		mustRead(t, client, proceed)
		inside, server := tls.Client(client, b.clientTLS()), tls.Server(raw, b.serverTLS(t))
		go server.Handshake()
		mustWrite(t, inside, clientHdr+plainAuth)
		mustRead(t, server, clientHdr+plainAuth)
		client.Close()
		raw.Close()
		if kinds, words := touches(b.events()); kinds != "relay:edited " || !strings.Contains(words, "told that it is required") {
			t.Errorf("%s: %s", kinds, words)
		}
	})
	for name, says := range map[string]string{
		"SASL":     plainAuth,
		"SASL2":    "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'><initial-response>AGEAYg==</initial-response></authenticate>",
		"iq:auth":  "<iq type='set' id='1'><query xmlns='jabber:iq:auth'><username>a</username><password>b</password></query></iq>",
		"register": "<iq type='set' id='1'><query xmlns='jabber:iq:register'><username>a</username><password>b</password></query></iq>",
	} {
		t.Run(name, func(t *testing.T) {
			for _, early := range []bool{false, true} {
				b, client := withClientTLS(t, RequireTLS)
				opening := ""
				if early {
					mustWrite(t, client, clientHdr+says+"<presence/>")
				} else {
					mustWrite(t, client, clientHdr)
				}
				server := b.accept(t)
				mustRead(t, server, clientHdr)
				if !early {
					mustWrite(t, server, serverHdr+featuresTLS)
					opening = serverHdr + featuresTLS
					mustRead(t, client, opening)
					mustWrite(t, client, says)
				}
				said := readTo(t, client, "</stream:stream>")
				if !strings.Contains(said, "<policy-violation ") || strings.Contains(said, "<stream:stream ") != early {
					t.Errorf("early %v: the client is told %q", early, said)
				}
				client.Close()
				if rest, _ := io.ReadAll(server); len(rest) > 0 {
					t.Errorf("early %v: the server got %q", early, rest)
				}
				kinds, words := touches(b.events())
				if !strings.HasPrefix(kinds, "relay:edited ") || !strings.HasSuffix(kinds, "relay:sent ") || !strings.Contains(words, "the client logs in before TLS") {
					t.Errorf("early %v: %s: %s", early, kinds, words)
				}
			}
		})
	}
	t.Run("not offered", func(t *testing.T) {
		b, client := withClientTLS(t, RequireTLS)
		mustWrite(t, client, clientHdr)
		server := b.accept(t)
		mustRead(t, server, clientHdr)
		mustWrite(t, server, serverHdr+featuresSASL)
		mustRead(t, client, serverHdr+featuresSASL)
		if _, words := touches(b.events()); !strings.Contains(words, "the server offers no STARTTLS") {
			t.Error(words)
		}
	})
}
