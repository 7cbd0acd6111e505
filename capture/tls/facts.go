package tls

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strings"

	stdtls "crypto/tls"

	"golang.org/x/crypto/cryptobyte"

	"xmppscope/certs"
	"xmppscope/session"
)

// establish tells of the handshake, once: when both Finished have been seen, or
// application data flows.
func (c *Conn) establish(h *half) {
	hs := &c.hs
	c.remember()
	if c.established || c.failed || hs.version == 0 {
		return
	}
	c.established = true
	c.bindings()
	f := c.facts()
	if !hs.helloAt.IsZero() {
		f.Took = c.at.Sub(hs.helloAt)
	}
	c.say(h, Output{Body: session.TLSEstablished{TLSFacts: f}, Chain: c.hs.chain})
}

// facts is what is known by now.
func (c *Conn) facts() session.TLSFacts {
	f := c.hs.facts
	f.Resumed = c.hs.resumed
	if hello := c.hs.hello; hello != nil {
		f.Hello, f.SNI = &hello.facts, hello.facts.SNI
	}
	return f
}

// remember leaves what a later connection needs to resume this one (up to TLS
// 1.2), now that its secret is known.
func (c *Conn) remember() {
	hs := &c.hs
	if hs.known == nil || hs.server == nil {
		return
	}
	hs.left.master = hs.known
	for _, ticket := range hs.tickets {
		c.keys.sessions.put(ticket, hs.left)
	}
	hs.tickets = nil
	if !hs.resumed {
		c.keys.sessions.put(hs.server.sessionID, hs.left)
	}
}

// bindings works out the channel bindings that the secrets give.
func (c *Conn) bindings() {
	hs := &c.hs
	if hs.hello == nil || hs.server == nil {
		return
	}
	const label, size = "EXPORTER-Channel-Binding", 32 // RFC 9266 §2
	if hs.version == version13 {
		if r, ok := c.keys.sessions.get(hs.hello.psk); ok && hs.resumed {
			hs.left = r
		}
		if secret := c.keys.of(hs.hello.random)[exporterSecret]; hs.suite != nil && len(secret) == hs.suite.hash().Size() {
			hs.bind(session.BindingExporter, exporter13(hs.suite.hash, secret, label, size))
		}
	} else if hs.known != nil && hs.facts.EMS {
		seed := append(slices.Concat(hs.hello.random[:], hs.server.random[:]), 0, 0) // an empty context
		hs.bind(session.BindingExporter, hs.suite.prf(hs.version, hs.known, label, seed, size))
	}
	hs.bind(session.BindingEndPoint, hs.left.endPoint)
}

// chain notes the server's certificates, as DER.
func (c *Conn) chain(ders [][]byte, problem string) {
	if len(c.hs.facts.Chain) > 0 {
		return
	}
	read, told := chainOf(ders, problem)
	c.hs.facts.Chain = told
	for i, cert := range read {
		if cert == nil {
			continue
		}
		if i == 0 {
			c.hs.left.endPoint = session.TLSEndPoint(cert)
		}
		if i == 0 || len(c.hs.chain) > 0 {
			c.hs.chain = append(c.hs.chain, cert)
		}
	}
}

// clientChain notes the client's certificates, as DER. It may send none.
func (c *Conn) clientChain(ders [][]byte, problem string) {
	if len(c.hs.facts.Client) > 0 {
		return
	}
	_, c.hs.facts.Client = chainOf(ders, problem)
}

// chainOf is a chain as it is told, or what is wrong with it. Of read those are nil that
// cannot be read.
func chainOf(ders [][]byte, problem string) (read []*x509.Certificate, told []session.Certificate) {
	for _, der := range ders {
		cert, out := certificateOf(der)
		read, told = append(read, cert), append(told, out)
	}
	if problem != "" {
		told = []session.Certificate{{Subject: "(" + problem + ")"}}
	}
	return read, told
}

// certificateOf is what a person wants to know of one; cert is nil if it cannot be read.
func certificateOf(der []byte) (cert *x509.Certificate, out session.Certificate) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		sum := sha256.Sum256(der)
		return nil, session.Certificate{Subject: "(unreadable: " + session.SafeLine(err.Error()) + ")", SHA256: hex.EncodeToString(sum[:])}
	}
	out = session.NewCertificate(cert)
	out.SRV, out.XMPP = certs.SRVNames(cert), certs.XmppAddrs(cert)
	return cert, out
}

// certificates reads a Certificate message (RFC 5246 §7.4.2, RFC 8446 §4.4.2).
func certificates(body []byte, is13 bool) (ders [][]byte, problem string) {
	s := cryptobyte.String(body)
	var list, der, skip cryptobyte.String
	if is13 && !s.ReadUint8LengthPrefixed(&skip) || !s.ReadUint24LengthPrefixed(&list) {
		return nil, ""
	}
	for list.ReadUint24LengthPrefixed(&der) {
		ders = append(ders, slices.Clone(der))
		if is13 && !list.ReadUint16LengthPrefixed(&skip) {
			break
		}
	}
	return ders, ""
}

// compression algorithms of certificates (RFC 8879 §7.3), by number.
var compressions = [...]string{1: "zlib", 2: "brotli", 3: "zstd"}

// compressedCertificates unpacks a CompressedCertificate (RFC 8879), if it is
// zlib's: the standard library has no other.
func compressedCertificates(body []byte) (ders [][]byte, problem string) {
	s := cryptobyte.String(body)
	var algorithm uint16
	var size uint32
	var packed cryptobyte.String
	if !s.ReadUint16(&algorithm) || !s.ReadUint24(&size) || !s.ReadUint24LengthPrefixed(&packed) || size > mostMessage {
		return nil, "the compressed certificates are damaged"
	}
	if algorithm != 1 {
		name := fmt.Sprint(algorithm)
		if int(algorithm) < len(compressions) && algorithm > 0 {
			name = compressions[algorithm]
		}
		return nil, "the certificates are compressed with " + name + ", which cannot be unpacked here"
	}
	r, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, "the compressed certificates are damaged"
	}
	message, err := io.ReadAll(io.LimitReader(r, int64(size)))
	if err != nil || len(message) != int(size) {
		return nil, "the compressed certificates are damaged"
	}
	return certificates(message, true)
}

// keyExchange names the group of a ServerKeyExchange: the curve (RFC 8422 §5.4),
// or the size of the prime (RFC 5246 §7.4.3).
func keyExchange(suite string, body []byte) string {
	s := cryptobyte.String(body)
	var hint, prime cryptobyte.String
	if strings.Contains(suite, "_PSK_") && !s.ReadUint16LengthPrefixed(&hint) { // RFC 4279 §2
		return ""
	}
	const namedCurve = 3
	var kind uint8
	var curve uint16
	switch {
	case strings.HasPrefix(suite, "TLS_ECDH"):
		if s.ReadUint8(&kind) && kind == namedCurve && s.ReadUint16(&curve) {
			return session.TLSGroupName(stdtls.CurveID(curve))
		}
	case strings.HasPrefix(suite, "TLS_DH"):
		if s.ReadUint16LengthPrefixed(&prime) {
			return fmt.Sprintf("DH %d", bitLen(prime))
		}
	}
	return ""
}

// bitLen is the size in bits of a number in big-endian bytes.
func bitLen(b []byte) int {
	b = bytes.TrimLeft(b, "\x00")
	if len(b) == 0 {
		return 0
	}
	return 8*(len(b)-1) + bits.Len8(b[0])
}
