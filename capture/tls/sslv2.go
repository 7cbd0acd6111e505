package tls

import (
	"encoding/binary"

	"golang.org/x/crypto/cryptobyte"

	"xmppscope/session"
)

// mostOld bounds a ClientHello in the form of SSL 2.0.
const mostOld = 2048

// isOld says whether the client begins with a ClientHello in the form of SSL 2.0
// (RFC 5246 §E.2), as those of before 2012 or so did to be understood by all.
func (h *half) isOld(p []byte) bool {
	return h.old != nil || !h.spoke && h.dir == session.C2S && len(h.split.buf) == 0 && !h.split.adrift && p[0]&0x80 != 0
}

// oldHello takes in the bytes of such a ClientHello, and returns those behind it.
func (c *Conn) oldHello(h *half, p []byte) []byte {
	const header = 2
	h.old = append(h.old, p...)
	if len(h.old) <= header {
		return nil
	}
	size := header + int(binary.BigEndian.Uint16(h.old)&0x7fff)
	if h.old[header] != msgClientHello || size > mostOld {
		c.notTLS(h, h.old)
		return nil
	}
	if len(h.old) < size {
		return nil
	}
	hello, rest := parseOldHello(h.old[header+1:size]), h.old[size:]
	if hello == nil {
		c.notTLS(h, h.old)
		return nil
	}
	h.old, h.spoke = nil, true
	c.clientHello(hello)
	return rest
}

// parseOldHello reads its body; nil if it is none.
func parseOldHello(body []byte) *clientHello {
	s := cryptobyte.String(body)
	var version, ciphers, id, challenge uint16
	var suites, skip, random []byte
	if !s.ReadUint16(&version) || !s.ReadUint16(&ciphers) || !s.ReadUint16(&id) || !s.ReadUint16(&challenge) ||
		!s.ReadBytes(&suites, int(ciphers)) || !s.ReadBytes(&skip, int(id)) || !s.ReadBytes(&random, int(challenge)) {
		return nil
	}
	h := new(clientHello)
	if len(random) > len(h.random) {
		return nil
	}
	copy(h.random[len(h.random)-len(random):], random)
	var known []uint16
	for ; len(suites) >= 3; suites = suites[3:] {
		if suites[0] == 0 { // the others are of SSL 2.0 itself
			known = append(known, binary.BigEndian.Uint16(suites[1:]))
		}
	}
	h.facts.Suites = session.TLSNames(known, session.TLSSuiteName)
	h.facts.Versions = session.TLSNames(upTo(version), session.TLSVersionName)
	return h
}
