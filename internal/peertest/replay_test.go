package peertest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
)

// passwordOf writes alice's password into a file, for --password-file.
func passwordOf(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(xmpptest.AlicePassword+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return xmpptest.AliceJID + "=" + file
}

// recordSlixmpp records a login of slixmpp at a server, with a message to bob.
func recordSlixmpp(t *testing.T, addr, ca string, bob *xmpptest.Bob, direct bool, args ...string) (file string) {
	t.Helper()
	scope := startScope(t, addr, ca, args...)
	logIn(t, scope, slixmpp, bob, direct)
	scope.until(t, "end of the client's connection", 1, clientGone)
	scope.stop(t)
	return scope.Saved
}

// replayed runs xmppscope replay and wants an exit code. It returns what was said on
// standard error, and what was recorded.
func replayed(t *testing.T, want int, args ...string) (said string, r recording) {
	t.Helper()
	var stderr strings.Builder
	cmd := command(t, append([]string{"replay", "--json"}, args...)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	code := 0
	if exit, ok := err.(*exec.ExitError); ok {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if code != want {
		t.Errorf("exit code %d, want %d; it said:\n%s", code, want, stderr.String())
	}
	return stderr.String(), decode(t, out)
}

// checkAnswered checks that one message was sent, and that bob's came. There may be two: what
// the client of the recording has not acknowledged the server has kept, and delivers again.
func checkAnswered(t *testing.T, r recording) {
	t.Helper()
	count := map[string]int{}
	for _, e := range r.events {
		if e.Name == "message" {
			count[e.Dir]++
		}
	}
	if count["c2s"] != 1 || count["s2c"] < 1 || count["s2c"] > 2 {
		t.Errorf("%d messages were sent, and %d came", count["c2s"], count["s2c"])
	}
}

// testReplays plays a login of slixmpp at a server again: the client's part to the server,
// the server's part to real clients.
func testReplays(t *testing.T, s *xmpptest.PeerServer, mechanism string, recordArgs ...string) {
	xmpptest.Need(t, "slixmpp", "profanity", "tmux")
	bob := xmpptest.StartBob(t, s)
	file := recordSlixmpp(t, s.StartTLS, s.CAFile, bob, false, recordArgs...)
	password := passwordOf(t)

	t.Run("the login", func(t *testing.T) {
		said, r := replayed(t, 0, file, "--to", s.StartTLS, "--upstream-ca", s.CAFile, "--password-file", password)
		checkWho(t, r, mechanism)
		checkVerdict(t, r, mechanism, 0)
		for _, e := range r.find(func(e *event) bool { return e.Dir == "c2s" }) {
			if e.Name == "message" || e.Name == "presence" {
				t.Errorf("more than the login was sent: %s", line(&e))
			}
		}
		if !strings.Contains(said, "after the login (--max-stanzas)") {
			t.Errorf("it is not told what is not sent:\n%s", said)
		}
	})
	t.Run("all of it", func(t *testing.T) {
		_, r := replayed(t, 0, file, "--to", s.StartTLS, "--upstream-ca", s.CAFile, "--password-file", password, "--max-stanzas", "100")
		checkAnswered(t, r)
	})
	t.Run("direct TLS", func(t *testing.T) {
		direct := recordSlixmpp(t, "tls://"+s.Direct, s.CAFile, bob, true, recordArgs...)
		_, r := replayed(t, 0, direct, "--to", s.Direct, "--upstream-ca", s.CAFile, "--password-file", password)
		checkWho(t, r, mechanism)
		if r.ladder(1)[0] != "tls" {
			t.Errorf("the ladder begins with %v", r.ladder(1))
		}
	})
	if s.HTTPS != "" {
		t.Run("in WebSocket", func(t *testing.T) {
			_, r := replayed(t, 0, file, "--to", "wss://"+s.HTTPS+"/xmpp-websocket", "--insecure-upstream", "--password-file", password)
			checkFramed(t, r, "/xmpp-websocket")
			if r.ladder(1)[0] != "tls" || len(r.step("starttls")) > 0 {
				t.Errorf("the ladder is %v", r.ladder(1))
			}
		})
	}
	t.Run("wrong password", func(t *testing.T) {
		wrong := filepath.Join(t.TempDir(), "wrong")
		if err := os.WriteFile(wrong, []byte("wrong\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		said, _ := replayed(t, 1, file, "--to", s.StartTLS, "--upstream-ca", s.CAFile, "--password-file", xmpptest.AliceJID+"="+wrong)
		if !strings.Contains(said, "refuses the login (not-authorized), where the recording has it accepted") {
			t.Errorf("it said:\n%s", said)
		}
	})
	t.Run("distrust", func(t *testing.T) {
		said, _ := replayed(t, 1, file, "--to", s.StartTLS, "--password-file", password)
		if !strings.Contains(said, "TLS") {
			t.Errorf("it said:\n%s", said)
		}
	})
	for _, client := range []xmpptest.PeerClient{slixmpp, {Name: "profanity", Run: xmpptest.Profanity}} {
		t.Run("as server to "+client.Name, func(t *testing.T) {
			scope := launch(t, "replay", file, "--as-server", "--password-file", password, "--reveal")
			ran := client.Run(t, xmpptest.Login{Addr: scope.Addr, CAFile: scope.CAFile, Says: "through the scope, " + strings.SplitN(t.Name(), "/", 2)[0]})
			if !ran.OK {
				t.Fatalf("%s could not log in:\n%s", client.Name, ran.Output)
			}
			<-scope.done // it ends by itself when its session is over
			r := scope.recording(t)
			if got := r.step("sasl-success"); len(got) != 1 {
				t.Errorf("%d logins were accepted", len(got))
			}
			if got := r.step("bind-result"); len(got) != 1 || !strings.HasPrefix(got[0].field("jid"), xmpptest.AliceJID+"/") {
				t.Errorf("bound: %v", got)
			}
		})
	}
	t.Run("as server with a wrong password", func(t *testing.T) {
		scope := launch(t, "replay", file, "--as-server", "--password-file", password)
		if ran := xmpptest.Slixmpp(t, xmpptest.Login{Addr: scope.Addr, CAFile: scope.CAFile, Password: "wrong"}); ran.OK {
			t.Errorf("slixmpp got in:\n%s", ran.Output)
		}
		<-scope.done
		if got := scope.recording(t).step("sasl-failure"); len(got) == 0 {
			t.Error("it was not refused")
		}
	})
}

func TestReplayProsody(t *testing.T) {
	t.Parallel()
	testReplays(t, xmpptest.StartProsody(t), "SCRAM-SHA-256")
}

// TestReplayEjabberd: what was bound to the TLS connection is bound anew.
func TestReplayEjabberd(t *testing.T) {
	t.Parallel()
	testReplays(t, xmpptest.StartEjabberd(t), "SCRAM-SHA-512-PLUS", knows(t, xmpptest.AlicePassword)...)
}
