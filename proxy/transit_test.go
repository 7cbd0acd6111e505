package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"testing"

	"xmppscope/session"
)

// newTransit is a bench whose connections were on their way to its server, of which
// DNS has told what via says.
func newTransit(t *testing.T, via string) *bench {
	t.Helper()
	b := newUnstarted(t)
	b.unreached = make(chan netip.AddrPort, 4)
	at := netip.MustParseAddrPort(b.upstream.Addr().String())
	b.options.Resolver = new(Resolver)
	b.options.Transit = &Transit{
		To: func(net.Conn) (netip.AddrPort, error) { return at, nil },
		Via: func(netip.AddrPort) (string, string) {
			if via == "" {
				return "", ""
			}
			return "host.wire.example", session.ViaSRV + via
		},
		Ends:        func(netip.AddrPort, string) bool { return via == "_xmpps-client._tcp.wire.example" },
		Unreachable: func(at netip.AddrPort) { b.unreached <- at },
	}
	b.start(t)
	return b
}

// sessions are the numbers of the sessions that were recorded.
func sessions(events []session.Seen) (out []int) {
	for _, e := range events {
		if e.Session > 0 && !slices.Contains(out, e.Session) {
			out = append(out, e.Session)
		}
	}
	return out
}

// TestTransitServerSpeaksFirst: as ssh and mail servers do. All passes, whatever the client
// says then.
func TestTransitServerSpeaksFirst(t *testing.T) {
	b := newTransit(t, "")
	c := b.dial(t)
	s := b.accept(t)
	mustWrite(t, s, "220 mail.wire.example ESMTP\r\n")
	mustRead(t, c, "220 mail.wire.example ESMTP\r\n")
	mustWrite(t, c, clientHdr)
	mustRead(t, s, clientHdr)
	c.(*net.TCPConn).CloseWrite()
	if rest, err := io.ReadAll(s); len(rest) > 0 || err != nil {
		t.Errorf("the server gets %q (%v)", rest, err)
	}
	mustWrite(t, s, "221 bye\r\n")
	s.Close()
	mustRead(t, c, "221 bye\r\n")
	if rest, err := io.ReadAll(c); len(rest) > 0 || err != nil {
		t.Errorf("the client gets %q (%v)", rest, err)
	}
	if got := sessions(b.events()); len(got) > 0 {
		t.Errorf("sessions %v", got)
	}
	if passed, _ := b.options.Transit.Passed(); passed != 1 {
		t.Errorf("%d have passed", passed)
	}
}

// TestTransitClientSpeaksFirst: what is no XMPP passes.
func TestTransitClientSpeaksFirst(t *testing.T) {
	for _, says := range []string{"GET / HTTP/1.1\r\n\r\n", "<html>", "\x00\x01", "<?xml version='1.0'?><feed/>", "SSH-2.0-x\r\n"} {
		b := newTransit(t, "")
		c := b.dial(t)
		s := b.accept(t)
		mustWrite(t, c, says)
		mustRead(t, s, says)
		mustWrite(t, s, "answer")
		mustRead(t, c, "answer")
		c.Close()
		s.Close()
		if got := sessions(b.events()); len(got) > 0 {
			t.Errorf("%q has made sessions %v", says, got)
		}
	}
}

// TestTransitOtherTLS: TLS that is not for XMPP is not ended, so that pins hold.
func TestTransitOtherTLS(t *testing.T) {
	b := newTransit(t, "_xmpp-client._tcp.wire.example")
	c, s := b.dial(t), b.accept(t)
	trusts := b.server.Pool() // and not ours
	client, server := handshakes(t, &tls.Config{RootCAs: trusts, ServerName: b.domain, NextProtos: []string{"h2", "http/1.1"}}, b.serverTLS(t), c, s)
	mustWrite(t, client, "GET")
	mustRead(t, server, "GET")
	client.Close()
	server.Close()
	if got := sessions(b.events()); len(got) > 0 {
		t.Errorf("sessions %v", got)
	}
}

// TestTransitXMPP: a stream header makes a session on any port, in however many pieces it
// comes, and its server is the one that the client has connected to.
func TestTransitXMPP(t *testing.T) {
	b := newTransit(t, "_xmpp-client._tcp.wire.example")
	c := b.dial(t)
	s := b.accept(t) // before a byte has come
	for i := range clientHdr {
		mustWrite(t, c, clientHdr[i:i+1])
	}
	toTLS(t, c, s)
	client, server := handshakes(t, b.clientTLS(), b.serverTLS(t), c, s)
	mustWrite(t, client, clientHdr)
	mustRead(t, server, clientHdr)
	client.Close()
	server.Close()
	var opened []session.TCPOpened
	for _, e := range b.events() {
		if o, ok := e.Body.(session.TCPOpened); ok {
			opened = append(opened, o)
		}
	}
	at := b.upstream.Addr().String()
	if len(opened) != 2 || opened[0].Local != at || !opened[0].Taken || opened[1].Taken || opened[1].Peer != at || opened[1].Via != "SRV _xmpp-client._tcp.wire.example" {
		t.Errorf("opened are %+v", opened)
	}
}

// TestTransitDirectTLS: TLS is ended for who says that it is for XMPP (ALPN), and for what
// a record for TLS has named.
func TestTransitDirectTLS(t *testing.T) {
	for via, alpn := range map[string][]string{"": {"xmpp-client"}, "_xmpps-client._tcp.wire.example": nil} {
		b := newTransit(t, via)
		c, s := b.dial(t), b.accept(t)
		config := b.clientTLS()
		config.NextProtos = alpn
		client, server := handshakes(t, config, b.serverTLS(t), c, s)
		mustWrite(t, client, clientHdr)
		mustRead(t, server, clientHdr)
		client.Close()
		server.Close()
		if got := sessions(b.events()); len(got) != 1 {
			t.Errorf("%s %v: sessions %v", via, alpn, got)
		}
	}
}

// TestTransitUnreachable: the client is reset, so that it tries the next server. It is a
// session where the address is one for XMPP.
func TestTransitUnreachable(t *testing.T) {
	for via, want := range map[string]int{"": 0, "_xmpp-client._tcp.wire.example": 1} {
		b := newTransit(t, via)
		b.upstream.Close()
		c, err := net.Dial("tcp", b.addr) // which may tell of the reset already
		if err == nil {
			_, err = deadline(t, c).Read(make([]byte, 1))
		}
		if !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the client gets %v, and no reset", err)
		}
		if at := <-b.unreached; at.String() != b.upstream.Addr().String() {
			t.Errorf("%v is told to be unreachable", at)
		}
		events := b.events()
		if got := sessions(events); len(got) != want {
			t.Errorf("%q: sessions %v", via, got)
		}
		if want == 0 {
			continue
		}
		i := slices.IndexFunc(events, func(e session.Seen) bool { _, is := e.Body.(session.TCPFailed); return is })
		if i < 0 || events[i].Body.(session.TCPFailed).Reason != "connection refused: nothing listens there" {
			t.Errorf("%+v", events)
		}
	}
}

// TestTransitEnds: what is under way ends with the run, whatever it is waiting for.
func TestTransitEnds(t *testing.T) {
	b := newTransit(t, "")
	silent, half := b.dial(t), b.dial(t)
	b.accept(t)
	b.accept(t)
	mustWrite(t, half, "<stream:st")
	mustWrite(t, silent, "")
	passing := b.dial(t)
	s := b.accept(t)
	mustWrite(t, passing, "GET / ")
	mustRead(t, s, "GET / ")
	b.events()
	for _, c := range []net.Conn{silent, half, passing} {
		if _, err := io.ReadAll(c); errors.Is(err, context.DeadlineExceeded) {
			t.Error("it is still open")
		}
	}
}

// TestRunEvents: events of the run are taken as long as that goes on.
func TestRunEvents(t *testing.T) {
	b := newUnstarted(t)
	at := netip.MustParseAddrPort(b.upstream.Addr().String())
	b.options.Events = new(RunEvents)
	b.options.Transit = &Transit{To: func(net.Conn) (netip.AddrPort, error) { return at, nil }}
	b.start(t)
	b.accepting(t)
	b.options.Events.Record(session.RelayLimit{Limit: "sessions"})
	events := b.events()
	b.options.Events.Record(session.RelayLimit{Limit: "accept"})
	if len(events) != 1 || events[0].Session != 0 {
		t.Errorf("%+v", events)
	}
}

// accepting waits until the proxy accepts connections.
func (b *bench) accepting(t *testing.T) {
	t.Helper()
	b.dial(t)
	b.accept(t)
}
