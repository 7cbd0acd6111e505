package passive

import (
	"bytes"

	"xmppscope/decode"
	"xmppscope/session"
)

// How much of a connection is looked at to tell what it carries: bytes, and chunks,
// with each of which all that has come is looked at again.
const (
	maxSniff  = 64 << 10
	maxChunks = 1000
)

// guess is what the first bytes of a direction tell.
type guess uint8

const (
	cannotTell guess = iota // too few, or in the middle of something
	isXMPP
	isTLS
	isOther
)

// sniff looks at what has come so far, and settles what the connection carries.
func (c *conn) sniff() {
	var g [3]guess
	var heads [3][]byte
	middle := !c.wire.Began || c.holes
	for _, dir := range []session.Dir{session.C2S, session.S2C} {
		heads[dir] = c.head(dir)
		g[dir] = sniff(heads[dir], middle)
		if dir == session.C2S && g[dir] == isOther && !middle {
			g[dir] = sniffWeb(heads[dir])
		}
	}
	up, down := g[session.C2S], g[session.S2C]
	switch {
	case up == isTLS || down == isTLS:
		c.middle = helloFrom(heads[session.C2S]) == session.NoDir && helloFrom(heads[session.S2C]) == session.NoDir
		c.turn(heads, g, helloFrom)
		c.direct = true
		c.begin()
	case up == isXMPP || down == isXMPP:
		c.turn(heads, g, xmppFrom)
		c.recognise(c.at)
		c.begin()
	case up == cannotTell && down == isOther && decode.BeginsWeb(heads[session.C2S]): // an answer of HTTP: the next request may tell
	case up == isOther && down != cannotTell, down == isOther && up != cannotTell,
		(up == isOther || down == isOther) && !middle, c.size > maxSniff, len(c.queue) > maxChunks:
		c.ignore(&c.r.report.Others)
	}
}

// head joins what has come of a direction.
func (c *conn) head(dir session.Dir) []byte {
	var parts [][]byte
	for i := range c.queue {
		if q := &c.queue[i]; q.dir == dir {
			parts = append(parts, q.b)
		}
	}
	return bytes.Join(parts, nil)
}

// turn finds out which side is the client's where the capture has no SYN.
func (c *conn) turn(heads [3][]byte, g [3]guess, from func([]byte) session.Dir) {
	if c.wire.Began {
		return
	}
	for _, dir := range []session.Dir{session.C2S, session.S2C} {
		if g[dir] != isXMPP && g[dir] != isTLS {
			continue
		}
		who := from(heads[dir])
		if who == session.NoDir {
			continue
		}
		if who != dir {
			c.flip = !c.flip
			for i := range c.queue {
				c.queue[i].dir = c.queue[i].dir.Opposite()
			}
		}
		return
	}
}

// begin reads what was looked at so far.
func (c *conn) begin() {
	c.phase = reading
	queue := c.queue
	c.queue = nil
	for _, dir := range []session.Dir{session.C2S, session.S2C} {
		c.lanes[dir].secure = c.direct
		if !c.direct && (!c.wire.Began || c.holes) {
			c.stream.Joined(dir)
		}
	}
	if c.direct {
		c.tls = c.newTLS()
	}
	for _, q := range queue {
		switch {
		case c.phase != reading:
		case q.lost > 0:
			c.missing(q.at, q.dir, q.lost)
		default:
			c.read(q.at, q.dir, q.b)
		}
	}
}

// sniff tells by the beginning of a direction, or, in the middle, by any part of
// it.
func sniff(b []byte, middle bool) guess {
	if len(b) == 0 {
		return cannotTell
	}
	if b[0] >= 0x14 && b[0] <= 0x17 {
		return sniffTLS(b, middle)
	}
	text := bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if g := sniffHeader(text); g != isOther {
		return g
	}
	if text, _ = decode.Prolog(text); len(text) == 0 {
		return cannotTell
	}
	at, ok := decode.FindStart(text)
	switch {
	case ok && (middle || at == 0):
		return isXMPP
	case middle, at == 0:
		return cannotTell
	}
	return isOther
}

// sniffTLS knows a record by its header (RFC 8446 §5.1); the first of a connection
// is of a handshake.
func sniffTLS(b []byte, middle bool) guess {
	switch {
	case b[0] != 0x16 && !middle:
		return isOther
	case len(b) < 5:
		return cannotTell
	case b[1] != 3 || b[2] > 4 || int(b[3])<<8|int(b[4]) > 1<<14+2048:
		return isOther
	}
	return isTLS
}

// sniffHeader knows a stream header.
func sniffHeader(b []byte) guess {
	switch decode.SniffHeader(b) {
	case decode.IsHeader:
		return isXMPP
	case decode.MayBeHeader:
		return cannotTell
	}
	return isOther
}

// helloFrom is the direction that sends what b begins with, if that is a
// ClientHello or a ServerHello.
func helloFrom(b []byte) session.Dir {
	if len(b) > 5 && b[0] == 0x16 {
		switch b[5] {
		case 1:
			return session.C2S
		case 2:
			return session.S2C
		}
	}
	return session.NoDir
}

// xmppFrom is the direction that sends such bytes, as far as they tell: only
// servers give a stream an id.
func xmppFrom(b []byte) session.Dir {
	at, _ := decode.FindStart(b)
	head, _ := decode.Prolog(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))
	tag, _ := decode.StartTag(head)
	if bytes.Contains(tag, []byte("stream ")) {
		if decode.TagHas(tag, "id") {
			return session.S2C
		}
		return session.C2S
	}
	tag, _ = decode.StartTag(b[at:])
	for _, name := range []string{"<stream:features", "<challenge", "<success", "<proceed", "<failure"} {
		if bytes.HasPrefix(tag, []byte(name)) {
			return session.S2C
		}
	}
	for _, name := range []string{"<auth", "<response", "<starttls"} {
		if bytes.HasPrefix(tag, []byte(name)) {
			return session.C2S
		}
	}
	return session.NoDir
}

// sniffWeb tells by the beginning of a client's direction whether it is XMPP over HTTP: a
// request for the WebSocket protocol of XMPP (RFC 7395 §3.1), or a body of BOSH.
func sniffWeb(b []byte) guess {
	if !decode.BeginsWeb(b) {
		return isOther
	}
	end := bytes.Index(b, []byte("\r\n\r\n"))
	switch {
	case bytes.Contains(b, []byte(decode.NSBOSH)), end >= 0 && namesXMPP(b[:end]):
		return isXMPP
	case len(b) > maxSniff, end >= 0 && bytes.HasPrefix(b, []byte("GET ")):
		return isOther
	}
	return cannotTell
}

// namesXMPP says whether a head of HTTP asks for the WebSocket protocol of XMPP.
func namesXMPP(head []byte) bool {
	for _, line := range bytes.Split(head, []byte("\r\n")) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("Sec-WebSocket-Protocol")) && bytes.Contains(value, []byte("xmpp")) {
			return true
		}
	}
	return false
}
