package tls

import "xmppscope/session"

// epoch is a stage of TLS 1.3 that has keys of its own.
type epoch uint8

const (
	epochEarly epoch = iota // 0-RTT data of the client
	epochHandshake
	epochTraffic
)

// label is the secret of an epoch.
func (e epoch) label(dir session.Dir) label {
	switch {
	case e == epochEarly:
		return earlyTraffic
	case e == epochHandshake && dir == session.C2S:
		return clientHandshake
	case e == epochHandshake:
		return serverHandshake
	case dir == session.C2S:
		return clientTraffic
	}
	return serverTraffic
}

// record13 processes a record of TLS 1.3.
func (c *Conn) record13(h *half, typ byte, record []byte) bool {
	switch {
	case typ == recordData && c.locked:
		c.look(h, record)
		return true
	case typ == recordData:
		return c.sealed13(h, record)
	case typ == recordHandshake || typ == recordAlert:
		// OpenSSL sends alerts in the clear even after the server has begun to encrypt.
		c.content(h, typ, record[headerSize:])
	}
	return true // change_cipher_spec means nothing here (RFC 8446 §5)
}

// sealed13 decrypts a record: with the keys in use, or with those of a later epoch
// where what announces them is missing, is encrypted itself, or never comes (as
// after early data that was rejected).
func (c *Conn) sealed13(h *half, record []byte) bool {
	if c.hs.hello == nil {
		if !c.c2s.began && !c.over {
			return false
		}
		c.lockHeadless(h, "the ClientHello is")
		return true
	}
	if why := c.unable(); why != "" {
		c.lock(h, why)
		return true
	}
	if h.epoch == epochEarly && c.undecided() {
		return false
	}
	if h.open != nil {
		if o, ok := h.open.open(c.keys.plain, record, h.number, h.slack); ok {
			c.accept(h, o)
			return true
		}
	}
	if c.later(h, record) || h.slack > 0 && c.updated(h, record) {
		return true
	}
	if !c.has(h, epochTraffic) && (h.epoch == epochTraffic || !c.has(h, epochHandshake)) {
		if !c.keys.complete && !c.over {
			return false
		}
		c.lock(h, c.missing())
		return true
	}
	c.miss13(h, record)
	return true
}

// undecided says whether the server's word on early data is still to come, in its
// EncryptedExtensions. What it rejects is sent again.
func (c *Conn) undecided() bool {
	return !c.hs.decided && c.s2c.slack == 0 && c.s2c.epoch == epochHandshake && !c.over &&
		(c.has(&c.s2c, epochHandshake) || !c.keys.complete)
}

// has says whether there is a secret for an epoch of this direction.
func (c *Conn) has(h *half, e epoch) bool {
	return c.keys.of(c.hs.hello.random)[e.label(h.dir)] != nil
}

// later tries the keys of the epoch that is due, and of those after it.
func (c *Conn) later(h *half, record []byte) bool {
	next := h.epoch
	if h.open != nil {
		next++
	}
	all := c.keys.of(c.hs.hello.random)
	for e := next; e <= epochTraffic; e++ {
		secret := all[e.label(h.dir)]
		if secret == nil {
			continue
		}
		if o, ok := c.tryKeys(h, secret, record); ok {
			h.epoch = e
			c.accept(h, o)
			return true
		}
	}
	return false
}

// updated tries the keys after one or two KeyUpdates that may be missing.
func (c *Conn) updated(h *half, record []byte) bool {
	if h.epoch != epochTraffic || h.secret == nil {
		return false
	}
	secret := h.secret
	for range 2 {
		secret = c.hs.suite.nextSecret(secret)
		if o, ok := c.tryKeys(h, secret, record); ok {
			c.accept(h, o)
			return true
		}
	}
	return false
}

// tryKeys makes an opener for a secret, and keeps it if it opens the record.
func (c *Conn) tryKeys(h *half, secret, record []byte) (opened, bool) {
	opener := c.hs.suite.open13(secret)
	if opener == nil {
		return opened{}, false
	}
	o, ok := opener.open(c.keys.plain, record, 0, h.slack)
	if ok {
		h.open, h.secret = opener, secret
	}
	return o, ok
}

// mostEarly is how many records of early data may remain unread.
const mostEarly = 1024

// miss13 goes on behind a record of TLS 1.3 that cannot be decrypted. That is no
// surprise for early data, and for the handshake if only the later secrets are
// there.
func (c *Conn) miss13(h *half, record []byte) {
	switch {
	case h.epoch == epochEarly && h.missed < mostEarly && (h.slack == 0 || h.missed < mostMissed):
		h.missed++
		if c.hs.accepted {
			c.say(h, Output{Lost: int64(len(record) - headerSize)})
		}
	case h.open == nil && !c.has(h, h.epoch) && h.missed < mostMissed:
		h.missed++
	default:
		c.miss(h, record)
	}
}
