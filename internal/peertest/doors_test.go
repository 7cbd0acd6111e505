package peertest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
)

// TestDoors: real clients that come in by a proxy's handshake log in as they do without,
// by STARTTLS and by direct TLS, and the capture holds nothing of the handshake.
func TestDoors(t *testing.T) {
	s := xmpptest.StartProsody(t)
	bob := xmpptest.StartBob(t, s)
	starttls := server{s, s.StartTLS, "TLS 1.3", false, "SCRAM-SHA-256"}
	for _, c := range []struct {
		name, said string
		client     xmpptest.PeerClient
		direct     bool
	}{
		{"slixmpp by SOCKS5", `by SOCKS5, as "robin", and asked for `, xmpptest.PeerClient{Name: "slixmpp", Run: xmpptest.Slixmpp}, false},
		{"slixmpp by SOCKS5, direct TLS", `by SOCKS5, as "robin", and asked for `, xmpptest.PeerClient{Name: "slixmpp", Run: xmpptest.Slixmpp}, true},
		{"go-sendxmpp by CONNECT", "by HTTP CONNECT and asked for ", xmpptest.PeerClient{Name: "go-sendxmpp", Run: xmpptest.GoSendxmpp}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			xmpptest.Need(t, "pysocks")
			upstream, named := s.StartTLS, "127.0.0.1:5222"
			rungs := slices.Concat(starttlsRungs, saslRungs(starttls.login(c.client.Name)), []string{"stream-open-3", "stream-reply-3", "features-3"}, boundRungs)
			if c.direct {
				upstream, named = "tls://"+s.Direct, "127.0.0.1:5223"
				rungs = slices.Concat(directRungs, saslRungs(starttls.login(c.client.Name)), []string{"stream-open-2", "stream-reply-2", "features-2"}, boundRungs)
			}
			scope := startScope(t, upstream, s.CAFile, "--reveal")
			says := "through the door, " + t.Name()
			ran := c.client.Run(t, xmpptest.Login{Addr: named, Proxy: scope.Addr, CAFile: scope.CAFile, Direct: c.direct, Says: says})
			if !ran.OK {
				t.Fatalf("%s could not log in:\n%s", c.client.Name, ran.Output)
			}
			bob.Expect(t, says)
			scope.until(t, "end of the client's connection", 1, clientGone)
			r := scope.stop(t)
			r.check(t, true)
			checkLadder(t, r, rungs)
			checkRead(t, r, scope.Saved)
			if !c.direct { // what it looks for has STARTTLS in it
				checkTshark(t, scope.Saved)
			}
			door := slices.IndexFunc(r.events, func(e event) bool { return e.Kind == "relay:door" })
			if door < 0 || !strings.Contains(r.events[door].Summary, c.said+named) {
				t.Errorf("how it came is not told: event %d", door)
			}
		})
	}
}

// TestWeb: clients of WebSocket log in through us, in the clear and with TLS on both
// legs, and what is told is the ladder of any login.
func TestWeb(t *testing.T) {
	t.Parallel()
	prosody := xmpptest.StartProsody(t)
	bob := xmpptest.StartBob(t, prosody)
	testWeb(t, prosody, bob, "wss")
	testWeb(t, prosody, bob, "ws")
}

func TestWebEjabberd(t *testing.T) {
	t.Parallel()
	s := xmpptest.StartEjabberd(t)
	testWeb(t, s, xmpptest.StartBob(t, s), "ws")
}

func testWeb(t *testing.T, s *xmpptest.PeerServer, bob *xmpptest.Bob, ws string) {
	for _, c := range []struct{ library, transport, scheme, path string }{
		{"xmpp.js", "ws", ws, "/xmpp-websocket"},
		{"stanza", "ws", ws, "/xmpp-websocket"},
	} {
		t.Run(c.library+" "+c.scheme, func(t *testing.T) {
			secure := c.scheme == "wss"
			upstream := c.scheme + "://" + s.HTTP
			if secure { // it is the server's certificate that names the domain: nobody sends SNI to an address
				upstream = "tls://" + s.HTTPS
			}
			scope := startScope(t, upstream, s.CAFile, "--reveal")
			says := "in HTTP, " + t.Name()
			ran := xmpptest.WebClient(t, c.library, c.transport, c.scheme+"://"+scope.Addr+c.path, xmpptest.Login{CAFile: scope.CAFile, Says: says})
			if !ran.OK {
				t.Fatalf("%s could not log in:\n%s", c.library, ran.Output)
			}
			bob.Expect(t, says)
			scope.until(t, "end of the client's connection", 1, clientGone)
			r := scope.stop(t)
			checkRead(t, r, scope.Saved)
			ladder := r.ladder(1)
			want := []string{"stream-open-1", "stream-reply-1", "features-1", "sasl-auth", "sasl-challenge", "sasl-response", "sasl-success", "stream-open-2", "stream-reply-2", "features-2", "bind-request", "bind-result"}
			if secure {
				want = append([]string{"tls"}, want...)
			}
			if len(ladder) < len(want) || !slices.Equal(ladder[:len(want)], want) {
				t.Errorf("the ladder is\n%v\nand not\n%v", ladder, want)
			}
		})
	}
}

// TestKinds: real clients are led where the records of their domain lead, whichever way TLS
// begins there, and log in.
func TestKinds(t *testing.T) {
	prosody := xmpptest.StartProsody(t)
	ejabberd := xmpptest.StartEjabberd(t)
	begun := append([]string{"stream-open-1", "starttls", "tls", "stream-open-2", "stream-reply-1", "features-1"}, "sasl-auth")
	for _, c := range []struct {
		name   string
		client func(testing.TB, xmpptest.Login) xmpptest.Ran
		direct bool
		rungs  []string
	}{
		{"slixmpp", xmpptest.Slixmpp, false, begun},
		{"go-sendxmpp", xmpptest.GoSendxmpp, false, begun},
		{"profanity", xmpptest.Profanity, false, begun},
		{"slixmpp by direct TLS", xmpptest.Slixmpp, true, append(slices.Clone(directRungs), "sasl-auth")},
	} {
		for where, s := range map[string]*xmpptest.PeerServer{"Prosody": prosody, "ejabberd": ejabberd} {
			t.Run(c.name+" to "+where, func(t *testing.T) {
				bob := xmpptest.StartBob(t, s)
				first, second, at := "_xmpps-client", "_xmpp-client", s.Direct
				if c.direct {
					first, second, at = second, first, s.StartTLS
				}
				dns := xmpptest.StartDNS(t, fmt.Sprintf("host.test 60 IN A 127.0.0.1\n%s._tcp.%s 60 IN SRV 1 0 %s host.test\n%s._tcp.%[2]s 60 IN SRV 2 0 9 host.test\n", first, xmpptest.PeerDomain, port(at), second))
				scope := startScope(t, "", s.CAFile, "--reveal", "--resolver", dns.Addr)
				says := "where records lead, " + t.Name()
				ran := c.client(t, xmpptest.Login{Addr: scope.Addr, CAFile: scope.CAFile, Direct: c.direct, Says: says})
				if !ran.OK {
					t.Fatalf("%s could not log in:\n%s", c.name, ran.Output)
				}
				bob.Expect(t, says)
				scope.until(t, "end of the client's connection", 1, clientGone)
				r := scope.stop(t)
				r.check(t, true)
				checkRead(t, r, scope.Saved)
				if ladder := r.ladder(1); len(ladder) < len(c.rungs) || !slices.Equal(ladder[:len(c.rungs)], c.rungs) {
					t.Errorf("the ladder is\n%v\nand not\n%v", ladder, c.rungs)
				}
			})
		}
	}
}
