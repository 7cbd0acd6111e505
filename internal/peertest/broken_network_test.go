package peertest

import (
	"crypto/tls"
	"path/filepath"
	"slices"
	"testing"

	"xmppscope/internal/xmpptest"
)

// What the scripted servers say.
const (
	serverHeader = "><?xml version='1.0'?><stream:stream from='good.test' id='s1' version='1.0' xml:lang='en' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
	offerTLS     = "><stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>"
	proceed      = "><proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
	offerPlain   = "><stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>"
	offerNothing = "><stream:features/>"
	offerExt     = "><stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism></mechanisms></stream:features>"
	accepted     = "><success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
	offerBind    = "><stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>"
	elsewhere    = "><stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>node2.good.test:5222</see-other-host></stream:error></stream:stream>"
)

// TestBrokenNetwork has servers that no real one can be made to be: they fall
// silent or hang up at every point of a login, or send the client elsewhere.
func TestBrokenNetwork(t *testing.T) {
	dir := t.TempDir()
	ca := newIssuer(t, "CA of the scripted servers")
	writeCertificates(t, dir, ca)
	cert := ca.server(t, -1, 1, "good.test")
	ordinary := &tls.Config{Certificates: []tls.Certificate{cert}}
	mutual := &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAnyClientCert}
	mutual12 := &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}

	toTLS := []string{"<>", serverHeader, offerTLS, "</>", proceed, "tls", "<>"}
	inTLS := append(slices.Clone(toTLS), "<>", serverHeader, offerPlain)
	hung := func(config *tls.Config, lines ...string) string { return scriptedServer(t, config, lines...) }
	then := func(lines []string, more ...string) []string { return append(slices.Clone(lines), more...) }
	user := scripted(authenticated("good.test", "alice", password, bind("x"), "<"+bound)...)
	goSendxmpp := real(xmpptest.GoSendxmpp, xmpptest.Login{JID: "alice@good.test", Password: password})

	testBroken(t, filepath.Join(dir, "ca.pem"), []broken{
		{name: "no-server", upstream: xmpptest.FreeAddress(t), client: goSendxmpp,
			want: []string{"could not be reached", "connection refused"}},
		{name: "hangs-up-at-once", upstream: hung(nil), client: user, step: "stream-open-1", want: []string{"the server hung up", "tls://"}},
		{name: "hangs-up-after-header", upstream: hung(nil, "<>", serverHeader), client: user, step: "stream-reply-1", want: []string{"the server hung up", "before it had sent its features"}},
		{name: "hangs-up-after-features", upstream: hung(nil, "<>", serverHeader, offerTLS), client: scripted(open("good.test"), features, "hold"), step: "features-1", want: []string{"the server hung up", "the client's turn"}},
		{name: "hangs-up-at-starttls", upstream: hung(nil, "<>", serverHeader, offerTLS, "</>"), client: user, step: "starttls", want: []string{"the server hung up", "<starttls>"}},
		{name: "hangs-up-after-proceed", upstream: hung(nil, "<>", serverHeader, offerTLS, "</>", proceed), client: user, step: "tls", want: []string{"the server hung up"}},
		{name: "hangs-up-after-tls", upstream: hung(ordinary, toTLS[:6]...), client: user, step: "stream-open-2", want: []string{"the server hung up", "inside TLS"}},
		{name: "hangs-up-in-tls", upstream: hung(ordinary, then(toTLS, "<>", serverHeader)...), client: user, step: "stream-reply-2", want: []string{"the server hung up", "before it had sent its features"}},
		{name: "hangs-up-at-auth", upstream: hung(ordinary, then(inTLS, "</auth>")...), client: goSendxmpp, step: "sasl-auth", want: []string{"the server hung up", "<auth>"}},
		{name: "hangs-up-at-bind", upstream: hung(ordinary, then(inTLS, "</auth>", accepted, "<<stream:stream", "<>", serverHeader, offerBind, "</iq>")...), client: user, step: "bind-request", want: []string{"the server hung up", "<iq>"}},
		{name: "no-bind-offered", upstream: hung(ordinary, then(inTLS, "</auth>", accepted, "<<stream:stream", "<>", serverHeader, offerNothing, "hold")...),
			client: scripted(authenticated("good.test", "alice", password)[:12]...), step: "features-3", want: []string{"login had succeeded", "does not offer to bind"}},
		{name: "external-only", upstream: hung(ordinary, then(toTLS, "<>", serverHeader, offerExt, "hold")...), client: goSendxmpp, step: "features-2", want: []string{"the client left", "EXTERNAL alone"}},
		{name: "see-other-host", upstream: hung(nil, "<>", serverHeader, elsewhere), client: goSendxmpp, step: "stream-error", want: []string{"sends the client to", "see-other-host", "--upstream node2.good.test:5222"}},
		{name: "client-certificate", upstream: hung(mutual, then(toTLS, "hold")...), client: goSendxmpp, step: "tls", want: []string{"certificate from the client", "password"}},
		{name: "client-certificate-tls12", upstream: hung(mutual12, then(toTLS, "hold")...), client: goSendxmpp, step: "tls", want: []string{"certificate from the client"}},
	})
	t.Run("silence", func(t *testing.T) {
		testSilence(t, filepath.Join(dir, "ca.pem"), []broken{
			{name: "server", upstream: hung(nil, "hold"), lines: []string{open("good.test")}, step: "stream-open-1", want: []string{"the client waits", "server's stream header", "the server's log"}},
			{name: "server at auth", upstream: hung(ordinary, then(inTLS, "</auth>", "hold")...), lines: secure("good.test", plain("alice", password)), step: "sasl-auth",
				want: []string{"<auth>", "waits for the server's answer", "the client left"}},
			{name: "client", upstream: hung(ordinary, then(inTLS, "hold")...), lines: secure("good.test"), step: "features-2",
				want: []string{"the client left after", "of silence", "PLAIN"}},
		})
	})
}

// testSilence has clients that act their lines, and leave when xmppscope has said
// who keeps whom waiting, which takes it some seconds: so all are played at once.
func testSilence(t *testing.T, ca string, cases []broken) {
	t.Parallel()
	scopes := make([]*scope, len(cases))
	for i, c := range cases {
		scopes[i] = startScope(t, c.upstream, ca, "--reveal")
		a, err := connect(scopes[i].Addr, &tls.Config{InsecureSkipVerify: true, ServerName: "good.test"})
		if err != nil {
			t.Fatal(err)
		}
		defer a.conn.Close()
		if err := a.do(c.lines); err != nil {
			t.Fatal(err)
		}
		defer func() {
			a.conn.Close()
			scopes[i].until(t, "end of the connection", 1, clientGone)
			t.Log(c.name)
			c.check(t, scopes[i].stop(t))
		}()
	}
	for i := range cases {
		scopes[i].until(t, "word of who waits", 1, func(e *event) bool { return e.Kind == "relay:timeout" })
	}
}
