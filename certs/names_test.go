package certs

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"xmppscope/internal/idn"
)

// The subjectAltName of im.example.com as OpenSSL writes it.
const goldenSAN = "308184a02906082b06010505070807a01d161b5f786d70702d636c69656e742e696d2e6578616d706c652e636f6d" +
	"a02906082b06010505070807a01d161b5f786d70702d7365727665722e696d2e6578616d706c652e636f6d" +
	"820e696d2e6578616d706c652e636f6da01c06082b06010505070805a0100c0e696d2e6578616d706c652e636f6d"

func TestGoldenSAN(t *testing.T) {
	d, err := idn.Parse("im.example.com")
	if err != nil {
		t.Fatal(err)
	}
	names, left := mintNames(d, nil, nil)
	ext, err := names.extension()
	if err != nil || hex.EncodeToString(ext.Value) != goldenSAN || len(left) > 0 {
		t.Fatalf("got %x, %v, left %q\nwant %s", ext.Value, err, left, goldenSAN)
	}
}

// withSAN is a certificate as far as NamesOf reads it.
func withSAN(t *testing.T, n Names) *x509.Certificate {
	t.Helper()
	ext, err := n.extension()
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{Extensions: []pkix.Extension{ext}, DNSNames: n.DNS, Raw: ext.Value}
	for _, ip := range n.IP {
		cert.IPAddresses = append(cert.IPAddresses, ip.AsSlice())
	}
	return cert
}

func TestOtherNames(t *testing.T) {
	cert := withSAN(t, Names{SRV: []string{"_xmpp-client.a.test", "_xmpp-server.b.test"}, DNS: []string{"a.test"}, XMPP: []string{"bücher.test"}})
	if got := SRVNames(cert); !slices.Equal(got, []string{"_xmpp-client.a.test", "_xmpp-server.b.test"}) {
		t.Errorf("SRV-IDs: %q", got)
	}
	if got := XmppAddrs(cert); !slices.Equal(got, []string{"bücher.test"}) {
		t.Errorf("XmppAddrs: %q", got)
	}
	whole := cert.Extensions[0].Value
	for cut := range whole { // damaged in every way: nothing may panic
		for _, flip := range []byte{0x01, 0x80, 0xff} {
			bad := slices.Clone(whole)
			bad[cut] ^= flip
			cert.Extensions[0].Value = bad
			SRVNames(cert)
		}
		cert.Extensions[0].Value = whole[:cut]
		if got := XmppAddrs(cert); got != nil {
			t.Errorf("cut at %d: %q", cut, got)
		}
	}
}

func TestMintNames(t *testing.T) {
	theirs := withSAN(t, Names{
		DNS:  []string{"example.net", "Conference.Example.NET", "*.example.net", "xmpp.hosting.test", "*.net", "notexample.net", "a\x00.example.net", "*.*.example.net"},
		SRV:  []string{"_xmpp-client.example.net", "_XMPPS-client.chat.example.net", "_xmpp-server.hosting.test", "nonsense", "_x\x00.example.net"},
		XMPP: []string{"example.net", "muc.example.net", "user@example.net"},
		IP:   []netip.Addr{netip.MustParseAddr("192.0.2.1")},
	})
	d, _ := idn.Parse("example.net")
	got, left := mintNames(d, theirs, nil)
	check := func(what string, got, want []string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q\nwant %q", what, got, want)
		}
	}
	check("DNS", got.DNS, []string{"example.net", "conference.example.net", "*.example.net"})
	check("SRV", got.SRV, []string{"_xmpp-client.example.net", "_xmpp-server.example.net", "_xmpps-client.chat.example.net"})
	check("XMPP", got.XMPP, []string{"example.net", "muc.example.net"})
	check("left", left, []string{
		"DNS-ID xmpp.hosting.test", "DNS-ID *.net", "DNS-ID notexample.net", "DNS-ID a\x00.example.net", "DNS-ID *.*.example.net",
		"SRV-ID _xmpp-server.hosting.test", "SRV-ID nonsense", "SRV-ID _x\x00.example.net", "XmppAddr user@example.net", "IP 192.0.2.1",
	})
}

func TestCopiedNamesAreBounded(t *testing.T) {
	var many []string
	for i := range 3 * mostCopied {
		many = append(many, strings.Repeat("a", 1+i%60)+string(rune('a'+i/60))+".example.net")
	}
	d, _ := idn.Parse("example.net")
	got, left := mintNames(d, withSAN(t, Names{DNS: many}), nil)
	if len(got.DNS) != 1+mostCopied || len(left) != 2*mostCopied {
		t.Errorf("%d names minted, %d left", len(got.DNS), len(left))
	}
}

func TestIPNames(t *testing.T) {
	for _, in := range []string{"127.0.0.1", "[::1]"} {
		d, err := idn.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		got, left := mintNames(d, withSAN(t, Names{IP: []netip.Addr{d.IP}}), nil)
		if len(got.SRV) > 0 || !slices.Equal(got.IP, []netip.Addr{d.IP}) || !slices.Equal(got.DNS, []string{d.ASCII}) || len(left) > 0 {
			t.Errorf("%s: %+v, left %q", in, got, left)
		}
	}
}
