package passive

import (
	"slices"
	"time"

	"xmppscope/session"
)

// A .pcap file of xmppscope has the plaintext of a session on two connections: one
// up to <proceed/>, which ends at that very moment, and one with a later port of
// the client for what was inside TLS. The second is the sequel of the first.

const (
	maxPaused = 64 // sessions that wait for their sequel
	maxMoved  = 64 // ports that are passed over because they are in use
)

// pause says whether the connection ends as the first part of a session does.
func (c *conn) pause(dir session.Dir) bool {
	return c.paused || !c.r.live && dir == session.C2S && c.tls == nil && !c.proceeded.IsZero() && c.at.Equal(c.proceeded)
}

// await keeps the session of a connection for its sequel.
func (r *reader) await(c *conn) {
	if len(r.paused) >= maxPaused {
		r.paused[0].abandon()
		r.paused = r.paused[1:]
	}
	r.paused = append(r.paused, c)
}

// abandon tells the end of a session that has no sequel.
func (c *conn) abandon() {
	for _, dir := range []session.Dir{session.C2S, session.S2C} {
		c.record(c.at, session.Seen{Leg: dir.From(), Dir: dir, Body: session.TCPHalfClosed{}})
	}
	c.record(c.at, session.Seen{Leg: session.ClientLeg, Body: session.TCPClosed{By: "client"}})
}

// sequel makes the connection go on with the session that it is the sequel of, if
// there is one: the one with the next lower port.
func (c *conn) sequel(at time.Time) bool {
	if !c.wire.Began || c.direct {
		return false
	}
	best := -1
	for i, p := range c.r.paused {
		ahead := int(c.wire.Client.Port()) - int(p.wire.Client.Port())
		if p.wire.Server != c.wire.Server || p.wire.Client.Addr() != c.wire.Client.Addr() || ahead < 1 || ahead > maxMoved {
			continue
		}
		if best < 0 || p.wire.Client.Port() > c.r.paused[best].wire.Client.Port() {
			best = i
		}
	}
	if best < 0 {
		return false
	}
	p := c.r.paused[best]
	c.r.paused = slices.Delete(c.r.paused, best, best+1)
	c.id, c.seq, c.explain, c.domain, c.secured = p.id, p.seq, p.explain, p.domain, true
	c.stream = p.stream
	c.stream.Secured()
	c.rest(at)
	return true
}
