package tlsintercept

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"sync"
	"time"

	"xmppscope/certs"
	"xmppscope/session"
)

// setState fills in what a connection has agreed on, as far as it has got. The
// leaf is the certificate that the server of this leg has shown, nil if none.
func setState(f *session.TLSFacts, cs tls.ConnectionState, leaf *x509.Certificate) {
	f.Version = session.TLSVersionName(cs.Version)
	f.Suite = session.TLSSuiteName(cs.CipherSuite)
	f.Group = session.TLSGroupName(cs.CurveID)
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
		Versions: session.TLSNames(h.SupportedVersions, session.TLSVersionName),
		Suites:   session.TLSNames(h.CipherSuites, session.TLSSuiteName),
		Groups:   session.TLSNames(h.SupportedCurves, session.TLSGroupName),
		ALPN:     h.SupportedProtos,
		SNI:      h.ServerName,
	}
}

// parseHello reads the ClientHello in raw records, nil if there is none. It is
// what we sent ourselves, so crypto/tls is its best reader.
func parseHello(raw []byte) *tls.ClientHelloInfo {
	var out *tls.ClientHelloInfo
	tls.Server(&deafConn{r: bytes.NewReader(raw)}, &tls.Config{
		GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			out = h
			return nil, errors.New("enough")
		},
	}).Handshake()
	return out
}

// ReadHello reads the ClientHello that b begins with. Where it is not whole it says wait; it
// is nil, too, where there is none.
func ReadHello(b []byte) (hello *tls.ClientHelloInfo, wait bool) {
	if hello = parseHello(b); hello != nil {
		return hello, false
	}
	var message []byte // of the handshake, as far as its records are whole
	for len(b) >= recordHeader && b[0] == recordHandshake {
		n := int(b[3])<<8 | int(b[4])
		if b = b[recordHeader:]; n > len(b) {
			return nil, true
		}
		message, b = append(message, b[:n]...), b[n:]
	}
	if len(b) > 0 && b[0] != recordHandshake {
		return nil, false
	}
	const head = 4 // type and length (RFC 8446 §4)
	return nil, len(message) < head || len(message) < head+(int(message[1])<<16|int(message[2])<<8|int(message[3]))
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

// ownFacts describes chains that we show. A chain is shown again and again, and to read it
// takes a thirtieth of a login. It may be used by any number of goroutines.
type ownFacts struct {
	mu    sync.Mutex
	known map[*tls.Certificate][]session.Certificate
}

// maxOwn bounds the chains that are kept described.
const maxOwn = 64

// of describes a chain; nobody may change what it returns.
func (o *ownFacts) of(cert *tls.Certificate) []session.Certificate {
	o.mu.Lock()
	defer o.mu.Unlock()
	facts, ok := o.known[cert]
	if !ok {
		if o.known == nil || len(o.known) >= maxOwn {
			o.known = map[*tls.Certificate][]session.Certificate{}
		}
		facts = chainFacts(shown(cert))
		o.known[cert] = facts
	}
	return facts
}

func certFacts(c *x509.Certificate) session.Certificate {
	out := session.NewCertificate(c)
	out.SRV, out.XMPP = certs.SRVNames(c), certs.XmppAddrs(c)
	return out
}
