package tlsintercept

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
