package tls

import "fmt"

// NewKeys gives the key-log lines of the newest handshake if more of them are known
// than at the call before; all that are known, for a reader who has none of the
// others. A handshake up to TLS 1.2 that may resume another one has its line too.
func (c *Conn) NewKeys() (lines []string) {
	hello := c.hs.hello
	if hello == nil {
		return nil
	}
	all := *c.keys.of(hello.random)
	if all[masterSecret] == nil {
		all[masterSecret] = c.resumable()
	}
	known := 0
	for _, secret := range all {
		if secret != nil {
			known++
		}
	}
	if known == 0 || c.given.who == hello.random && c.given.known == known {
		return nil
	}
	c.given.who, c.given.known = hello.random, known
	for l, secret := range all {
		if secret != nil {
			lines = append(lines, fmt.Sprintf("%s %x %x", labelNames[l], hello.random, secret))
		}
	}
	return lines
}

// resumable is the master secret of the connection that a client asks to resume,
// nil if there is none.
func (c *Conn) resumable() []byte {
	for _, shown := range [][]byte{c.hs.hello.ticket, c.hs.hello.sessionID} {
		if r, ok := c.keys.sessions.get(shown); ok {
			return r.master
		}
	}
	return nil
}

// Waits says whether secrets of the newest handshake may still come: something is
// kept for them, or it has begun and NewKeys has given none yet.
func (c *Conn) Waits() bool {
	if len(c.c2s.waiting)+len(c.s2c.waiting) > 0 {
		return true
	}
	return c.hs.hello != nil && c.given.known == 0 && !c.keys.complete && !c.locked && !c.failed && !c.over
}
