package passive

import (
	"time"

	"xmppscope/capture/tls"
	"xmppscope/decode"
	"xmppscope/session"
)

// plain takes plaintext of a direction, compressed or not, and tells what is in it.
func (c *conn) plain(at time.Time, dir session.Dir, p []byte) {
	for {
		if c.mayTurn(dir) && len(p) > 0 && isRecord(p[0]) {
			c.secure(at, dir, p)
			return
		}
		n, piece, ok := c.stream.Next(dir, p)
		if !ok {
			return
		}
		p = p[n:]
		c.tell(at, &piece)
	}
}

// rest tells what is left of pieces.
func (c *conn) rest(at time.Time) {
	for piece, ok := c.stream.Rest(); ok; piece, ok = c.stream.Rest() {
		c.tell(at, &piece)
	}
}

// tell records a piece, and learns from it.
func (c *conn) tell(at time.Time, p *decode.Piece) {
	switch p.Turn {
	case decode.AsksTLS:
		c.asked = true
	case decode.BeginsTLS:
		c.asked, c.proceeded = true, at
	case decode.RefusesTLS:
		c.asked = false
	}
	if p.Dir == session.C2S && p.Kind == decode.Opened {
		if root, _ := decode.ParseTag(p.Raw, nil); root != nil {
			c.domain = root.Attr("to")
			c.server = root.Attr("xmlns") == "jabber:server"
		}
	}
	p.Events(func(e session.Seen) { c.record(at, e) })
}

// mayTurn says whether TLS may begin in a direction: no byte of XML looks like the
// first of a record, so that is decided by the byte itself.
func (c *conn) mayTurn(dir session.Dir) bool {
	s := c.stream
	return s.Between(dir) && (c.asked || s.IsJoined(dir)) && !c.secured && !s.IsCompressed(dir)
}

// isRecord says whether TLS records begin so.
func isRecord(b byte) bool { return b >= 0x14 && b <= 0x17 }

// secure takes the first bytes of TLS in a direction.
func (c *conn) secure(at time.Time, dir session.Dir, p []byte) {
	c.turnSecure(at, dir)
	c.read(at, dir, p)
}

// turnSecure says that what comes in a direction is TLS.
func (c *conn) turnSecure(at time.Time, dir session.Dir) {
	c.stream.SecuredIn(dir) // nothing of the stream in the clear is carried over
	c.rest(at)
	c.lanes[dir].secure = true
	if c.tls == nil {
		c.tls = c.newTLS()
	}
}

// missing takes that bytes of a direction are not in the capture.
func (c *conn) missing(at time.Time, dir session.Dir, n int64) {
	l := &c.lanes[dir]
	if l.secure {
		if c.locked {
			return
		}
		c.tls.Gap(dir, n)
		return
	}
	c.tear(at, dir, n)
	c.lostBytes(at, dir, n)
	if c.tls != nil && !c.secured { // the other side has begun TLS, so this one has too
		c.turnSecure(at, dir)
		c.tls.Gap(dir, -1)
	}
}

// lostBytes records that bytes are missing.
func (c *conn) lostBytes(at time.Time, dir session.Dir, n int64) {
	c.record(at, session.Seen{Leg: dir.From(), Dir: dir, Body: session.LogLost{Bytes: n, Captured: true}})
}

// tear ends what was open in a direction, of which n bytes are missing.
func (c *conn) tear(at time.Time, dir session.Dir, n int64) {
	c.stream.Lost(dir, n)
	c.rest(at)
}

// newTLS begins to take the encryption off.
func (c *conn) newTLS() *tls.Conn {
	t := tls.NewConn(c.r.o.Keys, c.opened)
	if c.middle {
		t.Gap(session.C2S, -1)
		t.Gap(session.S2C, -1)
	}
	return t
}

// opened takes what was inside TLS, and what is known of it.
func (c *conn) opened(o tls.Output) {
	if c.phase != reading {
		return // it was found to be none of ours
	}
	at := o.At
	if at.IsZero() {
		at = c.at
	}
	if o.Body != nil {
		c.chain = o.Chain
		c.fact(at, o.Body)
	}
	if o.Lost > 0 && c.id > 0 {
		c.tear(at, o.Dir, o.Lost)
		c.lostBytes(at, o.Dir, o.Lost)
	}
	if len(o.Plain) > 0 && c.phase == reading {
		c.inside(at, o.Dir, o.Plain)
	}
	if o.Locked != "" {
		c.sealed, c.headless = o.Locked, o.Headless // there may be more to see of the handshake
	}
}
