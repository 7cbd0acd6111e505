package session

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func lines(list []Fact) string {
	var b strings.Builder
	for _, f := range list {
		b.WriteString(f.Label + ": " + f.Value + "\n")
	}
	return b.String()
}

// TestFacts: all that is known is said, what is not known is left out, and the
// labels fit where they are shown.
func TestFacts(t *testing.T) {
	day := time.Date(2026, 11, 22, 12, 30, 0, 0, time.UTC)
	whole := &TLSFacts{
		Version: "TLS 1.2", Suite: "S", Group: "x25519", ALPN: "xmpp-client", SNI: "a.test", SNIFrom: "the stream", Domain: "b.test",
		Resumed: true, Mutual: true, Took: 34 * time.Millisecond, Unminted: []string{"c.test", "d.test"}, Verdict: &Verification{OK: true, By: "DNS-ID b.test"},
	}
	hello := &ClientHello{Versions: []string{"TLS 1.3", "TLS 1.2"}, Suites: []string{"S"}, Groups: []string{"x25519"}, ALPN: []string{"xmpp-client"}, SNI: "a.test"}
	cert := &Certificate{
		Subject: "CN=a", Issuer: "CN=b", Serial: "0a", DNS: []string{"a.test"}, SRV: []string{"_xmpp-client.a.test"}, XMPP: []string{"a.test"}, IP: []string{"192.0.2.1"},
		NotBefore: day, NotAfter: day, Key: "ECDSA P-256", Signature: "ECDSA-SHA256", CA: true, SHA256: "00ffa1",
	}
	for want, got := range map[string][]Fact{
		"version: TLS 1.2\ncipher suite: S\nkey exchange: x25519\nALPN: xmpp-client\nSNI: a.test (the stream)\nJID domain: b.test\ntook: 34ms\n" +
			"resumed: yes, an abbreviated handshake\nclient cert: asked for, and none was shown\nnot minted: c.test, d.test\nverified: yes, by DNS-ID b.test\n": whole.Facts(),
		"SNI: a.test\nversions: TLS 1.3, TLS 1.2\nALPN: xmpp-client\ngroups: x25519\nsuites: S\n": hello.Facts(),
		"subject: CN=a\nissuer: CN=b\nDNS names: a.test\nSRV names: _xmpp-client.a.test\nXMPP names: a.test\nIP addresses: 192.0.2.1\n" +
			"valid: 2026-11-22 to 2026-11-22 12:30 UTC\nkey: ECDSA P-256, signed with ECDSA-SHA256\nmay sign: yes, it is a CA\nSHA-256: 00:FF:A1\nserial: 0a\n": cert.Facts(),
		"verified: no: it is for another\n":                       (&TLSFacts{Verdict: &Verification{Problem: "it is for another"}}).Facts(),
		"verified: no, and ignored as asked: it is for another\n": (&TLSFacts{Verdict: &Verification{Problem: "it is for another", Ignored: true}}).Facts(),
		"": append(append(new(TLSFacts).Facts(), new(ClientHello).Facts()...), new(Certificate).Facts()...),
	} {
		if d := cmp.Diff(want, lines(got)); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		for _, f := range got {
			if len(f.Label) > 12 {
				t.Errorf("the label %q is too long", f.Label)
			}
		}
	}
}
