package tlsintercept

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"time"

	"xmppscope/certs"
	"xmppscope/session"
)

// setState fills in what a connection has agreed on, as far as it has got. The
// leaf is the certificate that the server of this leg has shown, nil if none.
func setState(f *session.TLSFacts, cs tls.ConnectionState, leaf *x509.Certificate) {
	f.Version = versionName(cs.Version)
	f.Suite = suiteName(cs.CipherSuite)
	f.Group = groupName(cs.CurveID)
	f.ALPN = cs.NegotiatedProtocol
	f.Resumed = cs.DidResume
	if cs.HandshakeComplete {
		// On TLS 1.2 an exporter is refused without the extended master secret;
		// crypto/tls has no other way to tell.
		_, err := exporter(cs)
		f.EMS = err == nil
		f.Bindings = bindings(cs, leaf)
	}
}

// helloFacts is a client's offer in names.
func helloFacts(h *tls.ClientHelloInfo) *session.ClientHello {
	return &session.ClientHello{
		Versions: namesOf(h.SupportedVersions, versionName),
		Suites:   namesOf(h.CipherSuites, suiteName),
		Groups:   namesOf(h.SupportedCurves, groupName),
		ALPN:     h.SupportedProtos,
		SNI:      h.ServerName,
	}
}

// parseHello reads the ClientHello in raw records, nil if there is none. It is
// what we sent ourselves, so crypto/tls is its best reader.
func parseHello(raw []byte) *session.ClientHello {
	var out *session.ClientHello
	tls.Server(&deafConn{r: bytes.NewReader(raw)}, &tls.Config{
		GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			out = helloFacts(h)
			return nil, errors.New("enough")
		},
	}).Handshake()
	return out
}

// deafConn is a connection with a recorded peer, which hears nothing.
type deafConn struct {
	net.Conn
	r *bytes.Reader
}

func (d *deafConn) Read(p []byte) (int, error)       { return d.r.Read(p) }
func (d *deafConn) Write(p []byte) (int, error)      { return len(p), nil }
func (d *deafConn) Close() error                     { return nil }
func (d *deafConn) SetWriteDeadline(time.Time) error { return nil }

// chainFacts describes a chain as it was sent.
func chainFacts(chain []*x509.Certificate) []session.Certificate {
	var out []session.Certificate
	for _, cert := range chain {
		out = append(out, certFacts(cert))
	}
	return out
}

// mintedFacts describes the chain that we send.
func mintedFacts(cert *tls.Certificate) []session.Certificate {
	var chain []*x509.Certificate
	for _, der := range cert.Certificate {
		if c, err := x509.ParseCertificate(der); err == nil {
			chain = append(chain, c)
		}
	}
	return chainFacts(chain)
}

func certFacts(c *x509.Certificate) session.Certificate {
	names := certs.NamesOf(c)
	sum := sha256.Sum256(c.Raw)
	out := session.Certificate{
		Subject: c.Subject.String(), Issuer: c.Issuer.String(),
		Serial: c.SerialNumber.Text(16),
		DNS:    names.DNS, SRV: names.SRV, XMPP: names.XMPP,
		NotBefore: c.NotBefore, NotAfter: c.NotAfter,
		Key: keyName(c.PublicKey), Signature: c.SignatureAlgorithm.String(),
		CA: c.IsCA, SHA256: hex.EncodeToString(sum[:]),
	}
	for _, ip := range names.IP {
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
