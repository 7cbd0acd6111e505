package tlsintercept

import "bytes"

// Protocol is what a connection speaks, as far as its first byte tells.
type Protocol uint8

// The protocols that Sniff tells apart.
const (
	Unknown Protocol = iota
	TLS              // a TLS record with a handshake in it (RFC 8446 §5.1)
	XML              // "<", or white space before it
)

// Sniff decides by the first byte. It is enough: no XML document begins with
// 0x16, and no TLS connection with anything else. The ClientHello itself is left
// to crypto/tls, for it may come in pieces and be large.
func Sniff(first byte) Protocol {
	switch first {
	case recordHandshake:
		return TLS
	case '<', ' ', '\t', '\r', '\n', 0xEF: // 0xEF: a byte order mark, wrong but seen
		return XML
	}
	return Unknown
}

// Begins finds where TLS begins in bytes that may have text before it; without any it is
// their length. No text contains the first byte of a record with a handshake (XML 1.0 §2.2).
func Begins(p []byte) int {
	if at := bytes.IndexByte(p, recordHandshake); at >= 0 {
		return at
	}
	return len(p)
}
