package tlsintercept

import (
	"crypto/tls"
	"strings"
	"testing"
)

// TestLacking: what a client offers and we did not is named by what servers insist on,
// with the flag where there is one.
func TestLacking(t *testing.T) {
	ours := &tls.ClientHelloInfo{
		CipherSuites:     []uint16{tls.TLS_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
		SupportedCurves:  []tls.CurveID{tls.X25519, tls.CurveP256},
		SignatureSchemes: []tls.SignatureScheme{tls.PSSWithSHA256},
	}
	const dhe, rsa, ccm, psk = 0x009e, tls.TLS_RSA_WITH_AES_128_GCM_SHA256, 0xc0ac, 0x00a8
	for _, c := range []struct {
		client *tls.ClientHelloInfo
		words  string
		hint   string
	}{
		{ours, "", "fail without xmppscope too"},
		{&tls.ClientHelloInfo{CipherSuites: []uint16{rsa, 0x0a0a}}, "the client offered more: RSA key exchange (xmppscope does with --legacy-tls)", "--legacy-tls"},
		{&tls.ClientHelloInfo{CipherSuites: []uint16{dhe}, SupportedCurves: []tls.CurveID{256}}, "the client offered more: DHE key exchange (xmppscope cannot)", "not reached"},
		{&tls.ClientHelloInfo{SupportedCurves: []tls.CurveID{0x1a1a, 26, 31, 30, tls.X25519}}, "the client offered more: x448, brainpool curves (xmppscope cannot)", "not reached"},
		{&tls.ClientHelloInfo{CipherSuites: []uint16{ccm, dhe, rsa}}, "the client offered more: RSA key exchange (xmppscope does with --legacy-tls); DHE key exchange, CCM (xmppscope cannot)", "--legacy-tls; a server"},
		{&tls.ClientHelloInfo{SignatureSchemes: []tls.SignatureScheme{0x0808, 0x081a, tls.PSSWithSHA256}}, "the client offered more: brainpool curves, Ed448 certificates (xmppscope cannot)", "not reached"},
		{&tls.ClientHelloInfo{CipherSuites: []uint16{psk, ccm, dhe, 0xc09b, 0xc0a6}, SupportedCurves: []tls.CurveID{30, 26}}, "the client offered more: DHE key exchange, x448, brainpool curves, pre-shared keys and 1 kind more (xmppscope cannot)", "not reached"},
		{nil, "clients may offer more: RSA key exchange (xmppscope does with --legacy-tls); DHE key exchange, x448, brainpool curves (xmppscope cannot)", "--legacy-tls; a server"},
	} {
		l := lacking(c.client, ours)
		if l.String() != c.words || !strings.Contains(l.hint(), c.hint) {
			t.Errorf("%q, hint %q\nwant %q", l, l.hint(), c.words)
		}
	}
	if l := lacking(nil, nil); l.String() != "" {
		t.Errorf("before anything was offered: %q", l)
	}
}
