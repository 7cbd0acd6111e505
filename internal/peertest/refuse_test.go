package peertest

import (
	"encoding/base64"
	"os"
	"slices"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
)

// testDistrust has every client refuse our certificate, and wants to be told so.
func testDistrust(t *testing.T, s server) {
	for _, client := range xmpptest.PeerClients() {
		t.Run(client.Name, func(t *testing.T) {
			scope := startScope(t, s.addr, s.CAFile, "--reveal")
			if ran := client.Run(t, xmpptest.Login{Addr: scope.Addr, Says: "never sent"}); ran.OK {
				t.Fatalf("%s logged in without trusting our CA:\n%s", client.Name, ran.Output)
			}
			scope.until(t, "end of the client's connection", 1, clientGone)
			r := scope.stop(t)
			r.check(t, true)
			failed := r.find(func(e *event) bool { return e.Kind == "tls:failed" && e.Leg == "client" && e.Session == 1 })
			if len(failed) != 1 {
				t.Fatalf("want one tls:failed on the client leg, got %d", len(failed))
			}
			d := failed[0].Detail
			if d.Class != "ca-not-trusted" || d.Guilty != "client" {
				t.Errorf("class %q, guilty %q; want ca-not-trusted, client", d.Class, d.Guilty)
			}
			if d.Reason == "" || d.Hint == "" {
				t.Errorf("reason %q, hint %q; want both", d.Reason, d.Hint)
			}
			(&broken{step: "tls", want: []string{"client", `our certificate for "` + xmpptest.PeerDomain + `"`, "CA"}}).check(t, r)
			if !failed[0].is("tls") {
				t.Errorf("it stands on %+v, want rung tls", failed[0].Step)
			}
		})
	}
}

// testWrongPassword wants a refusal for every attempt, and no bind.
func testWrongPassword(t *testing.T, s server) {
	for _, client := range xmpptest.PeerClients() {
		t.Run(client.Name, func(t *testing.T) {
			scope := startScope(t, s.addr, s.CAFile, "--reveal")
			ran := client.Run(t, xmpptest.Login{Addr: scope.Addr, CAFile: scope.CAFile, Password: "not-the-one", Says: "never sent"})
			if ran.OK {
				t.Fatalf("%s logged in with a wrong password:\n%s", client.Name, ran.Output)
			}
			scope.until(t, "end of the client's connection", 1, clientGone)
			r := scope.stop(t)
			r.check(t, true)
			attempts, failures := r.step("sasl-auth"), r.step("sasl-failure")
			if len(attempts) == 0 || len(attempts) != len(failures) {
				t.Errorf("%d attempts, %d failures", len(attempts), len(failures))
			}
			(&broken{step: "sasl-failure", want: []string{"alice@" + xmpptest.PeerDomain, "not-authorized", "password"}}).check(t, r)
			for _, f := range failures {
				if f.Raw == nil || !strings.Contains(*f.Raw, "not-authorized") {
					t.Errorf("failure is %s", line(&f))
				}
			}
			if bound := r.step("bind-result"); len(bound) > 0 {
				t.Errorf("bound after a wrong password: %s", line(&bound[0]))
			}
		})
	}
}

// testSecrets logs in with PLAIN and no --reveal: the password is nowhere in what
// was printed, in no form, and a placeholder stands in its place.
func testSecrets(t *testing.T, s server, bob *xmpptest.Bob) {
	scope := startScope(t, s.addr, s.CAFile)
	clients := xmpptest.PeerClients()
	plain := slices.IndexFunc(clients, func(c xmpptest.PeerClient) bool { return c.Name == "go-sendxmpp" })
	logIn(t, scope, clients[plain], bob, false)
	scope.until(t, "end of the client's connection", 1, clientGone)
	r := scope.stop(t)
	r.check(t, false)
	payload := base64.StdEncoding.EncodeToString([]byte("\x00alice\x00" + xmpptest.AlicePassword))
	for _, secret := range []string{xmpptest.AlicePassword, payload} {
		if strings.Contains(string(scope.stdout)+scope.stderr.String(), secret) {
			t.Errorf("%q was printed without --reveal", secret)
		}
	}
	auth := r.step("sasl-auth")
	if len(auth) != 1 || !auth[0].Redacted || auth[0].field("authcid") != "alice" ||
		!strings.Contains(auth[0].field("password"), "[password #1, 18 characters]") {
		t.Errorf("the redacted auth event is %+v", auth)
	}
	info, err := os.Stat(scope.Saved)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the capture has mode %v, want 0600", info.Mode().Perm())
	}
}
