package session

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
)

// NewCertificate describes a certificate. The names that crypto/x509 does not
// decode, SRV and XMPP, are for the caller to add (package certs reads them).
func NewCertificate(c *x509.Certificate) Certificate {
	sum := sha256.Sum256(c.Raw)
	out := Certificate{
		Subject: c.Subject.String(), Issuer: c.Issuer.String(),
		Serial: c.SerialNumber.Text(16), DNS: c.DNSNames,
		NotBefore: c.NotBefore, NotAfter: c.NotAfter,
		Key: keyName(c.PublicKey), Signature: c.SignatureAlgorithm.String(),
		CA: c.IsCA, SHA256: hex.EncodeToString(sum[:]),
	}
	for _, ip := range c.IPAddresses {
		out.IP = append(out.IP, ip.String())
	}
	return out
}

func keyName(key any) string {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		return "ECDSA " + k.Curve.Params().Name
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", k.N.BitLen())
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return ""
}
