package demo

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"
)

// Authority is a throw-away CA: its key lives in memory and it signs the
// certificates of one server. The demo's server has one, and so have the real
// servers that the tests start.
type Authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes a CA with this name. It and what it issues are valid for 90
// days, as public CAs have it, though its key is gone long before.
func NewAuthority(name string) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("demo: key of the CA: %w", err)
	}
	t := template(name)
	t.IsCA, t.BasicConstraintsValid = true, true
	t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("demo: certificate of the CA: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("demo: certificate of the CA: %w", err)
	}
	return &Authority{cert, key}, nil
}

// Roots is a pool that trusts this CA and nothing else.
func (a *Authority) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// PEM is the CA's certificate in PEM.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// Issue makes a server's certificate for a JID domain, with the names that RFC
// 6120 §13.7.1.2 asks for: DNS-ID, SRV-ID and XmppAddr. The hosts are further
// DNS-IDs. The chain holds the leaf and the CA.
func (a *Authority) Issue(domain string, hosts ...string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("demo: key for %q: %w", domain, err)
	}
	san, err := subjectAltName(domain, hosts)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("demo: names for %q: %w", domain, err)
	}
	t := template(domain)
	t.KeyUsage = x509.KeyUsageDigitalSignature
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	t.ExtraExtensions = []pkix.Extension{san}
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, key.Public(), a.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("demo: certificate for %q: %w", domain, err)
	}
	return tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key}, nil
}

func template(name string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100)) // crypto/rand does not fail
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{Organization: []string{"xmppscope demo"}, CommonName: name},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.AddDate(0, 0, 90),
	}
}

var (
	idSubjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}
	idDNSSRV         = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 8, 7} // RFC 4985
	idXmppAddr       = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 8, 5} // RFC 6120 §13.7.1.4
)

func subjectAltName(domain string, hosts []string) (pkix.Extension, error) {
	const dNSName = 2 // the tag of GeneralName's choice (RFC 5280 §4.2.1.6)
	var names []asn1.RawValue
	for _, h := range append([]string{domain}, hosts...) {
		names = append(names, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: dNSName, Bytes: []byte(h)})
	}
	for _, o := range []struct {
		id    asn1.ObjectIdentifier
		tag   int
		value string
	}{
		{idDNSSRV, asn1.TagIA5String, "_xmpp-client." + domain},
		{idDNSSRV, asn1.TagIA5String, "_xmpp-server." + domain},
		{idXmppAddr, asn1.TagUTF8String, domain},
	} {
		name, err := otherName(o.id, asn1.RawValue{Tag: o.tag, Bytes: []byte(o.value)})
		if err != nil {
			return pkix.Extension{}, err
		}
		names = append(names, name)
	}
	der, err := asn1.Marshal(names)
	return pkix.Extension{Id: idSubjectAltName, Value: der}, err
}

// otherName is a GeneralName that crypto/x509 cannot write: [0] IMPLICIT of a type
// and of the value, which is [0] EXPLICIT.
func otherName(id asn1.ObjectIdentifier, value asn1.RawValue) (asn1.RawValue, error) {
	kind, err := asn1.Marshal(id)
	if err != nil {
		return asn1.RawValue{}, err
	}
	text, err := asn1.Marshal(value)
	if err != nil {
		return asn1.RawValue{}, err
	}
	explicit, err := asn1.Marshal(asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: text})
	if err != nil {
		return asn1.RawValue{}, err
	}
	return asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: append(kind, explicit...)}, nil
}

// EncodePEM writes a certificate with its chain, and its key, for servers that
// read them from files.
func EncodePEM(c tls.Certificate) (chain, key []byte, err error) {
	for _, der := range c.Certificate {
		chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		return nil, nil, fmt.Errorf("demo: key in PEM: %w", err)
	}
	return chain, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
