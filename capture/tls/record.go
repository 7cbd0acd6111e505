package tls

import (
	"fmt"

	"xmppscope/session"
)

// clear processes a record that is not protected, of TLS 1.2 or older or before
// the version is known. Like all that process records, it returns false if the
// record has to wait.
func (c *Conn) clear(h *half, typ byte, record []byte) bool {
	switch {
	case typ == recordHandshake || typ == recordAlert:
		c.content(h, typ, record[headerSize:])
		return true
	case c.hs.version == 0:
		return c.early(h)
	case typ == recordCCS:
		c.sealNow(h)
		return true
	}
	if slack := h.slack; slack > 0 { // change_cipher_spec is among what is missing
		c.sealNow(h)
		h.slack = slack
		return c.sealed12(h, record)
	}
	return true // application data in the clear: there is no such thing
}

// early: a record that needs keys has come before the version is known. A client
// may send 0-RTT data before the ServerHello; for anything else the beginning of
// the connection is missing.
func (c *Conn) early(h *half) bool {
	if c.locked {
		return true
	}
	if c.hs.hello != nil && h.dir == session.C2S && c.s2c.slack == 0 && !c.over {
		return false
	}
	if c.hs.hello == nil && !c.c2s.began && !c.over {
		return false // the other direction may be behind
	}
	what := "the ServerHello is"
	if c.hs.hello == nil {
		what = "the handshake is"
	}
	c.lockHeadless(h, what)
	return true
}

// sealNow: from here this direction is protected by new keys (up to TLS 1.2).
func (c *Conn) sealNow(h *half) {
	if h.dir == session.S2C && !c.hs.done && h.slack == 0 {
		c.hs.resumed = true // RFC 5246 §7.3, figure 2: the server is first
	}
	h.sealed, h.open, h.number, h.slack = true, nil, 0, 0
}

// sealed12 processes a protected record of TLS 1.2 or older.
func (c *Conn) sealed12(h *half, record []byte) bool {
	if c.locked {
		c.look(h, record)
		return true
	}
	if h.open == nil && !c.unlock12(h) {
		return c.locked
	}
	o, ok := h.open.open(c.keys.plain, record, h.number, h.slack)
	if !ok {
		c.miss(h, record)
		return true
	}
	c.accept(h, o)
	return true
}

// unlock12 makes the opener of a direction from the master secret.
func (c *Conn) unlock12(h *half) bool {
	if c.hs.hello == nil || c.hs.server == nil {
		if c.hs.hello != nil || c.c2s.began || c.over {
			c.lockHeadless(h, "the handshake is")
		}
		return false
	}
	if why := c.unable(); why != "" {
		c.lock(h, why)
		return false
	}
	master := c.master()
	if master == nil {
		if c.keys.complete || c.over {
			c.lock(h, c.missing())
		}
		return false
	}
	if h.open = c.hs.suite.open12(&c.hs, master, h.dir); h.open == nil {
		c.lock(h, fmt.Sprintf("%s with %s cannot be decrypted here", session.TLSVersionName(c.hs.version), c.hs.suite.name))
		return false
	}
	return true
}

// accept goes on with a record that was decrypted.
func (c *Conn) accept(h *half, o opened) {
	c.keys.plain = o.content[:0]
	h.number, h.slack, h.missed = o.number+1, 0, 0
	h.opened++
	c.content(h, o.typ, o.content)
}

// mostMissed is how many records in a row may not be decrypted before a direction
// is given up.
const mostMissed = 16

// miss goes on behind a record that cannot be decrypted.
func (c *Conn) miss(h *half, record []byte) {
	h.missed++
	switch {
	case h.opened == 0 && h.slack == 0:
		c.lock(h, fmt.Sprintf("the secrets for client random %x do not fit: the first encrypted record of the %s is not authentic with them", c.hs.hello.random, h.dir.Sender()))
		return
	case h.missed > mostMissed:
		c.lock(h, fmt.Sprintf("decryption of what the %s sent could not be taken up again where bytes are missing", h.dir.Sender()))
		return
	}
	h.slack = min(h.slack+1, mostSlack)
	c.lost(h, int64(len(record)-headerSize))
}

// mostSlack bounds how many record numbers are tried after a gap.
const mostSlack = 2048

// smallRecord is about the least that a record takes, header included.
const smallRecord = 24

// gap goes on behind missing bytes.
func (c *Conn) gap(h *half, n int64) {
	h.messages = messages{}
	records := uint64(mostSlack)
	if n >= 0 {
		records = uint64(n)/smallRecord + 1
	}
	h.slack = min(h.slack+records, mostSlack)
	c.lost(h, n)
}

// lost tells of missing application data.
func (c *Conn) lost(h *half, n int64) {
	if c.established && !c.locked {
		c.say(h, Output{Lost: max(n, 1)})
	}
}

// content goes on with what a record holds.
func (c *Conn) content(h *half, typ byte, p []byte) {
	switch typ {
	case recordHandshake:
		h.messages.feed(p, func(typ byte, body []byte) { c.message(h, typ, body) })
	case recordAlert:
		if len(p) == 2 {
			c.alert(h, p[0], session.Alert(p[1]))
		}
	case recordData:
		early := h.epoch == epochEarly && c.hs.version == version13
		if !early {
			c.establish(h)
		}
		if len(p) > 0 && (!early || c.hs.accepted) {
			c.say(h, Output{Plain: p})
		}
	case recordCCS:
		if c.hs.version < version13 { // a renegotiation
			c.sealNow(h)
		}
	}
}

// lock says, once, why nothing can be decrypted. From now on records are only
// looked at from outside.
func (c *Conn) lock(h *half, why string) {
	if c.locked {
		return
	}
	c.locked = true
	c.say(h, Output{Locked: why})
}

// lockHeadless is lock for want of the beginning.
func (c *Conn) lockHeadless(h *half, what string) {
	if c.locked {
		return
	}
	c.locked = true
	c.say(h, Output{Locked: what + " not in the capture: it has to begin before the connection does, and hold both directions", Headless: true})
}

// look sees what a protected record tells without keys.
func (c *Conn) look(h *half, record []byte) {
	typ, size := record[0], len(record)-headerSize
	h.seen++
	h.alert = typ == recordAlert
	if c.hs.version < version13 {
		if typ == recordData {
			c.establish(h)
		}
		return
	}
	// A TLS 1.3 alert is two bytes, a type and a tag of 16 bytes.
	const alertSize = 2 + 1 + 16
	h.alert = size == alertSize
	answered := h.dir == session.S2C && c.c2s.seen > 0 || h.dir == session.C2S && h.seen > 1
	if answered && !h.alert && c.hs.hello != nil && !c.hs.hello.early {
		c.establish(h)
	}
}
