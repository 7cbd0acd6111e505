package tls

import (
	stdtls "crypto/tls"
	"slices"

	"golang.org/x/crypto/cryptobyte"

	"xmppscope/session"
)

// Versions on the wire. Older ones are named and not decrypted.
const (
	version10 = stdtls.VersionTLS10
	version12 = stdtls.VersionTLS12
	version13 = stdtls.VersionTLS13
)

// Extensions (IANA "TLS ExtensionType Values") that are looked into.
const (
	extServerName = 0
	extGroups     = 10
	extALPN       = 16
	extEtM        = 22
	extEMS        = 23
	extTicket     = 35
	extPSK        = 41
	extEarlyData  = 42
	extVersions   = 43
	extKeyShare   = 51
)

// clientHello is what a ClientHello says (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2).
type clientHello struct {
	random    random
	sessionID []byte
	ticket    []byte // extension session_ticket (RFC 5077)
	psk       []byte // first identity of extension pre_shared_key
	early     bool   // 0-RTT data follows
	facts     session.ClientHello
}

// parseClientHello reads the body of a ClientHello; nil if it is none.
func parseClientHello(body []byte) *clientHello {
	h := new(clientHello)
	s := cryptobyte.String(body)
	var version uint16
	var id, suites, compressions cryptobyte.String
	if !s.ReadUint16(&version) || !s.CopyBytes(h.random[:]) || !s.ReadUint8LengthPrefixed(&id) ||
		!s.ReadUint16LengthPrefixed(&suites) || !s.ReadUint8LengthPrefixed(&compressions) {
		return nil
	}
	h.sessionID = slices.Clone(id)
	h.facts.Suites = session.TLSNames(uint16s(suites), session.TLSSuiteName)
	h.facts.Versions = session.TLSNames(upTo(version), session.TLSVersionName)
	extensions(s, h.extension)
	return h
}

// upTo lists the versions that a client speaks who names the newest alone.
func upTo(newest uint16) (out []uint16) {
	for v := min(newest, version12); v >= version10; v-- {
		out = append(out, v)
	}
	if len(out) == 0 {
		return []uint16{newest}
	}
	return out
}

func (h *clientHello) extension(id uint16, data cryptobyte.String) {
	var list, item cryptobyte.String
	switch id {
	case extServerName:
		var kind uint8
		if data.ReadUint16LengthPrefixed(&list) && list.ReadUint8(&kind) && kind == 0 && list.ReadUint16LengthPrefixed(&item) {
			h.facts.SNI = string(item)
		}
	case extGroups:
		if data.ReadUint16LengthPrefixed(&list) {
			h.facts.Groups = session.TLSNames(uint16s(list), func(v uint16) string { return session.TLSGroupName(stdtls.CurveID(v)) })
		}
	case extALPN:
		h.facts.ALPN = protocols(data)
	case extVersions:
		if data.ReadUint8LengthPrefixed(&list) {
			h.facts.Versions = session.TLSNames(uint16s(list), session.TLSVersionName)
		}
	case extTicket:
		h.ticket = slices.Clone(data)
	case extPSK:
		if data.ReadUint16LengthPrefixed(&list) && list.ReadUint16LengthPrefixed(&item) {
			h.psk = slices.Clone(item)
		}
	case extEarlyData:
		h.early = true
	}
}

// serverHello is what a ServerHello says, or a HelloRetryRequest (RFC 8446
// §4.1.3), which only looks like one.
type serverHello struct {
	random    random
	retry     bool // it is a HelloRetryRequest
	sessionID []byte
	version   uint16
	suite     uint16
	group     uint16 // TLS 1.3
	deflate   bool   // compression of records, up to TLS 1.2
	psk       bool   // TLS 1.3: a pre-shared key was taken, mostly that of an earlier session
	ems, etm  bool
	alpn      string
}

// retryRandom tells a HelloRetryRequest: SHA-256 of that word.
var retryRandom = random{
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
}

// parseServerHello reads the body of a ServerHello; nil if it is none.
func parseServerHello(body []byte) *serverHello {
	h := new(serverHello)
	s := cryptobyte.String(body)
	var id cryptobyte.String
	var compression uint8
	if !s.ReadUint16(&h.version) || !s.CopyBytes(h.random[:]) || !s.ReadUint8LengthPrefixed(&id) ||
		!s.ReadUint16(&h.suite) || !s.ReadUint8(&compression) {
		return nil
	}
	h.sessionID = slices.Clone(id)
	h.retry = h.random == retryRandom
	h.deflate = compression != 0
	extensions(s, h.extension)
	return h
}

func (h *serverHello) extension(id uint16, data cryptobyte.String) {
	switch id {
	case extVersions:
		data.ReadUint16(&h.version)
	case extKeyShare:
		data.ReadUint16(&h.group)
	case extPSK:
		h.psk = true
	case extEMS:
		h.ems = true
	case extEtM:
		h.etm = true
	case extALPN:
		h.alpn = first(protocols(data))
	}
}

// extensions goes through a list of extensions, which may be absent.
func extensions(s cryptobyte.String, each func(id uint16, data cryptobyte.String)) {
	var list, data cryptobyte.String
	var id uint16
	if !s.ReadUint16LengthPrefixed(&list) {
		return
	}
	for list.ReadUint16(&id) && list.ReadUint16LengthPrefixed(&data) {
		each(id, data)
	}
}

func protocols(data cryptobyte.String) (out []string) {
	var list, item cryptobyte.String
	if data.ReadUint16LengthPrefixed(&list) {
		for list.ReadUint8LengthPrefixed(&item) {
			out = append(out, string(item))
		}
	}
	return out
}

func uint16s(s cryptobyte.String) (out []uint16) {
	var v uint16
	for s.ReadUint16(&v) {
		out = append(out, v)
	}
	return out
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
