package passive

import (
	"bytes"

	"xmppscope/session"
)

const (
	maxTag     = 4 << 10  // a start tag that is longer is not looked for
	maxSkipped = 16 << 10 // bytes that are kept while looking
)

// resync looks for the beginning of the next element in p, and returns the bytes
// from there on, none if it has not come.
func (c *conn) resync(dir session.Dir, p []byte) []byte {
	l := &c.lanes[dir]
	if len(l.skipped) == 0 {
		l.from = l.scan.Offset()
	}
	l.skipped = append(l.skipped, p...)
	at, ok := findStart(l.skipped)
	if !ok {
		if at > maxSkipped || at == len(l.skipped) {
			c.giveSkipped(dir, at)
		}
		return nil
	}
	rest := bytes.Clone(l.skipped[at:])
	c.giveSkipped(dir, at)
	l.skipped, l.lost, l.rest = nil, false, true
	return rest
}

// giveSkipped records the first n bytes that were passed over.
func (c *conn) giveSkipped(dir session.Dir, n int) {
	l := &c.lanes[dir]
	if n == 0 {
		return
	}
	raw := bytes.Clone(l.skipped[:n])
	c.record(session.Event{Leg: dir.From(), Dir: dir, Body: session.StreamRaw{}, Offset: l.from, Raw: raw, Size: int64(n)})
	l.from += int64(n)
	l.skipped = append(l.skipped[:0], l.skipped[n:]...)
}

// findStart finds where an element of XMPP begins. If it is not ok, nothing before
// at can be the beginning of one, and from there on more is needed.
func findStart(b []byte) (at int, ok bool) {
	for at < len(b) {
		i := bytes.IndexByte(b[at:], '<')
		if i < 0 {
			return len(b), false
		}
		at += i
		tag, whole := startTag(b[at:])
		if bytes.HasPrefix(tag, []byte("<?")) { // a declaration belongs to the header behind it
			if g := sniffHeader(b[at:]); g != isOther {
				return at, g == isXMPP
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

// stanzas and nonzas are the names of first-level elements, the latter told from
// others by their namespace.
var (
	stanzas = []string{"message", "presence", "iq"}
	nonzas  = []string{
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
	case contains(whole, name):
		return true
	case contains(nonzas, name):
		for _, ns := range namespaces {
			if bytes.Contains(tag, ns) {
				return true
			}
		}
	case contains(stanzas, name):
		for _, a := range []string{"to", "from", "type", "id"} {
			if attribute(tag, a) {
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
		return contains(stanzas, name) || contains(nonzas, name)
	}
	for _, list := range [][]string{stanzas, nonzas, whole} {
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

func contains(list []string, name string) bool {
	for _, n := range list {
		if n == name {
			return true
		}
	}
	return false
}

// attribute says whether a tag has an attribute of this name.
func attribute(tag []byte, name string) bool {
	for rest := tag; ; {
		i := bytes.Index(rest, []byte(name))
		if i < 0 {
			return false
		}
		behind := rest[i+len(name):]
		if i > 0 && isSpace(rest[i-1]) && len(behind) > 1 && behind[0] == '=' && (behind[1] == '\'' || behind[1] == '"') {
			return true
		}
		rest = behind
	}
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\r' || b == '\n' }
