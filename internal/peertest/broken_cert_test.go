package peertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"xmppscope/internal/demo"
)

// hosts are the domains of the broken servers with a certificate of their own.
var hosts = []string{"good.test", "expired.test", "future.test", "elsewhere.test", "self.test", "stranger.test"}

// good are the names of the certificate that is in order: all hosts whose fault is
// another one.
var good = []string{
	"good.test", "tls12.test", "tls13.test", "clear.test", "optional.test", "scramonly.test", "plainonly.test", "nosasl.test",
	"kickold.test", "kicknew.test", "rename.test", "closed.test", "legacy.test", "ban.test",
}

// issuer signs certificates; the zero value makes them sign themselves.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// newIssuer makes a CA.
func newIssuer(t *testing.T, name string) issuer {
	now := time.Now()
	cert, err := issuer{}.issue(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	if err != nil {
		t.Fatal(err)
	}
	return issuer{cert.Leaf, cert.PrivateKey.(*ecdsa.PrivateKey)}
}

func (i issuer) issue(t *testing.T, template *x509.Certificate) (tls.Certificate, error) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	by := i
	if by.cert == nil {
		by = issuer{template, key}
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	der, err := x509.CreateCertificate(rand.Reader, template, by.cert, key.Public(), by.key)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
}

// server issues a certificate for a server that is valid for these hours, counted
// from now.
func (i issuer) server(t *testing.T, from, to int, names ...string) tls.Certificate {
	t.Helper()
	now := time.Now()
	cert, err := i.issue(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: now.Add(time.Duration(from) * time.Hour), NotAfter: now.Add(time.Duration(to) * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// writeCertificates makes a PEM file for each of the hosts, and ca.pem, which has
// signed all but those of self.test and stranger.test.
func writeCertificates(t *testing.T, dir string, ca issuer) {
	t.Helper()
	stranger := newIssuer(t, "nobody's CA")
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name+".pem"), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, cert := range map[string]tls.Certificate{
		"good.test":      ca.server(t, -1, 100, good...),
		"expired.test":   ca.server(t, -100, -10, "expired.test"),
		"future.test":    ca.server(t, 10, 100, "future.test"),
		"elsewhere.test": ca.server(t, -1, 100, "elsewhere.test", "xmpp.wrong.test"),
		"self.test":      issuer{}.server(t, -1, 100, "self.test"),
		"stranger.test":  stranger.server(t, -1, 100, "stranger.test"),
	} {
		chain, key, err := demo.EncodePEM(cert)
		if err != nil {
			t.Fatal(err)
		}
		write(name, append(chain, key...))
	}
	write("ca", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw}))
}
