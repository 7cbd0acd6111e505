package peertest

import (
	"slices"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
)

// TestClientTLS: a client that knows no CA logs in in the clear to a server that demands
// TLS, by STARTTLS or from the first byte; and one that may not is told so.
func TestClientTLS(t *testing.T) {
	xmpptest.Need(t, "slixmpp")
	s := xmpptest.StartProsody(t)
	bob := xmpptest.StartBob(t, s)
	for name, upstream := range map[string]string{"starttls": s.StartTLS, "direct TLS": "tls://" + s.Direct} {
		t.Run("off, "+name, func(t *testing.T) {
			scope := startScope(t, upstream, s.CAFile, "--reveal", "--client-tls", "off")
			says := "in the clear, " + name
			ran := xmpptest.Slixmpp(t, xmpptest.Login{Addr: scope.Addr, Clear: true, Says: says})
			if !ran.OK {
				t.Fatalf("slixmpp could not log in:\n%s", ran.Output)
			}
			bob.Expect(t, says)
			scope.until(t, "end of the client's connection", 1, clientGone)
			r := scope.stop(t)
			r.check(t, true)
			checkLadder(t, r, slices.Concat(directRungs, scramRungs, []string{"stream-open-2", "stream-reply-2", "features-2"}, boundRungs))
			checkRead(t, r, scope.Saved)
			ours, established, verdict := 0, "", ""
			for _, e := range r.events {
				if e.Origin == "xmppscope" && e.Kind == "relay:bent" && strings.Contains(e.Summary, "--client-tls") {
					ours++
				}
				if e.Kind == "tls:established" {
					established += e.Leg + " "
				}
				for _, n := range e.Notes {
					if n.Name == "verdict" {
						verdict = n.Value
					}
				}
			}
			want := 0
			if name == "starttls" {
				want = 1
			}
			if ours != want || established != "server " || strings.Contains(verdict, "touched by --client-tls") != (want == 1) {
				t.Errorf("told %d times; TLS of %q; verdict %q", ours, established, verdict)
			}
		})
	}
	t.Run("required", func(t *testing.T) {
		scope := startScope(t, s.StartTLS, s.CAFile, "--reveal", "--client-tls", "required")
		says := "with TLS"
		ran := xmpptest.Slixmpp(t, xmpptest.Login{Addr: scope.Addr, CAFile: scope.CAFile, Says: says})
		if !ran.OK {
			t.Fatalf("slixmpp could not log in:\n%s", ran.Output)
		}
		bob.Expect(t, says)
		scope.until(t, "end of the client's connection", 1, clientGone)
		r := scope.stop(t)
		checkLadder(t, r, slices.Concat(starttlsRungs, scramRungs, []string{"stream-open-3", "stream-reply-3", "features-3"}, boundRungs))
	})
}
