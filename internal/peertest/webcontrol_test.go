package peertest

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
)

// TestWebControl: what can be done to streams can be done in WebSocket: real clients are
// offered PLAIN alone, have their message held and edited, are asked for a sign of life as the
// server is, and notice nothing.
func TestWebControl(t *testing.T) {
	s := xmpptest.StartProsody(t)
	bob := xmpptest.StartBob(t, s)
	rules := filepath.Join(t.TempDir(), "rules.toml")
	if err := os.WriteFile(rules, []byte(bendingRules), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ library, scheme string }{{"xmpp.js", "ws"}, {"stanza", "ws"}, {"xmpp.js", "wss"}, {"stanza", "wss"}} {
		t.Run(c.library+" "+c.scheme, func(t *testing.T) {
			xmpptest.Need(t, c.library)
			upstream := "ws://" + s.HTTP
			if c.scheme == "wss" {
				upstream = "tls://" + s.HTTPS
			}
			scope := startScope(t, upstream, s.CAFile, "--reveal", "--rules", rules, "--api", "127.0.0.1:0", "--allow-control")
			r := scope.remote(t)
			defer http.DefaultClient.CloseIdleConnections()
			if err := r.do("break", `{"when":"name == \"message\" && dir == \"c2s\" && body != \"\""}`, nil); err != nil {
				t.Fatal(err)
			}
			controlled := make(chan error, 1)
			go func() { controlled <- r.holdAndEdit() }()
			says := "in WebSocket, held, " + t.Name()
			ran := xmpptest.WebClient(t, c.library, "ws", c.scheme+"://"+scope.Addr+"/xmpp-websocket", xmpptest.Login{CAFile: scope.CAFile, Says: says})
			if err := <-controlled; err != nil {
				t.Error(err)
			}
			if !ran.OK {
				t.Fatalf("%s noticed something:\n%s", c.library, ran.Output)
			}
			bob.Expect(t, "edited: "+says)
			scope.until(t, "end of the client's connection", 1, clientGone)
			seen := scope.stop(t)
			checkWho(t, seen, "PLAIN")
			if what, _ := seen.verdict(1); !strings.Contains(what, "touched by plain-only") {
				t.Errorf("the verdict is %q", what)
			}
			kept := seen.find(func(e *event) bool { return strings.Contains(line(e), "it answers what xmppscope has sent") })
			if len(kept) != 2 || kept[0].Dir != "s2c" || kept[1].Dir != "c2s" {
				t.Errorf("%d answers were kept from who had not asked", len(kept))
			}
			for _, e := range seen.events {
				for _, n := range e.Notes {
					if n.Rule == "M02" || n.Rule == "W05" {
						t.Errorf("%s: %s", n.Rule, line(&e))
					}
				}
			}
			checkRead(t, seen, scope.Saved)
		})
	}
}
