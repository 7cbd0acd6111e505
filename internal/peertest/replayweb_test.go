package peertest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
)

// TestReplayWebSocket: what clients have said in WebSocket is played again in it, in the clear and
// in TLS: the client's part to a server, the server's part to real clients. A recording of the one
// framing is played in the other, too.
func TestReplayWebSocket(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		start           func(testing.TB) *xmpptest.PeerServer
		library, scheme string
	}{
		{xmpptest.StartProsody, "xmpp.js", "ws"}, {xmpptest.StartProsody, "stanza", "wss"}, {xmpptest.StartEjabberd, "xmpp.js", "ws"},
	} {
		xmpptest.Need(t, c.library)
		s := c.start(t)
		t.Run(s.Name+" "+c.library+" "+c.scheme, func(t *testing.T) {
			testReplayWebSocket(t, s, xmpptest.StartBob(t, s), c.library, c.scheme)
		})
	}
}

func testReplayWebSocket(t *testing.T, s *xmpptest.PeerServer, bob *xmpptest.Bob, library, scheme string) {
	upstream, to, recordWith := "ws://"+s.HTTP, "ws://"+s.HTTP, "--reveal"
	if scheme == "wss" {
		upstream, to = "tls://"+s.HTTPS, "wss://"+s.HTTPS
		recordWith = "--plain" // without its secrets
	}
	scope := startScope(t, upstream, s.CAFile, recordWith)
	says := "in WebSocket, " + t.Name()
	ran := xmpptest.WebClient(t, library, "ws", scheme+"://"+scope.Addr+"/xmpp-websocket", xmpptest.Login{CAFile: scope.CAFile, Says: says})
	if !ran.OK {
		t.Fatalf("%s could not log in:\n%s", library, ran.Output)
	}
	bob.Expect(t, says)
	scope.until(t, "end of the client's connection", 1, clientGone)
	scope.stop(t)
	file, password := scope.Saved, passwordOf(t)
	play := func(want int, to string, more ...string) (string, recording) {
		t.Helper()
		return replayed(t, want, append([]string{file, "--to", to, "--insecure-upstream", "--password-file", password, "--in-clear"}, more...)...)
	}

	t.Run("the login", func(t *testing.T) {
		said, r := play(0, to)
		if strings.Contains(said, "departs") || !strings.Contains(said, "after the login (--max-stanzas)") {
			t.Errorf("it said:\n%s", said)
		}
		checkFramed(t, r, "/xmpp-websocket")
	})
	t.Run("all of it", func(t *testing.T) {
		_, r := play(0, to+"/xmpp-websocket", "--max-stanzas", "100")
		checkFramed(t, r, "/xmpp-websocket")
		checkAnswered(t, r)
	})
	t.Run("another path", func(t *testing.T) {
		said, _ := play(1, to+"/elsewhere")
		if !strings.Contains(said, "where it should switch to WebSocket") {
			t.Errorf("it said:\n%s", said)
		}
	})
	t.Run("wrong password", func(t *testing.T) {
		wrong := filepath.Join(t.TempDir(), "wrong")
		if err := os.WriteFile(wrong, []byte("wrong\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		said, _ := replayed(t, 1, file, "--to", to, "--insecure-upstream", "--in-clear", "--password-file", xmpptest.AliceJID+"="+wrong)
		if !strings.Contains(said, "refuses the login (not-authorized), where the recording has it accepted") {
			t.Errorf("it said:\n%s", said)
		}
	})
	if scheme == "wss" { // in the clear the server insists on TLS, which nothing in the recording asks for
		t.Run("as a stream", func(t *testing.T) {
			said, r := play(0, s.Direct)
			if got := r.step("bind-result"); len(got) != 1 {
				t.Errorf("bound: %v\n%s", got, said)
			}
		})
	}
	for _, other := range []string{"xmpp.js", "stanza"} {
		t.Run("as server to "+other, func(t *testing.T) {
			xmpptest.Need(t, other)
			scope := launch(t, "replay", file, "--as-server", "--password-file", password, "--reveal", "--wait", "1s")
			ran := xmpptest.WebClient(t, other, "ws", scheme+"://"+scope.Addr+"/whatever", xmpptest.Login{CAFile: scope.CAFile, Says: says})
			if !ran.OK {
				t.Fatalf("%s could not log in:\n%s", other, ran.Output)
			}
			<-scope.done
			r := scope.recording(t)
			checkFramed(t, r, "/whatever")
		})
	}
}

// checkFramed checks that a login by WebSocket has succeeded, and that its frames are in order.
func checkFramed(t *testing.T, r recording, path string) {
	t.Helper()
	if got := r.step("bind-result"); len(got) != 1 || !strings.HasPrefix(got[0].field("jid"), xmpptest.AliceJID+"/") {
		t.Errorf("bound: %v", got)
	}
	if asked := r.find(func(e *event) bool { return e.Kind == "http:request" && strings.HasPrefix(text(e), "GET "+path+" ") }); len(asked) != 1 {
		t.Errorf("%s was asked for %d times", path, len(asked))
	}
	if ends := r.find(func(e *event) bool { return e.Kind == "stream:closed" }); len(ends) != 2 {
		t.Errorf("%d streams were ended", len(ends))
	}
	for _, e := range r.events {
		for _, n := range e.Notes {
			if strings.HasPrefix(n.Rule, "W0") {
				t.Errorf("%s: %s", n.Rule, line(&e))
			}
		}
	}
}
