package passive

import (
	"xmppscope/capture/tls"
	"xmppscope/decode"
	"xmppscope/session"
)

// plain takes plaintext of a direction, compressed or not, and tells what is in it.
func (c *conn) plain(dir session.Dir, p []byte) {
	for {
		if c.mayTurn(dir) && len(p) > 0 && isRecord(p[0]) {
			c.secure(dir, p)
			return
		}
		n, piece, ok := c.stream.Next(dir, p)
		if !ok {
			return
		}
		p = p[n:]
		c.tell(&piece)
	}
}

// rest tells what is left of pieces.
func (c *conn) rest() {
	for piece, ok := c.stream.Rest(); ok; piece, ok = c.stream.Rest() {
		c.tell(&piece)
	}
}

// tell records a piece, and learns from it.
func (c *conn) tell(p *decode.Piece) {
	switch p.Turn {
	case decode.AsksTLS:
		c.asked = true
	case decode.BeginsTLS:
		c.asked, c.proceeded = true, c.at
	case decode.RefusesTLS:
		c.asked = false
	}
	if p.Dir == session.C2S && p.Kind == decode.Opened {
		if root, _ := decode.ParseTag(p.Raw, nil); root != nil {
			c.domain = root.Attr("to")
			c.server = root.Attr("xmlns") == "jabber:server"
		}
	}
	p.Events(c.record)
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
func (c *conn) secure(dir session.Dir, p []byte) {
	c.turnSecure(dir)
	c.read(dir, p)
}

// turnSecure says that what comes in a direction is TLS.
func (c *conn) turnSecure(dir session.Dir) {
	c.stream.SecuredIn(dir) // nothing of the stream in the clear is carried over
	c.rest()
	c.lanes[dir].secure = true
	if c.tls == nil {
		c.tls = c.newTLS()
	}
}

// missing takes that bytes of a direction are not in the capture.
func (c *conn) missing(dir session.Dir, n int64) {
	l := &c.lanes[dir]
	if l.secure {
		if c.locked {
			return
		}
		c.tls.Gap(dir, n)
		return
	}
	c.tear(dir, n)
	c.lostBytes(dir, n)
	if c.tls != nil && !c.secured { // the other side has begun TLS, so this one has too
		c.turnSecure(dir)
		c.tls.Gap(dir, -1)
	}
}

// lostBytes records that bytes are missing.
func (c *conn) lostBytes(dir session.Dir, n int64) {
	c.record(session.Event{Leg: dir.From(), Dir: dir, Body: session.LogLost{Bytes: n, Captured: true}})
}

// tear ends what was open in a direction, of which n bytes are missing.
func (c *conn) tear(dir session.Dir, n int64) {
	c.stream.Lost(dir, n)
	c.rest()
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
	now := c.at
	defer func() { c.at = now }()
	if !o.At.IsZero() {
		c.at = o.At
	}
	if o.Body != nil {
		c.chain = o.Chain
		c.fact(o.Body)
	}
	if o.Lost > 0 && c.id > 0 {
		c.tear(o.Dir, o.Lost)
		c.lostBytes(o.Dir, o.Lost)
	}
	if len(o.Plain) > 0 && c.phase == reading {
		c.inside(o.Dir, o.Plain)
	}
	if o.Locked != "" {
		c.sealed, c.headless = o.Locked, o.Headless // there may be more to see of the handshake
	}
}
