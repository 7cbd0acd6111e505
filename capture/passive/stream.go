package passive

import (
	"xmppscope/capture/tls"
	"xmppscope/decode"
	"xmppscope/session"
)

// plain takes plaintext of a direction, compressed or not.
func (c *conn) plain(dir session.Dir, p []byte) {
	l := &c.lanes[dir]
	if z := l.inflate; z != nil && !l.scan.IsOpaque() {
		if err := z.Feed(p, func(plain []byte) { c.text(dir, plain) }); err != nil {
			c.opaque(dir, err.Error())
		}
		return
	}
	c.text(dir, p)
}

// text cuts a direction's XML into events, up to a turn of the stream.
func (c *conn) text(dir session.Dir, p []byte) {
	for l := &c.lanes[dir]; len(p) > 0; {
		if l.rest && c.mayTurn(dir) && isRecord(p[0]) {
			c.secure(dir, p)
			return
		}
		if l.lost {
			p = c.resync(dir, p)
			continue
		}
		n, f, ok := l.scan.Next(p)
		p = p[n:]
		l.rest = ok
		if !ok {
			return
		}
		if f.Problem != nil && l.guessed {
			c.strayed(dir, &f)
			continue
		}
		c.frame(dir, &f)
		switch l.scan.TurnAfter(dir, &f) {
		case decode.AsksTLS:
			c.asked = true
		case decode.BeginsTLS:
			c.asked, c.proceeded = true, c.at
		case decode.RefusesTLS:
			c.asked = false
		case decode.Compresses:
			if l.inflate == nil {
				c.compress()
				c.plain(dir, p)
				return
			}
		}
	}
}

// mayTurn says whether TLS may begin in a direction: no byte of XML looks like the
// first of a record, so that is decided by the byte itself.
func (c *conn) mayTurn(dir session.Dir) bool {
	l := &c.lanes[dir]
	return (c.asked || l.guessed) && !c.secured && l.inflate == nil
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
	l := &c.lanes[dir]
	c.giveSkipped(dir, len(l.skipped))
	c.restart(dir) // nothing of the stream in the clear is carried over
	l.secure, l.guessed, l.lost = true, false, false
	if c.tls == nil {
		c.tls = c.newTLS()
	}
}

// frame records a frame, and the reason if it is the first of an opaque direction.
func (c *conn) frame(dir session.Dir, f *decode.Frame) {
	if f.Problem != nil {
		c.record(session.Event{Leg: dir.From(), Dir: dir, Body: session.RelayOpaque{Reason: f.Problem.Reason, At: f.Problem.At}})
	}
	if dir == session.C2S && f.Kind == decode.Opened {
		if root, _ := decode.ParseTag(f.Raw, nil); root != nil {
			c.domain = root.Attr("to")
			c.server = root.Attr("xmlns") == "jabber:server"
		}
	}
	c.record(f.Event(dir))
}

// strayed takes a frame that shows that an element's beginning was guessed wrong,
// as inside a forwarded stanza, and looks for the next one.
func (c *conn) strayed(dir session.Dir, f *decode.Frame) {
	c.record(f.Event(dir))
	c.restart(dir)
	c.lanes[dir].lost = true
}

// restart forgets the open stream of a direction.
func (c *conn) restart(dir session.Dir) {
	l := &c.lanes[dir]
	if f, ok := l.scan.Finish(); ok {
		c.frame(dir, &f)
	}
	l.scan.Reset()
	l.rest = true
}

// compress begins a new, compressed stream in both directions (XEP-0138 §3).
func (c *conn) compress() {
	for _, dir := range []session.Dir{session.C2S, session.S2C} {
		c.restart(dir)
		c.lanes[dir].inflate = decode.NewInflater()
	}
}

// opaque gives up understanding a direction.
func (c *conn) opaque(dir session.Dir, reason string) {
	l := &c.lanes[dir]
	if f, ok := l.scan.Opaque(); ok {
		c.frame(dir, &f)
	}
	c.record(session.Event{Leg: dir.From(), Dir: dir, Body: session.RelayOpaque{Reason: reason, At: l.scan.Offset()}})
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
	c.tear(dir)
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

// tear ends what was open in a direction; what comes next begins anywhere.
func (c *conn) tear(dir session.Dir) {
	l := &c.lanes[dir]
	if l.inflate != nil {
		if !l.scan.IsOpaque() {
			c.opaque(dir, "compressed bytes are missing, and what follows cannot be unfolded without them")
		}
		return
	}
	c.giveSkipped(dir, len(l.skipped))
	c.restart(dir)
	l.guessed, l.lost = true, true
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
		c.tear(o.Dir)
		c.lostBytes(o.Dir, o.Lost)
	}
	if len(o.Plain) > 0 && c.phase == reading {
		c.inside(o.Dir, o.Plain)
	}
	if o.Locked != "" {
		c.sealed, c.headless = o.Locked, o.Headless // there may be more to see of the handshake
	}
}
