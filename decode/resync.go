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
	name, named := nameOf(tag)
	if !named {
		return false
	}
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
	name, named := nameOf(tag)
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

// nameOf is the name of a tag, and whether all of it has come.
func nameOf(tag []byte) (name string, whole bool) {
	for i, b := range tag {
		switch {
		case i == 0:
		case b == ' ', b == '\t', b == '\r', b == '\n', b == '>', b == '/' && i > 1:
			return string(tag[1:i]), true
		case i > 20:
			return string(tag[1:i]), true
		}
	}
	return string(tag[1:]), false
}

// TagHas says whether a tag, as far as it has come, has an attribute of this name.
func TagHas(tag []byte, name string) bool {
	for rest := tag; ; {
		i := bytes.Index(rest, []byte(name))
		if i < 0 {
			return false
		}
		behind := rest[i+len(name):]
		if i > 0 && isSpace[rest[i-1]] && len(behind) > 1 && behind[0] == '=' && (behind[1] == '\'' || behind[1] == '"') {
			return true
		}
		rest = behind
	}
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
	name := b[1:]
	if end := bytes.IndexAny(name, " \t\r\n/>"); end >= 0 {
		name = name[:end]
	} else if len(name) < 64 {
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

// StartTag is b up to the end of its first tag, as far as it has come.
func StartTag(b []byte) (tag []byte, whole bool) {
	if end := bytes.IndexByte(b, '>'); end >= 0 {
		return b[:end+1], true
	}
	return b, false
}

// Prolog passes over what may stand in front of an element: white space, the XML
// declaration, and comments and instructions, which XMPP does not allow. It is false
// where one of these does not end.
func Prolog(b []byte) (rest []byte, ended bool) {
	for {
		b = bytes.TrimLeft(b, " \t\r\n")
		var end string
		switch {
		case bytes.HasPrefix(b, []byte("<?")):
			end = "?>"
		case bytes.HasPrefix(b, []byte("<!--")):
			end = "-->"
		default:
			return b, !slices.Contains([]string{"<", "<!", "<!-"}, string(b))
		}
		i := bytes.Index(b, []byte(end))
		if i < 0 {
			return b, false
		}
		b = b[i+len(end):]
	}
}
