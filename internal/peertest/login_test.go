package peertest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
)

// The rungs that every login by STARTTLS begins with, and those up to the bind.
var (
	starttlsRungs = []string{
		"stream-open-1", "stream-reply-1", "features-1", "starttls", "proceed", "tls",
		"stream-open-2", "stream-reply-2", "features-2",
	}
	directRungs  = []string{"tls", "stream-open-1", "stream-reply-1", "features-1"}
	plainRungs   = []string{"sasl-auth", "sasl-success"}
	scramRungs   = []string{"sasl-auth", "sasl-challenge", "sasl-response", "sasl-success"}
	refusedRungs = []string{"sasl-auth", "sasl-challenge", "sasl-response", "sasl-failure"}
	boundRungs   = []string{"bind-request", "bind-result"}
	// What clients may do after that.
	laterRungs = []string{"session-request", "session-result", "sm-enable", "sm-enabled"}
)

// server is one way to reach a server.
type server struct {
	*xmpptest.PeerServer
	addr  string // of the port that is tried
	tls   string // the version that both legs must come to
	plus  bool   // it offers -PLUS mechanisms
	scram string // the best SCRAM it offers without
}

// login is how a client gets in at a server: what it ends with, and how many
// attempts with -PLUS mechanisms fail before that, because such a client binds to
// its own TLS connection, which ends at us.
func (s server) login(client string) (mechanism string, plus int) {
	switch {
	case client == "go-sendxmpp":
		return "PLAIN", 0
	case client == "slixmpp" && s.plus:
		return s.scram, 3
	}
	return s.scram, 0
}

// saslRungs are the rungs of such a login.
func saslRungs(mechanism string, plus int) (rungs []string) {
	for range plus {
		rungs = append(rungs, refusedRungs...)
	}
	if mechanism == "PLAIN" {
		return append(rungs, plainRungs...)
	}
	return append(rungs, scramRungs...)
}

func TestProsody(t *testing.T) {
	t.Parallel()
	s := xmpptest.StartProsody(t)
	bob := xmpptest.StartBob(t, s)
	starttls := server{s, s.StartTLS, "TLS 1.3", false, "SCRAM-SHA-256"}
	t.Run("login", func(t *testing.T) { testLogins(t, starttls, bob) })
	t.Run("distrust", func(t *testing.T) { testDistrust(t, starttls) })
	t.Run("wrong-password", func(t *testing.T) { testWrongPassword(t, starttls) })
	t.Run("direct-tls", func(t *testing.T) { testDirectTLS(t, starttls, bob) })
	t.Run("secrets", func(t *testing.T) { testSecrets(t, starttls, bob) })
}

func TestEjabberd(t *testing.T) {
	t.Parallel()
	s := xmpptest.StartEjabberd(t)
	bob := xmpptest.StartBob(t, s)
	starttls := server{s, s.StartTLS, "TLS 1.3", true, "SCRAM-SHA-512"}
	tls12 := server{s, s.TLS12, "TLS 1.2", true, "SCRAM-SHA-512"}
	t.Run("login", func(t *testing.T) { testLogins(t, starttls, bob) })
	t.Run("login-tls12", func(t *testing.T) { testLogins(t, tls12, bob) })
	t.Run("distrust", func(t *testing.T) { testDistrust(t, starttls) })
	t.Run("distrust-tls12", func(t *testing.T) { testDistrust(t, tls12) })
	t.Run("wrong-password", func(t *testing.T) { testWrongPassword(t, starttls) })
	t.Run("direct-tls", func(t *testing.T) { testDirectTLS(t, starttls, bob) })
	t.Run("at-once", func(t *testing.T) { testAtOnce(t, starttls, bob) })
}

// testLogins logs every client in through us: the message arrives, the ladder is
// what the client did, and the capture opens in tshark and again in ours.
func testLogins(t *testing.T, s server, bob *xmpptest.Bob) {
	for _, client := range xmpptest.PeerClients() {
		t.Run(client.Name, func(t *testing.T) {
			scope, r := loggedIn(t, s, client, bob, false)
			mechanism, plus := s.login(client.Name)
			checkLadder(t, r, slices.Concat(starttlsRungs, saslRungs(mechanism, plus), []string{"stream-open-3", "stream-reply-3", "features-3"}, boundRungs))
			checkWho(t, r, mechanism)
			checkTLS(t, r, s.tls)
			checkPlus(t, r, plus)
			checkVerdict(t, r, mechanism, plus)
			checkRead(t, r, scope.Saved)
			checkTshark(t, scope.Saved)
		})
	}
}

// loggedIn is the recording of one login, with TLS from the first byte on both legs
// if direct says so. The scope has stopped.
func loggedIn(t *testing.T, s server, client xmpptest.PeerClient, bob *xmpptest.Bob, direct bool) (*scope, recording) {
	t.Helper()
	upstream := s.addr
	if direct {
		upstream = "tls://" + s.Direct
	}
	scope := startScope(t, upstream, s.CAFile, "--reveal")
	logIn(t, scope, client, bob, direct)
	scope.until(t, "end of the client's connection", 1, clientGone)
	r := scope.stop(t)
	r.check(t, true)
	return scope, r
}

// logIn runs the client and waits until its message has arrived.
func logIn(t *testing.T, scope *scope, client xmpptest.PeerClient, bob *xmpptest.Bob, direct bool) {
	t.Helper()
	says := "through the scope, " + t.Name()
	ran := client.Run(t, xmpptest.Login{Addr: scope.Addr, CAFile: scope.CAFile, Direct: direct, Says: says})
	if !ran.OK {
		t.Fatalf("%s could not log in:\n%s", client.Name, ran.Output)
	}
	if from := bob.Expect(t, says); !strings.HasPrefix(from, xmpptest.AliceJID+"/") {
		t.Errorf("bob's message is from %q", from)
	}
}

// checkLadder compares the rungs up to the bind; later ones are the client's own
// business.
func checkLadder(t *testing.T, r recording, want []string) {
	t.Helper()
	got := r.ladder(1)
	if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("the ladder is\n%s\nand not\n%s", strings.Join(got, " "), strings.Join(want, " "))
		return
	}
	for _, id := range got[len(want):] {
		if !slices.Contains(laterRungs, id) {
			t.Errorf("rung %q after the bind", id)
		}
	}
}

// checkWho looks for the mechanism that worked, the user and the full JID.
func checkWho(t *testing.T, r recording, mechanism string) {
	t.Helper()
	attempts := r.step("sasl-auth")
	if len(attempts) == 0 {
		t.Fatal("no sasl-auth")
	}
	last := attempts[len(attempts)-1]
	if got := last.field("mechanism"); got != mechanism {
		t.Errorf("mechanism is %q, want %q", got, mechanism)
	}
	if got := last.field("authcid") + last.field("username"); got != "alice" {
		t.Errorf("the user is %q", got)
	}
	for _, bound := range r.step("bind-result") {
		if got := bound.field("jid"); !strings.HasPrefix(got, xmpptest.AliceJID+"/") {
			t.Errorf("the bound JID is %q", got)
		}
	}
	if mechanism == "PLAIN" && last.field("password") != xmpptest.AlicePassword {
		t.Errorf("revealed password is %q", last.field("password"))
	}
}

// checkTLS wants both legs secured, the server's first, with one version.
func checkTLS(t *testing.T, r recording, version string) {
	t.Helper()
	legs := r.find(func(e *event) bool { return e.Kind == "tls:established" })
	if len(legs) != 2 || legs[0].Leg != "server" || legs[1].Leg != "client" {
		t.Fatalf("want tls:established of the server leg, then of the client leg; got %+v", legs)
	}
	for _, e := range legs {
		if e.Detail.Version != version || e.Detail.Suite == "" {
			t.Errorf("%s leg has %s %s, want %s", e.Leg, e.Detail.Version, e.Detail.Suite, version)
		}
	}
}

// checkPlus wants failed -PLUS attempts shown as what they are.
func checkPlus(t *testing.T, r recording, want int) {
	t.Helper()
	failed := 0
	plus := false
	for i := range r.events {
		e := &r.events[i]
		switch {
		case e.is("sasl-auth"):
			plus = strings.HasSuffix(e.field("mechanism"), "-PLUS")
		case e.is("sasl-failure") && plus:
			failed++
			if !e.says("channel binding") {
				t.Errorf("the failure of a -PLUS attempt does not speak of channel binding: %s", line(e))
			}
		}
	}
	if failed != want {
		t.Errorf("%d -PLUS attempts failed, want %d", failed, want)
	}
}

// checkVerdict wants the verdict to name the login as it was. The round trips are
// counted anew: one for TLS, and one wherever the server has answered.
func checkVerdict(t *testing.T, r recording, mechanism string, refused int) {
	t.Helper()
	what, next := r.verdict(1)
	t.Logf("%s\n    next: %s", what, next)
	trips, asked := 0, false
	for _, e := range r.events {
		switch {
		case e.Kind == "tls:established" && e.Leg == "server":
			trips++
			if e.Detail.Version == "TLS 1.2" {
				trips++
			}
		case strings.HasPrefix(e.Kind, "stream:") && e.Dir == "c2s":
			asked = true
		case strings.HasPrefix(e.Kind, "stream:") && asked:
			asked = false
			trips++
		}
		if e.is("bind-result") {
			break
		}
	}
	want := []string{"logged in as " + xmpptest.AliceJID + "/", "by " + mechanism + " over TLS", "round trips", "to TLS", "authentication", "binding"}
	if refused > 0 {
		want = append(want, fmt.Sprintf("after %d refused", refused), fmt.Sprintf("the refused attempts cost %d round trips", 2*refused))
	}
	for _, w := range want {
		if !strings.Contains(what+next, w) {
			t.Errorf("the verdict does not say %q", w)
		}
	}
}

// testDirectTLS is TLS from the first byte on both legs.
func testDirectTLS(t *testing.T, s server, bob *xmpptest.Bob) {
	for _, client := range xmpptest.PeerClients() {
		t.Run(client.Name, func(t *testing.T) {
			_, r := loggedIn(t, s, client, bob, true)
			mechanism, plus := s.login(client.Name)
			checkLadder(t, r, slices.Concat(directRungs, saslRungs(mechanism, plus), []string{"stream-open-2", "stream-reply-2", "features-2"}, boundRungs))
			checkWho(t, r, mechanism)
			checkTLS(t, r, s.tls)
		})
	}
}

// testAtOnce logs all clients in side by side: the sessions interleave in the
// output and in the capture, and each is whole.
func testAtOnce(t *testing.T, s server, bob *xmpptest.Bob) {
	clients := xmpptest.PeerClients()
	for _, client := range clients {
		xmpptest.Need(t, client.Name) // all of them come, or none
	}
	scope := startScope(t, s.addr, s.CAFile, "--reveal")
	t.Run("clients", func(t *testing.T) {
		for _, client := range clients {
			t.Run(client.Name, func(t *testing.T) {
				t.Parallel()
				logIn(t, scope, client, bob, false)
			})
		}
	})
	scope.until(t, "end of the clients' connections", len(clients), clientGone)
	r := scope.stop(t)
	r.check(t, true)
	if got := len(r.step("bind-result")); got != len(clients) {
		t.Errorf("%d sessions were bound, want %d", got, len(clients))
	}
	checkRead(t, r, scope.Saved)
	checkTshark(t, scope.Saved)
}
