package session

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
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
	for _, u := range c.ExtKeyUsage {
		out.Usage = append(out.Usage, usageName(u))
	}
	for range c.UnknownExtKeyUsage {
		out.Usage = append(out.Usage, "another")
	}
	for _, ip := range c.IPAddresses {
		out.IP = append(out.IP, ip.String())
	}
	return out
}

// Uses of a certificate in TLS (RFC 5280 §4.2.1.12), as they stand in Certificate.Usage.
const (
	UsageServer = "serverAuth"
	UsageClient = "clientAuth"
	usageAny    = "anyExtendedKeyUsage"
)

func usageName(u x509.ExtKeyUsage) string {
	switch u {
	case x509.ExtKeyUsageServerAuth:
		return UsageServer
	case x509.ExtKeyUsageClientAuth:
		return UsageClient
	case x509.ExtKeyUsageAny:
		return usageAny
	}
	return "another"
}

// For says whether a certificate may be used in a way; one that says nothing of its use
// may be used in any.
func (c *Certificate) For(usage string) bool {
	return len(c.Usage) == 0 || slices.Contains(c.Usage, usage) || slices.Contains(c.Usage, usageAny)
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
