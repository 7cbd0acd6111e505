package peertest

import (
	"crypto/tls"
	"slices"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
)

// ejabberdPorts are the listeners of the broken ejabberd.
type ejabberdPorts struct{ StartTLS, TLS12, TLS13, Direct, Clear, Mutual, HTTP string }

// brokenEjabberd starts an ejabberd whose hosts, users and listeners are each
// broken in one way.
func brokenEjabberd(t *testing.T) (addrs ejabberdPorts, ca string) {
	t.Helper()
	xmpptest.Need(t, "ejabberd")
	dir := xmpptest.ServerFolder(t)
	writeCertificates(t, dir, newIssuer(t, "CA of the broken servers"))
	data := map[string]any{"Dir": dir, "Certificates": hosts}
	for name, addr := range map[string]*string{
		"StartTLS": &addrs.StartTLS, "TLS12": &addrs.TLS12, "TLS13": &addrs.TLS13, "Direct": &addrs.Direct,
		"Clear": &addrs.Clear, "Mutual": &addrs.Mutual, "HTTP": &addrs.HTTP,
	} {
		*addr = xmpptest.FreeAddress(t)
		data[name] = port(*addr)
	}
	configure(t, dir, "ejabberd.yml", data)
	accounts := map[string]string{}
	for _, jid := range []string{
		"alice@good.test", "locked@good.test", "crowded@good.test", "alice@expired.test", "alice@kickold.test",
		"alice@kicknew.test", "alice@ban.test", "alice@legacy.test",
	} {
		accounts[jid] = password
	}
	xmpptest.RunEjabberd(t, dir, addrs.HTTP, accounts, addrs.StartTLS, addrs.TLS12, addrs.TLS13, addrs.Direct, addrs.Clear, addrs.Mutual)
	return addrs, dir + "/ca.pem"
}

func TestBrokenEjabberd(t *testing.T) {
	t.Parallel()
	at, ca := brokenEjabberd(t)
	up := at.StartTLS
	alice := func(host string) xmpptest.Login {
		return xmpptest.Login{JID: "alice@" + host, Password: password}
	}
	old := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}
	modern := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}
	t.Run("on", func(t *testing.T) {
		testBroken(t, ca, []broken{
			{name: "wrong-password-plus", upstream: up, client: real(xmpptest.Slixmpp, xmpptest.Login{JID: "alice@good.test", Password: "wrong"}), step: "sasl-failure",
				want: []string{"SCRAM-SHA-512-PLUS", "not-authorized", "password"}},
			{name: "unknown-user", upstream: up, client: real(xmpptest.GoSendxmpp, xmpptest.Login{JID: "nobody@good.test", Password: "wrong"}), step: "sasl-failure",
				want: []string{"not-authorized", "nobody"}},
			{name: "expired", upstream: up, client: real(xmpptest.GoSendxmpp, alice("expired.test")), step: "tls",
				want: []string{"expired on", "here it is"}},
			{name: "wrong-domain", upstream: up, client: real(xmpptest.GoSendxmpp, alice("wrong.test")), step: "tls",
				want: []string{`"wrong.test"`}},
			{name: "unknown-host", upstream: up, client: real(xmpptest.Slixmpp, alice("nowhere.test")), step: "stream-error",
				want: []string{"host-unknown", `"nowhere.test"`}},
			{name: "tls-required", upstream: up, client: scripted(slices.Concat(hello("good.test"), []string{plain("alice", password), "<</failure>"})...), step: "sasl-failure",
				want: []string{"encryption-required", "STARTTLS"}},
			{name: "server-without-tls", upstream: at.Clear, client: real(xmpptest.GoSendxmpp, alice("good.test")), step: "features-1",
				want: []string{"STARTTLS"}},
			{name: "bound-plus", upstream: up, client: scripted(secure("good.test", auth("SCRAM-SHA-1-PLUS", "p=tls-unique,,n=alice,r=abcdef"), "<</", "<>")...), step: "sasl-challenge", want: []string{"the client left", "<challenge>"}},
			{name: "conflict-old-is-kicked", upstream: up, client: kickedOut(up, "kickold.test"), step: "stream-error",
				want: []string{"conflict", "same"}},
			{name: "conflict-new-is-refused", upstream: up, client: refusedBeside(up, "kicknew.test"), step: "bind-error",
				want: []string{"conflict", "same"}},
			{name: "bind-refused", upstream: up, client: scripted(authenticated("good.test", "locked", password, bind("x"), "<</iq>")...), step: "bind-error",
				want: []string{"locked"}},
			{name: "too-many-sessions", upstream: up, client: crowd(up), step: "stream-error",
				want: []string{"conflict", "crowded@good.test/one", "more than the server allows"}},
			{name: "banned", upstream: up, before: func(t *testing.T) { fail(t, up, "ban.test", 3) },
				client: scripted(secure("ban.test")...), step: "stream-error", want: []string{"policy-violation", "failed"}},
			{name: "too-big", upstream: up, client: scripted(authenticated("good.test", "alice", password, "><message><body>"+strings.Repeat("x", 9000)+"</body></message>", "hold")...), step: "stream-error",
				want: []string{"policy-violation", "<message>", "bytes"}},
			{name: "broken-xml", upstream: up, client: scripted(authenticated("good.test", "alice", password, bind("x"), "<"+bound, "><message><body>salt & pepper</body></message>", "hold")...), step: "stream-error",
				want: []string{"not-well-formed", "<message>"}},
			{name: "legacy-refused", upstream: up, client: scripted(secure("legacy.test", legacyAuth, "<error", "<>")...), step: "iqauth-error",
				want: []string{"not-authorized", "alice"}},
			{name: "client-too-old", upstream: at.TLS13, client: scriptedTLS(old, secure("good.test")...), step: "tls", want: []string{"TLS 1.2"}},
			{name: "client-too-new", upstream: at.TLS12, client: scriptedTLS(modern, secure("good.test")...), step: "tls", want: []string{"TLS 1.3"}},
			{name: "client-certificate", upstream: at.Mutual, client: scripted(secure("good.test", auth("EXTERNAL", ""), "<</failure>")...), step: "sasl-failure", want: []string{"EXTERNAL", "client certificate"}},
			{name: "direct-to-starttls", upstream: "tls://" + up, client: scripted("tls", open("good.test"), "hold"), step: "tls", want: []string{"not with TLS"}},
			{name: "clear-to-direct", upstream: at.Direct, client: scripted(open("good.test"), "hold"), step: "stream-open-1", want: []string{"the server hung up", "--upstream tls://"}},
			{name: "registration-closed", upstream: up, client: scripted(secure("good.test", "><iq type='get' id='reg' to='good.test'><query xmlns='jabber:iq:register'/></iq>", "hold")...), step: "stream-error", want: []string{"not-authorized", "jabber:iq:register", "before it had logged in"}},
		})
	})
}

// fail logs in with a wrong password, straight at the server.
func fail(t *testing.T, up, host string, times int) {
	for range times {
		dial(up, &tls.Config{InsecureSkipVerify: true}, secure(host, plain("alice", "wrong"), "<</failure>"))
	}
}

// crowd logs in through the scope, and with another resource straight at the
// server, which allows one session.
func crowd(up string) client {
	return func(t *testing.T, s *scope) {
		config := &tls.Config{InsecureSkipVerify: true}
		gone := make(chan error, 1)
		go func() {
			gone <- dial(s.Addr, config, authenticated("good.test", "crowded", password, bind("one"), "<"+bound, "><presence/>", "hold"))
		}()
		s.until(t, "presence", 1, func(e *event) bool { return e.Name == "presence" && e.Dir == "s2c" })
		if err := dial(up, config, authenticated("good.test", "crowded", password, bind("two"), "<"+bound, "><presence/>", "<<presence")); err != nil {
			t.Logf("the second login: %v", err)
		}
		if err := <-gone; err != nil {
			t.Logf("the first login: %v", err)
		}
	}
}
