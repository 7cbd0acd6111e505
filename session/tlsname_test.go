package session

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"slices"
	"testing"
)

// TestEndPointHash: the hash is that of the signature (RFC 5929 §4.1).
func TestEndPointHash(t *testing.T) {
	for algorithm, size := range map[x509.SignatureAlgorithm]int{
		x509.SHA1WithRSA: 32, x509.ECDSAWithSHA256: 32, x509.SHA384WithRSA: 48, x509.SHA512WithRSAPSS: 64, x509.PureEd25519: 0,
	} {
		if sum := TLSEndPoint(&x509.Certificate{Raw: []byte("x"), SignatureAlgorithm: algorithm}); len(sum) != size {
			t.Errorf("%s gives %d bytes, want %d", algorithm, len(sum), size)
		}
	}
	if TLSEndPoint(nil) != nil {
		t.Error("no certificate has a hash")
	}
}

// TestTLSNames: what crypto/tls can name has the same name here; GREASE is left out.
func TestTLSNames(t *testing.T) {
	for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		if got := TLSSuiteName(s.ID); got != s.Name {
			t.Errorf("%04x is %q, crypto/tls says %q", s.ID, got, s.Name)
		}
	}
	got := TLSNames([]uint16{0x1a1a, 0x1301, 0xccaa, 0xeeee, 0xfafb}, TLSSuiteName)
	if want := []string{"TLS_AES_128_GCM_SHA256", "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "0xEEEE", "0xFAFB"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if s := TLSVersionName(0) + TLSSuiteName(0) + TLSGroupName(0); s != "" {
		t.Errorf("nothing is called %q", s)
	}
	if k := keyName(&ecdsa.PublicKey{Curve: elliptic.P256()}) + keyName("?"); k != "ECDSA P-256" {
		t.Error(k)
	}
}
