package tls

import (
	"bytes"
	stdtls "crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"
	"testing"
	"time"

	"xmppscope/session"
)

// TestAlerts: who refused whom, and why, whether the alert was encrypted or not.
func TestAlerts(t *testing.T) {
	const v12, v13 = stdtls.VersionTLS12, stdtls.VersionTLS13
	distrusting := func(version uint16) *stdtls.Config {
		c := asking(version)
		c.RootCAs = x509.NewCertPool()
		return c
	}
	choosing := func(c *stdtls.Config, alpn string) *stdtls.Config {
		c.NextProtos = []string{alpn}
		return c
	}
	mutual := func(version uint16) *stdtls.Config {
		c := serving(version)
		c.ClientAuth = stdtls.RequireAnyClientCert
		return c
	}
	for _, test := range []struct {
		name           string
		client, server *stdtls.Config
		class, guilty  string
		alert, reason  string
		encrypted      bool
	}{
		{"distrust", distrusting(v12), serving(v12), session.ClassDistrust, "client", "bad_certificate (42)", `the client does not accept the server's certificate for "example.net"`, false},
		{"distrust", distrusting(v13), serving(v13), session.ClassDistrust, "client", "bad_certificate (42)", `the client does not accept the server's certificate for "example.net"`, true},
		{"version", asking(v12), serving(v13), session.ClassVersion, "server", "protocol_version (70)", "the client offered (TLS 1.2)", false},
		{"suite", asking(v12, stdtls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256), serving(v12, stdtls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384), session.ClassCipher, "server", "handshake_failure (40)", "none of the ciphers", false},
		{"protocol", choosing(asking(v13), "xmpp-client"), choosing(serving(v13), "h2"), session.ClassALPN, "server", "no_application_protocol (120)", "(xmpp-client)", false},
		{"mutual", asking(v12), mutual(v12), session.ClassClientCert, "server", "handshake_failure (40)", "wants a certificate", false},
		{"mutual", asking(v13), mutual(v13), session.ClassClientCert, "server", "certificate_required (116)", "wants a certificate", true},
	} {
		t.Run(fmt.Sprint(test.name, " ", stdtls.VersionName(test.server.MaxVersion)), func(t *testing.T) {
			talk := converse(t, test.client, test.server)
			got := replay(keysOf(t, talk.keys.Bytes()), talk.chunks)
			if len(got.failed) != 1 || len(got.locked) > 0 {
				t.Fatalf("%s", got)
			}
			f := got.failed[0]
			if f.Class != test.class || f.Guilty != test.guilty || f.Alert != test.alert || !strings.Contains(f.Reason, test.reason) || f.SNI != domain {
				t.Errorf("%+v", f)
			}
			if talk.client.HandshakeComplete {
				return // without secrets it looks as if all went well
			}
			none := new(Keys)
			none.Complete(true)
			if got := replay(none, talk.chunks); len(got.failed) == 0 || test.encrypted == (got.failed[0].Alert == test.alert) {
				t.Errorf("without secrets: %s", got)
			}
		})
	}
}

// TestNotTLS: something else than TLS is one failure, with the guilty side.
func TestNotTLS(t *testing.T) {
	hello := converse(t, asking(stdtls.VersionTLS13), serving(stdtls.VersionTLS13)).chunks[0].data
	const xml = "<?xml version='1.0'?><stream:stream>"
	for _, test := range []struct {
		chunks []chunk
		reason string
	}{
		{[]chunk{{session.C2S, []byte(xml)}, {session.S2C, []byte(xml)}}, "the client sent XML in the clear (<?xml…) where its ClientHello was due"},
		{[]chunk{{session.C2S, hello}, {session.S2C, []byte(xml)}, {session.S2C, []byte(xml)}}, "the server sent XML in the clear (<?xml…) where its ServerHello was due"},
		{[]chunk{{session.C2S, []byte("\x80\xff")}, {session.C2S, []byte("\xff")}}, "the client sent something else (first bytes 80 ff ff) where its ClientHello was due"},
		{[]chunk{{session.C2S, hello}, {session.C2S, []byte("SSH-2.0-x")}}, "the client sent text (\"SSH-\"…) where a TLS record was due"},
		{[]chunk{{session.C2S, hello}}, "the client hung up on the handshake before the server had answered"},
	} {
		got := replay(new(Keys), test.chunks)
		if len(got.failed) != 1 || got.failed[0].Reason != test.reason || len(got.locked) > 0 {
			t.Errorf("%s\nwant %s", got, test.reason)
		}
	}
}

// TestOldHello: a ClientHello in the form of SSL 2.0 gives the client random.
func TestOldHello(t *testing.T) {
	old := []byte{0x80, 0, 1, 3, 1, 0, 6, 0, 0, 0, 16, 0, 0, 0x2f, 7, 0, 0xc0}
	old = append(old, bytes.Repeat([]byte{0xab}, 16)...)
	old[1] = byte(len(old) - 2)
	for cut := range len(old) {
		var failed []Output
		c := NewConn(new(Keys), func(o Output) { failed = append(failed, o) })
		c.Feed(session.C2S, old[:cut], begin)
		c.Feed(session.C2S, old[cut:], begin)
		hello := c.hs.hello
		if hello == nil || len(failed) > 0 {
			t.Fatalf("cut at %d: %v", cut, failed)
		}
		if got := fmt.Sprintf("%x %q %q", hello.random, hello.facts.Versions, hello.facts.Suites); got !=
			strings.Repeat("00", 16)+strings.Repeat("ab", 16)+` ["TLS 1.0"] ["TLS_RSA_WITH_AES_128_CBC_SHA"]` {
			t.Error(got)
		}
	}
}

// TestKeyLog: what is and what is no key log.
func TestKeyLog(t *testing.T) {
	random, secret := strings.Repeat("Aa", 32), strings.Repeat("0b", 48)
	k := new(Keys)
	n, err := k.Add([]byte("# comment\n\nCLIENT_RANDOM " + random + " " + secret + "\r\nECH_SECRET " + random + " 00\nSERVER_TRAFFIC_SECRET_0 " + random + " " + secret))
	if n != 2 || err != nil || k.Len() != 1 {
		t.Errorf("%d, %v, %d", n, err, k.Len())
	}
	n, err = k.Add([]byte("CLIENT_RANDOM 00 00\nCLIENT_RANDOM " + random + "\n<stream>\nCLIENT_RANDOM " + random + " " + secret + "\nCLIENT_RANDOM " + random + " zz\n"))
	if want := "tls: key log: 4 of 5 lines are no key-log lines"; n != 1 || err == nil || !strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(err.Error(), "line 1") {
		t.Errorf("%d, %v", n, err)
	}
}

// TestRefusedDates: what is not valid yet is not renewed, and what is valid is refused by
// a clock that is wrong.
func TestRefusedDates(t *testing.T) {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		from, until  time.Time
		reason, hint string
	}{
		{at.Add(time.Hour), at.Add(48 * time.Hour), "not valid before 2026-11-29 13:00 UTC", "check the clocks"},
		{at.Add(-48 * time.Hour), at.Add(-time.Hour), "it expired on 2026-11-29 11:00 UTC", "renew"},
		{at.Add(-time.Hour), at.Add(time.Hour), "though it is valid from", "set the clock of the client"},
		{time.Time{}, time.Time{}, "it takes it for expired", "renew"}, // it was not seen
	} {
		c := &Conn{at: at}
		c.hs.facts.Chain = []session.Certificate{{Subject: "CN=example.net", NotBefore: test.from, NotAfter: test.until}}
		var f session.TLSFailed
		c.clientAlerted(&f, session.AlertExpired)
		if f.Class != session.ClassExpired || !strings.Contains(f.Reason, test.reason) || !strings.Contains(f.Hint, test.hint) || strings.Contains(f.Hint, "renew") && test.from.After(at) {
			t.Errorf("valid from %s to %s: %+v", test.from, test.until, f)
		}
	}
}

// TestServersAlone: a client's certificate without clientAuth is told from others that are
// refused.
func TestServersAlone(t *testing.T) {
	for usage, reason := range map[string]string{session.UsageServer: "without clientAuth", session.UsageClient: "does not accept the client's certificate"} {
		var c Conn
		c.hs.facts.Client = []session.Certificate{{Subject: "CN=example.com", Usage: []string{usage}}}
		var f session.TLSFailed
		c.serverAlerted(&f, session.AlertUnsupportedCertificate)
		if f.Class != session.ClassClientCert || !strings.Contains(f.Reason, reason) || strings.Contains(f.Reason, "clientAuth") != (usage == session.UsageServer) {
			t.Errorf("%s: %+v", usage, f)
		}
	}
}
