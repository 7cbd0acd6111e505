package peertest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
)

// knows is --rebind with a password for alice.
func knows(t *testing.T, password string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"--reveal", "--rebind", "--password-file", xmpptest.AliceJID + "=" + file}
}

var slixmpp = xmpptest.PeerClient{Name: "slixmpp", Run: xmpptest.Slixmpp}

// TestRebind: a client that binds to its TLS connection gets in at the first attempt, on
// both versions of TLS, and fails as it would directly where its password is wrong.
func TestRebind(t *testing.T) {
	t.Parallel()
	xmpptest.Need(t, "slixmpp")
	s := xmpptest.StartEjabberd(t)
	bob := xmpptest.StartBob(t, s)
	for _, tt := range []server{{s, s.StartTLS, "TLS 1.3", true, "SCRAM-SHA-512"}, {s, s.TLS12, "TLS 1.2", true, "SCRAM-SHA-512"}} {
		t.Run(tt.tls, func(t *testing.T) {
			scope := startScope(t, tt.addr, s.CAFile, knows(t, xmpptest.AlicePassword)...)
			logIn(t, scope, slixmpp, bob, false)
			scope.until(t, "end of the client's connection", 1, clientGone)
			r := scope.stop(t)
			r.check(t, true)
			checkLadder(t, r, slices.Concat(starttlsRungs, scramRungs, []string{"stream-open-3", "stream-reply-3", "features-3"}, boundRungs))
			checkWho(t, r, tt.scram+"-PLUS")
			checkTLS(t, r, tt.tls)
			checkVerdict(t, r, tt.scram+"-PLUS", 0)
			checkEdited(t, r, "c= and p=", "v=")
			checkRead(t, r, scope.Saved)
			checkTshark(t, scope.Saved)
		})
	}
	t.Run("wrong password", func(t *testing.T) {
		scope := startScope(t, s.StartTLS, s.CAFile, knows(t, xmpptest.AlicePassword)...)
		ran := xmpptest.Slixmpp(t, xmpptest.Login{Addr: scope.Addr, CAFile: scope.CAFile, Password: "wrong"})
		if ran.OK {
			t.Fatalf("slixmpp got in with a wrong password:\n%s", ran.Output)
		}
		scope.until(t, "end of the client's connection", 1, clientGone)
		r := scope.stop(t)
		edited := r.find(func(e *event) bool { return e.Kind == "relay:edited" })
		if len(edited) == 0 {
			t.Fatal("nothing is said of re-binding")
		}
		for _, e := range edited {
			if !strings.Contains(line(&e), "does not fit the password") {
				t.Errorf("it is said: %s", line(&e))
			}
		}
		if what, _ := r.verdict(1); !strings.Contains(what, "used another password") || strings.Contains(what, "binding") {
			t.Errorf("the verdict is %q", what)
		}
	})
}

// TestRebindProsody: the same where the server offers -PLUS on TLS 1.2 alone.
func TestRebindProsody(t *testing.T) {
	xmpptest.Need(t, "slixmpp")
	s := xmpptest.StartProsodyTLS12(t)
	scope := startScope(t, s.StartTLS, s.CAFile, knows(t, xmpptest.AlicePassword)...)
	logIn(t, scope, slixmpp, xmpptest.StartBob(t, s), false)
	scope.until(t, "end of the client's connection", 1, clientGone)
	r := scope.stop(t)
	checkWho(t, r, "SCRAM-SHA-256-PLUS")
	checkEdited(t, r, "c= and p=", "v=")
}

// checkEdited wants what was changed to be told, in this order.
func checkEdited(t *testing.T, r recording, want ...string) {
	t.Helper()
	edited := r.find(func(e *event) bool { return e.Kind == "relay:edited" })
	if len(edited) != len(want) {
		t.Fatalf("%d elements were changed, want %d", len(edited), len(want))
	}
	for i, e := range edited {
		if !strings.Contains(line(&e), want[i]) {
			t.Errorf("it is said: %s; want %q", line(&e), want[i])
		}
	}
}
