package tls

import (
	stdtls "crypto/tls"
	"slices"
	"strings"
	"testing"

	"xmppscope/session"
)

// serving is a server that speaks one version, and any suite that is asked of it.
func serving(version uint16, suites ...uint16) *stdtls.Config {
	return &stdtls.Config{Certificates: []stdtls.Certificate{rsaCert()}, MinVersion: version, MaxVersion: version, CipherSuites: suites}
}

// asking is a client that speaks one version and one suite.
func asking(version uint16, suites ...uint16) *stdtls.Config {
	return &stdtls.Config{MinVersion: version, MaxVersion: version, CipherSuites: suites}
}

// TestEverySuite: whatever crypto/tls speaks with itself is decrypted, and what is
// said of it is what its two ends say.
func TestEverySuite(t *testing.T) {
	for version := uint16(stdtls.VersionTLS10); version <= stdtls.VersionTLS13; version++ {
		for _, s := range slices.Concat(stdtls.CipherSuites(), stdtls.InsecureCipherSuites()) {
			if !slices.Contains(s.SupportedVersions, version) || version == stdtls.VersionTLS13 && s.ID != stdtls.TLS_AES_128_GCM_SHA256 {
				continue
			}
			t.Run(stdtls.VersionName(version)+" "+s.Name, func(t *testing.T) {
				server := serving(version, s.ID)
				if strings.Contains(s.Name, "ECDSA") {
					server.Certificates = []stdtls.Certificate{ecCert()}
				}
				talk := converse(t, asking(version, s.ID), server)
				if talk.clientErr != nil || talk.serverErr != nil {
					t.Fatal(talk.clientErr, talk.serverErr)
				}
				got := replay(keysOf(t, talk.keys.Bytes()), talk.chunks)
				facts := whole(t, got)
				compare(t, facts, talk.client)
				if got.closed[session.C2S] != 1 || got.closed[session.S2C] != 1 {
					t.Errorf("close_notify: %v", got.closed)
				}
			})
		}
	}
}

// compare holds the facts against what a peer says.
func compare(t *testing.T, f session.TLSFacts, cs stdtls.ConnectionState) {
	t.Helper()
	want := session.TLSFacts{
		Version: stdtls.VersionName(cs.Version), Suite: stdtls.CipherSuiteName(cs.CipherSuite),
		Group: session.TLSGroupName(cs.CurveID), ALPN: cs.NegotiatedProtocol, SNI: cs.ServerName, Resumed: cs.DidResume,
	}
	if cs.DidResume && cs.Version < stdtls.VersionTLS13 {
		want.Group = "" // crypto/tls remembers that of the full handshake
	}
	if f.Version != want.Version || f.Suite != want.Suite || f.Group != want.Group || f.ALPN != want.ALPN || f.SNI != want.SNI || f.Resumed != want.Resumed {
		t.Errorf("facts\n%+v, want\n%+v", f, want)
	}
	if !f.Resumed && (len(f.Chain) != len(cs.PeerCertificates) || f.Chain[0].Subject != cs.PeerCertificates[0].Subject.String()) {
		t.Errorf("chain %+v", f.Chain)
	}
	if f.Hello == nil || f.Hello.SNI != domain || f.Took <= 0 || !f.EMS {
		t.Errorf("facts %+v", f)
	}
}
