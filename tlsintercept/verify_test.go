package tlsintercept

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net/netip"
	"slices"
	"testing"
	"time"

	"xmppscope/certs"
	"xmppscope/internal/idn"
	"xmppscope/session"
)

func TestMatchName(t *testing.T) {
	for _, test := range []struct {
		domain string
		names  certs.Names
		want   string
	}{
		{"example.net", certs.Names{DNS: []string{"example.net"}}, "DNS-ID example.net"},
		{"example.net", certs.Names{DNS: []string{"other.test", "EXAMPLE.net"}}, "DNS-ID EXAMPLE.net"},
		{"im.example.net", certs.Names{DNS: []string{"*.example.net"}}, "DNS-ID *.example.net"},
		{"example.net", certs.Names{DNS: []string{"*.example.net"}}, ""},
		{"a.im.example.net", certs.Names{DNS: []string{"*.example.net"}}, ""},
		{"im.example.net", certs.Names{DNS: []string{"i*.example.net", "*m.example.net", "im.*.net", "*"}}, ""},
		{"localhost", certs.Names{DNS: []string{"*", "*."}}, ""},
		{"localhost", certs.Names{DNS: []string{"localhost"}}, "DNS-ID localhost"},
		{"example.net", certs.Names{DNS: []string{"example.net\x00.evil.test", "evil.test"}}, ""},
		{"example.net", certs.Names{SRV: []string{"_xmpp-server.example.net", "_XMPP-client.Example.net"}}, "SRV-ID _XMPP-client.Example.net"},
		{"example.net", certs.Names{SRV: []string{"_xmpp-server.example.net", "_imap.example.net", "_xmpp-client.*.net"}}, ""},
		{"example.net", certs.Names{XMPP: []string{"example.net"}}, "XmppAddr example.net"},
		{"example.net", certs.Names{XMPP: []string{"user@example.net"}}, ""},
		{"bücher.example", certs.Names{DNS: []string{"xn--bcher-kva.example"}}, "DNS-ID xn--bcher-kva.example"},
		{"xn--bcher-kva.example", certs.Names{XMPP: []string{"Bücher.example"}}, "XmppAddr Bücher.example"},
		{"127.0.0.1", certs.Names{IP: []netip.Addr{netip.MustParseAddr("127.0.0.1")}}, "IP 127.0.0.1"},
		{"[::1]", certs.Names{IP: []netip.Addr{netip.MustParseAddr("::1")}}, "IP ::1"},
		{"127.0.0.1", certs.Names{DNS: []string{"127.0.0.1", "*.0.0.1"}}, ""},
		{"example.net", certs.Names{DNS: []string{"example.net"}, SRV: []string{"_xmpp-client.example.net"}, XMPP: []string{"example.net"}}, "DNS-ID example.net"},
	} {
		d, err := idn.Parse(test.domain)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := matchName(d, test.names, srvClient)
		if got != test.want || ok != (test.want != "") {
			t.Errorf("%s against %+v: got %q, want %q", test.domain, test.names, got, test.want)
		}
	}
}

// srvOnly is a critical subjectAltName with one SRV-ID and nothing else.
func srvOnly(t *testing.T, name string) pkix.Extension {
	t.Helper()
	marshal := func(v any) []byte {
		der, err := asn1.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	text := marshal(asn1.RawValue{Tag: asn1.TagIA5String, Bytes: []byte(name)})
	value := marshal(asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: text})
	id := marshal(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 8, 7})
	other := asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: slices.Concat(id, value)}
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Critical: true, Value: marshal([]asn1.RawValue{other})}
}

func TestCriticalSRVID(t *testing.T) {
	r := newRig(t)
	got := r.run(r.trusting(), serverCA.serve(func(c *x509.Certificate) {
		c.DNSNames, c.ExtraExtensions = nil, []pkix.Extension{srvOnly(t, "_xmpp-client.example.net")}
	}))
	wellDone(t, got)
	if v := got.serverEstab.Verdict; !v.OK || v.By != "SRV-ID _xmpp-client.example.net" {
		t.Errorf("%+v", v)
	}
}

func TestVerdictWithoutIntermediate(t *testing.T) {
	c := &Config{Roots: serverCA.pool()}
	d, _ := idn.Parse(domain)
	v, bad := c.verify([]*x509.Certificate{strangerCA.leaf(nil)}, d, false)
	if bad == nil || v.OK || bad.class != session.ClassUnknownCA {
		t.Fatalf("%+v %+v", v, bad)
	}
	f := failure{leg: session.ServerLeg, err: bad, last: session.NoAlert}.classify()
	says(t, &f, "CN=Stranger CA", "intermediate", "--upstream-ca")
	if v, bad := c.verify([]*x509.Certificate{serverCA.leaf(nil)}, d, false); bad != nil || !v.OK {
		t.Errorf("%+v %+v", v, bad)
	}
}

// rsaCertificate is self-signed: for a server that a client without ECDSA can use.
func rsaCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(3), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{domain},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestNames(t *testing.T) {
	hello := &tls.ClientHelloInfo{
		SupportedVersions: []uint16{0x2a2a, tls.VersionTLS13, tls.VersionTLS12},
		CipherSuites:      []uint16{0xdada, tls.TLS_AES_128_GCM_SHA256, 0x00ff, 0x009f, 0xeeee},
		SupportedCurves:   []tls.CurveID{0x1a1a, tls.X25519MLKEM768, tls.X25519, 0x0100, 0x7777},
		SupportedProtos:   []string{"xmpp-client"},
	}
	got := helloFacts(hello)
	if !slices.Equal(got.Versions, []string{"TLS 1.3", "TLS 1.2"}) ||
		!slices.Equal(got.Suites, []string{"TLS_AES_128_GCM_SHA256", "TLS_EMPTY_RENEGOTIATION_INFO_SCSV", "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", "0xEEEE"}) ||
		!slices.Equal(got.Groups, []string{"X25519MLKEM768", "x25519", "ffdhe2048", "0x7777"}) {
		t.Errorf("%+v", got)
	}
	if parseHello(nil) != nil || parseHello([]byte("<stream:stream>")) != nil {
		t.Error("a ClientHello out of nothing")
	}
}

// TestGoodPathsEnd: what was verified once is not taken for good outside of its dates, nor
// is another chain.
func TestGoodPathsEnd(t *testing.T) {
	now := time.Now()
	c := &Config{Roots: serverCA.pool(), Now: func() time.Time { return now }}
	d, _ := idn.Parse(domain)
	chain := []*x509.Certificate{serverCA.leaf(nil), serverCA.cert}
	verify := func(chain []*x509.Certificate) string {
		t.Helper()
		v, _ := c.verify(chain, d, false)
		return v.Class
	}
	for range 2 {
		if class := verify(chain); class != "" {
			t.Fatalf("a good chain is %q", class)
		}
	}
	if len(c.paths.known) != 1 {
		t.Errorf("%d chains are known to be good", len(c.paths.known))
	}
	if class := verify([]*x509.Certificate{strangerCA.leaf(nil), serverCA.cert}); class != session.ClassUnknownCA {
		t.Errorf("another chain is %q", class)
	}
	for _, at := range []time.Time{chain[0].NotAfter.Add(time.Second), chain[0].NotBefore.Add(-time.Second)} {
		if now = at; verify(chain) != session.ClassExpired {
			t.Errorf("at %v it is taken for good", at)
		}
	}
	now = time.Now()
	for range 2 * maxPaths {
		verify([]*x509.Certificate{serverCA.leaf(nil)})
	}
	if n := len(c.paths.known); n > maxPaths {
		t.Errorf("%d chains are kept", n)
	}
}
