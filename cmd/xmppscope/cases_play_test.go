package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"xmppscope/certs"
	"xmppscope/internal/demo"
	"xmppscope/proxy"
	"xmppscope/session"
	"xmppscope/tlsintercept"
)

// patience is how long the player waits for what should come through: not all does.
const patience = 3 * time.Second

// player speaks for both sides of a case, with the proxy between them.
type player struct {
	t        *testing.T
	upstream net.Listener
	client   net.Conn
	server   net.Conn // nil until the proxy has come
	trust    *x509.CertPool
	leaf     tls.Certificate
}

// play plays the case and returns what was explained of it.
func (c *causeCase) play(t *testing.T) []session.Event {
	t.Helper()
	p := &player{t: t, trust: x509.NewCertPool()}
	ca, err := certs.NewMemory()
	if err != nil {
		t.Fatal(err)
	}
	p.trust.AddCert(ca.Root())
	authority, err := demo.NewAuthority("CA of the cases")
	if err != nil {
		t.Fatal(err)
	}
	if p.leaf, err = authority.Issue("example.net", "example.com", "example.org"); err != nil {
		t.Fatal(err)
	}
	p.upstream = listenLocally(t)
	target, err := proxy.ParseTarget(c.upstream+p.upstream.Addr().String(), "--upstream")
	if err != nil {
		t.Fatal(err)
	}
	front := listenLocally(t)
	events := runLive(t, front, proxy.Options{
		Resolver: &proxy.Resolver{Upstream: &target, Self: []net.Addr{front.Addr()}},
		TLS:      &tlsintercept.Config{CA: ca, Roots: authority.Roots(), Timeout: patience},
	})
	if p.client, err = net.Dial("tcp", front.Addr().String()); err != nil {
		t.Fatal(err)
	}
	for _, line := range c.lines {
		p.line(line)
	}
	p.end(&p.client)
	p.end(&p.server)
	return events()
}

// runLive runs the proxy and the explainer as the program does. The function it returns
// waits for the end of the one session and gives its events.
func runLive(t *testing.T, front net.Listener, o proxy.Options) func() []session.Event {
	l := &live{log: session.NewLog()}
	l.spool = session.NewSpool(session.SpoolOptions{Limit: 64 << 20})
	o.Spool = l.spool
	ctx, cancel := context.WithCancel(context.Background())
	served, explained := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(served)
		proxy.Serve(ctx, front, o)
		l.spool.End()
	}()
	go func() {
		defer close(explained)
		(&explainer{spool: l.spool, log: l.log, begin: l.explain}).run()
		l.log.End()
	}()
	t.Cleanup(func() {
		cancel()
		<-served
		<-explained
		l.spool.Close()
		l.log.Close()
	})
	return func() (all []session.Event) {
		ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
		defer stop()
		for from := 0; ctx.Err() == nil; {
			var events []session.Event
			events, from = l.log.Since(ctx, from)
			for _, e := range events {
				if e.Session == 0 {
					continue
				}
				all = append(all, e)
				if _, over := e.Body.(session.TCPClosed); over && e.Leg == session.ClientLeg {
					return all
				}
			}
		}
		t.Error("the session does not end")
		return all
	}
}

func listenLocally(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func (p *player) line(line caseLine) {
	switch verb := line.verb; {
	case verb == "C":
		p.say(p.client, p.serve, line.data)
	case verb == "S":
		p.say(p.serve(), func() net.Conn { return p.client }, line.data)
	case verb == "TLS", verb == "DIRECT":
		p.handshakes(true, true)
	case verb == "TLS-C":
		p.handshakes(true, false)
	case verb == "TLS-S":
		p.handshakes(false, true)
	case verb == "CF":
		p.finish(p.client)
	case verb == "SF":
		p.finish(p.serve())
	case verb == "CD":
		p.end(&p.client)
	case verb == "SD":
		p.end(&p.server)
	case strings.HasPrefix(verb, "@"):
		ms, err := strconv.Atoi(verb[1:])
		if err != nil {
			p.t.Fatal(err)
		}
		<-time.After(time.Duration(ms) * time.Millisecond)
	default:
		p.t.Fatalf("a case has no %q", verb)
	}
}

// serve is the server's side, once the proxy has come there; nil if it does not.
func (p *player) serve() net.Conn {
	if p.server == nil {
		p.upstream.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
		if c, err := p.upstream.Accept(); err == nil {
			p.server = c
		}
	}
	return p.server
}

// say sends, and waits until it has come through.
func (p *player) say(from net.Conn, to func() net.Conn, data string) {
	if from == nil {
		return
	}
	from.SetWriteDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(from, data); err != nil {
		return // the other side is gone: the case may want that
	}
	if c := to(); c != nil {
		c.SetReadDeadline(time.Now().Add(patience))
		io.CopyN(io.Discard, c, int64(len(data)))
	}
}

// handshakes has one side or both begin TLS.
func (p *player) handshakes(client, server bool) {
	over := make(chan struct{})
	go func() {
		defer close(over)
		if !server {
			return
		}
		if raw := p.serve(); raw != nil {
			c := tls.Server(raw, &tls.Config{Certificates: []tls.Certificate{p.leaf}})
			c.SetDeadline(time.Now().Add(patience))
			if c.Handshake() == nil {
				p.server = c
			}
		}
	}()
	if client {
		c := tls.Client(p.client, &tls.Config{RootCAs: p.trust, ServerName: "example.net"})
		c.SetDeadline(time.Now().Add(patience))
		if c.Handshake() == nil {
			p.client = c
		}
	}
	<-over
}

func (p *player) finish(c net.Conn) {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
}

func (p *player) end(c *net.Conn) {
	if *c != nil {
		(*c).Close()
	}
}

// unescapeCase resolves the escapes, {b64:…} and {hex:…}.
func unescapeCase(t *testing.T, s string) string {
	t.Helper()
	var b strings.Builder
	for s != "" {
		switch {
		case strings.HasPrefix(s, "{b64:"), strings.HasPrefix(s, "{hex:"):
			inner, rest, _ := strings.Cut(s[len("{b64:"):], "}")
			if s[1] == 'b' {
				b.WriteString(base64.StdEncoding.EncodeToString([]byte(unescapeCase(t, inner))))
			} else {
				bytes, err := hex.DecodeString(strings.ReplaceAll(inner, " ", ""))
				if err != nil {
					t.Fatal(err)
				}
				b.Write(bytes)
			}
			s = rest
		case s[0] == '\\' && len(s) > 1:
			n := 2
			switch s[1] {
			case 'n':
				b.WriteByte('\n')
			case 'r':
				b.WriteByte('\r')
			case 't':
				b.WriteByte('\t')
			case '0':
				b.WriteByte(0)
			case 'x':
				v, err := strconv.ParseUint(s[2:4], 16, 8)
				if err != nil {
					t.Fatal(err)
				}
				b.WriteByte(byte(v))
				n = 4
			default:
				b.WriteByte(s[1])
			}
			s = s[n:]
		default:
			b.WriteByte(s[0])
			s = s[1:]
		}
	}
	return b.String()
}
