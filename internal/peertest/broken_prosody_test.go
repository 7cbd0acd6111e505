package peertest

import (
	"crypto/tls"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
)

const password = "red-queen-1871"

// brokenProsody starts a Prosody with hosts that are each broken in one way.
// Sessions that do not log in are ended after this many seconds.
func brokenProsody(t *testing.T, timeout int) (starttls, direct, ca string) {
	t.Helper()
	xmpptest.Need(t, "prosody")
	dir := xmpptest.ServerFolder(t)
	writeCertificates(t, dir, newIssuer(t, "CA of the broken servers"))
	for _, host := range slices.Concat(good, hosts) {
		xmpptest.ProsodyAccount(t, dir, "alice", host, password)
	}
	broken, err := os.ReadFile("testdata/prosody.cfg.lua")
	if err != nil {
		t.Fatal(err)
	}
	starttls, direct = xmpptest.RunProsody(t, dir, fmt.Sprintf("c2s_timeout = %d\n%s", timeout, broken))
	return starttls, direct, dir + "/ca.pem"
}

func port(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }

func TestBrokenProsody(t *testing.T) {
	t.Parallel()
	up, direct, ca := brokenProsody(t, 300)
	alice := func(host string) xmpptest.Login {
		return xmpptest.Login{JID: "alice@" + host, Password: password}
	}
	t.Run("on", func(t *testing.T) {
		testBroken(t, ca, []broken{
			{name: "wrong-password-slixmpp", upstream: up, client: real(xmpptest.Slixmpp, xmpptest.Login{JID: "alice@good.test", Password: "wrong"}), step: "sasl-failure",
				want: []string{"not-authorized", "SCRAM-SHA-256", "password"}},
			{name: "wrong-password-plain", upstream: up, client: real(xmpptest.GoSendxmpp, xmpptest.Login{JID: "alice@good.test", Password: "wrong"}), step: "sasl-failure",
				want: []string{"PLAIN", "not-authorized", "alice"}},
			{name: "unknown-user", upstream: up, client: real(xmpptest.Profanity, xmpptest.Login{JID: "nobody@good.test", Password: "wrong"}), step: "sasl-failure",
				want: []string{"not-authorized", "nobody", "user"}},
			{name: "expired", upstream: up, client: real(xmpptest.Slixmpp, alice("expired.test")), step: "tls",
				want: []string{"server's certificate", "expired on", "here it is", "--insecure-upstream"}},
			{name: "expired-insecure", upstream: up, args: []string{"--insecure-upstream"}, client: scripted(authenticated("expired.test", "alice", password, bind("x"), "<"+bound, goodbye)...),
				want: []string{"logged in as alice@expired.test/x", "expired", "--insecure-upstream"}},
			{name: "not-yet", upstream: up, client: real(xmpptest.GoSendxmpp, alice("future.test")), step: "tls",
				want: []string{"not valid before", "here it is", "clock"}},
			{name: "wrong-domain", upstream: up, client: real(xmpptest.Profanity, alice("wrong.test")), step: "tls",
				want: []string{`"wrong.test"`, "elsewhere.test", "xmpp.wrong.test"}},
			{name: "self-signed", upstream: up, client: real(xmpptest.GoSendxmpp, alice("self.test")), step: "tls",
				want: []string{"self-signed", "CN=self.test", "--upstream-ca"}},
			{name: "stranger", upstream: up, client: real(xmpptest.Slixmpp, alice("stranger.test")), step: "tls",
				want: []string{"issued by CN=nobody's CA", "no such issuer", "--upstream-ca"}},
			{name: "unknown-host", upstream: up, client: real(xmpptest.GoSendxmpp, alice("nowhere.test")), step: "stream-error",
				want: []string{"host-unknown", `"nowhere.test"`}},
			{name: "server-without-tls-gosendxmpp", upstream: up, client: real(xmpptest.GoSendxmpp, alice("clear.test")), step: "features-1",
				want: []string{"the client left", "does not offer STARTTLS"}},
			{name: "server-without-tls-profanity", upstream: up, client: real(xmpptest.Profanity, alice("clear.test")), step: "features-1",
				want: []string{"the client left", "does not offer STARTTLS"}},
			{name: "tls-required", upstream: up, client: scripted(slices.Concat(hello("good.test"), []string{plain("alice", password), "<</failure>"})...), step: "sasl-failure",
				want: []string{"encryption-required", "PLAIN", "STARTTLS", "alice@good.test"}},
			{name: "sasl-before-tls", upstream: up, client: scripted(slices.Concat(hello("optional.test"), []string{plain("alice", password), "<</failure>"})...), step: "sasl-failure",
				want: []string{"PLAIN", "STARTTLS"}},
			{name: "bind-before-login", upstream: up, client: scripted(slices.Concat(hello("good.test"), []string{"><iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>", "<</iq>"})...), step: "bind-error",
				want: []string{"not-authorized", "not logged in", "authenticate before it binds"}},
			{name: "no-common-mechanism", upstream: up, client: real(xmpptest.GoSendxmpp, alice("scramonly.test")), step: "features-2",
				want: []string{"SCRAM-SHA-1", "mechanism"}},
			{name: "downgrade-flag", upstream: up, client: scripted(secure("tls12.test", auth("SCRAM-SHA-1", "y,,n=alice,r=abcdef"), "<</failure>")...), step: "sasl-failure",
				want: []string{"malformed-request", "-PLUS"}},
			{name: "mechanism-not-offered", upstream: up, client: scripted(secure("scramonly.test", plain("alice", password), "<</failure>")...), step: "sasl-failure",
				want: []string{"invalid-mechanism", "PLAIN", "SCRAM-SHA-256"}},
			{name: "no-mechanism-at-all", upstream: up, client: scripted(slices.Concat(hello("nosasl.test"), []string{startTLS, "<proceed", "<>", "tls", open("nosasl.test"), "hold"})...), step: "stream-error",
				want: []string{"No stream features to proceed with"}},
			{name: "conflict-old-is-kicked", upstream: up, client: kickedOut(up, "kickold.test"), step: "stream-error",
				want: []string{"conflict", "alice@kickold.test/same"}},
			{name: "conflict-new-is-refused", upstream: up, client: refusedBeside(up, "kicknew.test"), step: "bind-error",
				want: []string{"conflict", `"same"`, "alice@kicknew.test", "keeps the older"}},
			{name: "too-big", upstream: up, client: scripted(secure("good.test", plain("alice", strings.Repeat("x", 20000)), "hold")...), step: "stream-error",
				want: []string{"policy-violation", "XML stanza is too big"}},
			{name: "broken-xml", upstream: up, client: scripted(authenticated("good.test", "alice", password, "><message><body>salt & pepper</body></message>", "hold")...), step: "stream-error",
				want: []string{"not-well-formed", "&"}},
			{name: "broken-xml-bound", upstream: up, client: scripted(authenticated("good.test", "alice", password, bind("x"), "<"+bound, "><message to='x'></mess>", "hold")...), step: "stream-error",
				want: []string{"not-well-formed"}},
			{name: "registration-closed", upstream: up, client: scripted(secure("closed.test", "><iq type='get' id='reg' to='closed.test'><query xmlns='jabber:iq:register'/></iq>", "<</iq>")...),
				want: []string{"refused to register", "service-unavailable"}},
			{name: "legacy-refused", upstream: up, client: scripted(secure("legacy.test", legacyAuth, "<error", "<>")...), step: "iqauth-error",
				want: []string{"not-authorized", "jabber:iq:auth", "alice"}},
			{name: "client-too-old", upstream: up, client: scriptedTLS(&tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}, secure("tls13.test")...), step: "tls",
				want: []string{"server", "(TLS 1.2)", "allow the client TLS 1.3"}},
			{name: "client-too-new", upstream: up, client: scriptedTLS(&tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}, secure("tls12.test")...), step: "tls",
				want: []string{"TLS 1.3", "allow the client TLS 1.2"}},
			{name: "direct-to-starttls", upstream: "tls://" + up, client: scripted("tls", open("good.test"), "hold"), step: "tls",
				want: []string{"not with TLS", "tls://"}},
			{name: "clear-to-direct", upstream: direct, client: scripted(open("good.test"), "hold"), step: "stream-open-1",
				want: []string{"--upstream tls://"}},
			{name: "silent-after-proceed", upstream: up, client: scripted(slices.Concat(hello("good.test"), []string{startTLS, "<proceed"})...), step: "tls|proceed", // it may be gone before the handshake begins
				want: []string{"client", "ClientHello"}},
			{name: "leaves-after-tls", upstream: up, client: scripted(slices.Concat(hello("good.test"), []string{startTLS, "<proceed", "<>", "tls"})...), step: "tls",
				want: []string{"certificate", "CA"}},
			{name: "control-character", upstream: up, client: scripted(authenticated("good.test", "alice", password, "><iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>\x7f&#xFFFF;</resource></bind></iq>", "hold")...), step: "stream-error",
				want: []string{"not-well-formed"}},
		})
	})
}

// TestImpatientProsody has a server that ends sessions which do not log in.
func TestImpatientProsody(t *testing.T) {
	up, _, ca := brokenProsody(t, 1)
	testBroken(t, ca, []broken{
		{name: "before-tls", upstream: up, client: scripted(open("good.test"), features, "hold"), step: "stream-error", want: []string{"connection-timeout"}},
		{name: "before-login", upstream: up, client: scripted(secure("good.test", "hold")...), step: "stream-error", want: []string{"connection-timeout"}},
	})
}

const legacyAuth = "><iq type='set' id='auth'><query xmlns='jabber:iq:auth'><username>alice</username><password>wrong</password><resource>r</resource></query></iq>"

// kickedOut logs in through the scope, and then once more straight at the server.
func kickedOut(up, host string) client {
	return func(t *testing.T, s *scope) {
		config := &tls.Config{InsecureSkipVerify: true}
		gone := make(chan error, 1)
		go func() {
			gone <- dial(s.Addr, config, authenticated(host, "alice", password, bind("same"), "<"+bound, "hold"))
		}()
		s.until(t, "bind", 1, func(e *event) bool { return e.is("bind-result") })
		if err := dial(up, config, authenticated(host, "alice", password, bind("same"), "<"+bound)); err != nil {
			t.Errorf("the second login: %v", err)
		}
		if err := <-gone; err != nil {
			t.Logf("the first login: %v", err)
		}
	}
}

// refusedBeside logs in straight at the server, and then once more through the
// scope.
func refusedBeside(up, host string) client {
	return func(t *testing.T, s *scope) {
		config := &tls.Config{InsecureSkipVerify: true}
		first, err := connect(up, config)
		if err != nil {
			t.Fatal(err)
		}
		defer first.conn.Close()
		if err := first.do(authenticated(host, "alice", password, bind("same"), "<"+bound)); err != nil {
			t.Fatalf("the first login: %v", err)
		}
		if err := dial(s.Addr, config, authenticated(host, "alice", password, bind("same"), "<</iq>")); err != nil {
			t.Logf("the second login: %v", err)
		}
	}
}
