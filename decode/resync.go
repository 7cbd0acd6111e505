package decode

import (
	"bytes"
	"slices"
)

const (
	maxTag     = 4 << 10  // a start tag that is longer is not looked for
	maxSkipped = 16 << 10 // bytes that are kept while looking
)

// FindStart finds where an element of XMPP begins in b, which itself may begin
// anywhere. If it is not ok, nothing before at can be the beginning of one, and from
// there on more is needed.
func FindStart(b []byte) (at int, ok bool) {
	for at < len(b) {
		i := bytes.IndexByte(b[at:], '<')
		if i < 0 {
			return len(b), false
		}
		at += i
		tag, whole := StartTag(b[at:])
		if bytes.HasPrefix(tag, []byte("<?")) { // a declaration belongs to the header behind it
			if h := SniffHeader(b[at:]); h != NoHeader {
				return at, h == IsHeader
			}
		}
		switch {
		case isStart(tag, whole):
			return at, true
		case !whole && len(tag) < maxTag && mayStart(tag):
			return at, false
		}
		at++
	}
	return at, false
}

// stanzaNames and nonzaNames are the names of first-level elements, the latter told from
// others by their namespace.
var (
	stanzaNames = []string{"message", "presence", "iq"}
	nonzaNames  = []string{
		"auth", "challenge", "response", "success", "failure", "abort", "starttls", "proceed", "compress", "compressed",
		"authenticate", "continue", "next", "enable", "enabled", "resume", "resumed", "failed", "r", "a", "active", "inactive", "handshake",
	}
	whole      = []string{"stream:stream", "stream:features", "stream:error", "/stream:stream", "db:result", "db:verify"}
	namespaces = [][]byte{
		[]byte("urn:ietf:params:xml:ns:xmpp-"), []byte("urn:xmpp:sm:"), []byte("urn:xmpp:sasl:"), []byte("urn:xmpp:csi:"),
		[]byte("http://jabber.org/protocol/compress"), []byte("jabber:"),
	}
)

// isStart says whether a tag, as far as it has come, begins a first-level element.
func isStart(tag []byte, ended bool) bool {
	written, named := tagName(tag[1:])
	if !named {
		return false
	}
	name := string(written)
	switch {
	case slices.Contains(whole, name):
		return true
	case slices.Contains(nonzaNames, name):
		for _, ns := range namespaces {
			if bytes.Contains(tag, ns) {
				return true
			}
		}
	case slices.Contains(stanzaNames, name):
		for _, a := range []string{"to", "from", "type", "id"} {
			if TagHas(tag, a) {
				return true
			}
		}
		return ended && name == "presence"
	}
	return false
}

// mayStart says whether the rest of a tag may make it a start.
func mayStart(tag []byte) bool {
	written, named := tagName(tag[1:])
	name := string(written)
	if named {
		return slices.Contains(stanzaNames, name) || slices.Contains(nonzaNames, name)
	}
	for _, list := range [][]string{stanzaNames, nonzaNames, whole} {
		for _, n := range list {
			if len(name) < len(n) && n[:len(name)] == name || n == name {
				return true
			}
		}
	}
	return false
}

// HeaderGuess is what the first bytes of a direction tell about a stream header.
type HeaderGuess uint8

// The guesses.
const (
	MayBeHeader HeaderGuess = iota // too few bytes to tell
	IsHeader
	NoHeader
)

// SniffHeader tells by b's first bytes whether a stream header begins there, a
// declaration before it included.
func SniffHeader(b []byte) HeaderGuess {
	b, ended := Prolog(b)
	switch {
	case !ended:
		return noHeaderIf(len(b) > 4<<10)
	case len(b) == 0:
		return MayBeHeader
	case b[0] != '<':
		return NoHeader
	}
	name, named := tagName(b[1:])
	if !named {
		return MayBeHeader
	}
	if string(name) == "stream:stream" {
		return IsHeader
	}
	if !isStream(name) {
		return NoHeader
	}
	tag, whole := StartTag(b)
	switch {
	case bytes.Contains(tag, []byte(NSStreams)):
		return IsHeader
	case whole:
		return NoHeader
	}
	return noHeaderIf(len(b) > 4<<10)
}

func noHeaderIf(other bool) HeaderGuess {
	if other {
		return NoHeader
	}
	return MayBeHeader
}
