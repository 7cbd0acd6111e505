package tls

import (
	stdtls "crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"

	"xmppscope/session"
)

// Types of handshake messages (IANA "TLS HandshakeType").
const (
	msgClientHello        = 1
	msgServerHello        = 2
	msgNewSessionTicket   = 4
	msgEndOfEarlyData     = 5
	msgEncryptedExts      = 8
	msgCertificate        = 11
	msgServerKeyExchange  = 12
	msgCertificateRequest = 13
	msgServerHelloDone    = 14
	msgFinished           = 20
	msgKeyUpdate          = 24
	msgCompressedCert     = 25
)

// mostMessage bounds a handshake message; larger ones are passed over.
const mostMessage = 1 << 18

// messages puts the handshake messages of one direction together.
type messages struct {
	buf  []byte
	skip int // bytes of a message that is too large
}

const messageHeader = 4

func (m *messages) feed(p []byte, each func(typ byte, body []byte)) {
	n := min(m.skip, len(p))
	m.skip -= n
	m.buf = append(m.buf, p[n:]...)
	for len(m.buf) >= messageHeader {
		size := messageHeader + int(m.buf[1])<<16 + int(m.buf[2])<<8 + int(m.buf[3])
		if size > mostMessage {
			n := min(size, len(m.buf))
			m.skip, m.buf = size-n, m.buf[n:]
			continue
		}
		if len(m.buf) < size {
			return
		}
		message := m.buf[:size]
		m.buf = m.buf[size:]
		each(message[0], message[messageHeader:])
	}
	if len(m.buf) == 0 {
		m.buf = nil
	}
}

// handshake is what is known of the newest handshake of a connection.
type handshake struct {
	hello    *clientHello // nil until it was seen
	helloAt  time.Time
	server   *serverHello // nil until it was seen; not a HelloRetryRequest
	version  uint16       // 0 until the server has chosen
	suite    *suite       // nil if there is none or it cannot be decrypted
	suiteID  uint16
	done     bool   // ServerHelloDone was seen
	decided  bool   // EncryptedExtensions was seen
	accepted bool   // in it: the server takes the early data
	resumed  bool   // up to TLS 1.2
	known    []byte // master secret, up to TLS 1.2

	clientFinished []byte

	left    resumable
	tickets [][]byte // up to TLS 1.2, before the master secret is known

	facts session.TLSFacts
	chain []*x509.Certificate // of the server, as far as it could be read
}

// message processes one handshake message.
func (c *Conn) message(h *half, typ byte, body []byte) {
	fromServer := h.dir == session.S2C
	switch {
	case typ == msgClientHello && !fromServer:
		c.clientHello(parseClientHello(body))
	case typ == msgServerHello && fromServer:
		c.serverHello(parseServerHello(body))
	case typ == msgEncryptedExts && fromServer:
		c.encryptedExtensions(body)
	case typ == msgCertificate && fromServer:
		c.chain(certificates(body, c.hs.version == version13))
	case typ == msgCertificate:
		c.clientChain(certificates(body, c.hs.version == version13))
	case typ == msgCompressedCert && !fromServer:
		c.clientChain(compressedCertificates(body))
	case typ == msgCompressedCert && fromServer:
		c.chain(compressedCertificates(body))
	case typ == msgServerKeyExchange && fromServer:
		c.hs.facts.Group = keyExchange(c.hs.facts.Suite, body)
	case typ == msgCertificateRequest && fromServer && !h.finished:
		c.hs.facts.Mutual = true
	case typ == msgServerHelloDone && fromServer:
		c.hs.done = true
	case typ == msgNewSessionTicket && fromServer:
		c.ticket(body)
	case typ == msgFinished:
		c.finished(h, body)
	case typ == msgEndOfEarlyData && !fromServer && c.hs.version == version13:
		h.rekey(epochHandshake)
	case typ == msgKeyUpdate && c.hs.version == version13 && h.secret != nil && c.hs.suite != nil:
		c.update(h)
	}
}

// clientHello begins a handshake: the first, one again after a HelloRetryRequest,
// or a renegotiation.
func (c *Conn) clientHello(hello *clientHello) {
	if hello == nil {
		return
	}
	if c.hs.server != nil && c.hs.hello != nil { // a renegotiation
		if c.hs.version == version13 {
			return
		}
		c.hs = handshake{version: c.hs.version}
		c.c2s.finished, c.s2c.finished = false, false
	}
	if c.hs.hello == nil {
		c.hs.helloAt = c.at
	}
	c.hs.hello = hello
	c.c2s.epoch, c.s2c.epoch = epochHandshake, epochHandshake
	if hello.early {
		c.c2s.epoch = epochEarly
	}
}

func (c *Conn) serverHello(server *serverHello) {
	if server == nil || c.hs.server != nil {
		return
	}
	hs := &c.hs
	hs.version, hs.suiteID, hs.suite = server.version, server.suite, suiteOf(server.suite)
	f := &hs.facts
	f.Version, f.Suite = session.TLSVersionName(server.version), session.TLSSuiteName(server.suite)
	f.Group = session.TLSGroupName(stdtls.CurveID(server.group))
	if server.retry {
		return
	}
	hs.server = server
	f.EMS = server.ems || server.version == version13
	f.ALPN = server.alpn
	hs.resumed = server.psk
}

func (c *Conn) encryptedExtensions(body []byte) {
	c.hs.decided = true
	extensions(body, func(id uint16, data cryptobyte.String) {
		switch id {
		case extALPN:
			c.hs.facts.ALPN = first(protocols(data))
		case extEarlyData:
			c.hs.accepted = true
		}
	})
}

// finished ends the handshake of one direction.
func (c *Conn) finished(h *half, body []byte) {
	hs := &c.hs
	h.finished = true
	if h.dir == session.C2S {
		hs.clientFinished = slices.Clone(body)
	}
	if hs.version == version13 {
		h.rekey(epochTraffic)
	} else if other := c.half(h.dir.Opposite()); !other.finished {
		hs.bind(session.BindingUnique, body)
	}
	if c.c2s.finished && c.s2c.finished {
		c.establish(h)
	}
}

// rekey goes on to other keys of TLS 1.3.
func (h *half) rekey(e epoch) {
	h.epoch, h.open, h.secret, h.number, h.slack = e, nil, nil, 0, 0
}

// update is a KeyUpdate: the next record of this direction has new keys.
func (c *Conn) update(h *half) {
	h.secret = c.hs.suite.nextSecret(h.secret)
	h.open, h.number, h.slack = c.hs.suite.open13(h.secret), 0, 0
}

// master is the master secret of a connection up to TLS 1.2, nil if it is not
// known. The key log may name it for this connection, or for the one that this one
// resumes.
func (c *Conn) master() []byte {
	hs := &c.hs
	if hs.known != nil {
		return hs.known
	}
	hs.known = c.keys.of(hs.hello.random)[masterSecret]
	if hs.resumed {
		for _, shown := range [][]byte{hs.hello.ticket, hs.hello.sessionID} {
			if r, ok := c.keys.sessions.get(shown); ok {
				hs.left.endPoint = r.endPoint
				if hs.known == nil {
					hs.known = r.master
				}
				break
			}
		}
	}
	return hs.known
}

// ticket remembers what a client can resume this connection with.
func (c *Conn) ticket(body []byte) {
	s := cryptobyte.String(body)
	var ticket, nonce cryptobyte.String
	var lifetime, add uint32
	is13 := c.hs.version == version13
	if !s.ReadUint32(&lifetime) || is13 && (!s.ReadUint32(&add) || !s.ReadUint8LengthPrefixed(&nonce)) ||
		!s.ReadUint16LengthPrefixed(&ticket) || len(ticket) == 0 {
		return
	}
	if is13 {
		c.keys.sessions.put(ticket, c.hs.left)
	} else {
		c.hs.tickets = append(c.hs.tickets, slices.Clone(ticket))
	}
}

// missing says which secrets would be needed.
func (c *Conn) missing() string {
	if c.hs.hello == nil {
		return "no secrets, and no ClientHello in the capture that would name them"
	}
	need := labelNames[masterSecret]
	switch {
	case c.hs.version == version13:
		need = "CLIENT_TRAFFIC_SECRET_0 and its like"
	case c.hs.version == 0:
		need = "CLIENT_RANDOM or CLIENT_TRAFFIC_SECRET_0"
	}
	return fmt.Sprintf("no secrets for client random %x: the key log of one of the ends (SSLKEYLOGFILE) is needed, with its lines %s", c.hs.hello.random, need)
}

// unable says why this connection could not even be decrypted with its secrets.
func (c *Conn) unable() string {
	hs := &c.hs
	switch {
	case hs.version < version10 || hs.version > version13:
		return fmt.Sprintf("%s cannot be decrypted here", hs.facts.Version)
	case hs.suite == nil:
		return fmt.Sprintf("the cipher suite %s cannot be decrypted here", hs.facts.Suite)
	case hs.server != nil && hs.server.deflate:
		return "the records are compressed, which cannot be undone here"
	}
	return ""
}

// bind notes channel-binding data, once for each type.
func (hs *handshake) bind(kind string, data []byte) {
	if len(data) == 0 || hs.facts.Bindings[kind] != "" {
		return
	}
	if hs.facts.Bindings == nil {
		hs.facts.Bindings = map[string]string{}
	}
	hs.facts.Bindings[kind] = hex.EncodeToString(data)
}
