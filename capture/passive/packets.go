package passive

import (
	"bytes"
	"time"

	"xmppscope/capture/packet"
	"xmppscope/session"
)

// Bounds of the packets that wait until it is known whose they are, or until the
// secrets that open them have come: bytes of one connection, and of all.
const (
	maxWaiting    = 2 << 20
	maxWaitingAll = 64 << 20
	packetCost    = 400 // of a packet besides its bytes
)

// waiting are packets of a connection that wait, oldest first.
type waiting struct {
	packets []session.Seen
	size    int
}

// captured takes a packet of the connection, before what it brings. dir is the one
// that the packets' reader thinks it has.
func (c *conn) captured(dir session.Dir, p *packet.Packet) {
	if c.phase == ignored || c.phase == over && c.id == 0 {
		return
	}
	e := session.Seen{
		At: p.At, Leg: session.ClientLeg, Dir: dir, Raw: bytes.Clone(p.Data), Size: int64(p.Length), Truncated: p.Length > len(p.Data),
		Body: session.WirePacket{On: p.On.Interface, Stamp: p.Stamp, Remarks: session.Remarks{Comments: p.Comments}},
	}
	w := &c.waiting
	w.packets = append(w.packets, e)
	w.size += packetCost + len(e.Raw)
	c.r.kept += packetCost + len(e.Raw)
	switch {
	case c.id > 0 && (!c.waits() || w.size > maxWaiting || c.r.kept > maxWaitingAll):
		c.passPackets()
	case w.size > maxWaiting || c.r.kept > maxWaitingAll:
		c.r.report.Unkept += len(w.packets)
		c.dropPackets()
	}
}

// waits says whether secrets may yet come that have to stand before the packets.
func (c *conn) waits() bool { return c.tls != nil && c.tls.Waits() }

// pass emits what can be emitted of secrets and packets.
func (c *conn) pass() {
	if c.id == 0 || !c.r.o.Wire {
		return
	}
	c.passKeys(c.at)
	if !c.waits() {
		c.passPackets()
	}
}

// passKeys emits the secrets that have become known.
func (c *conn) passKeys(at time.Time) {
	if c.tls == nil || !c.r.o.Wire {
		return
	}
	for _, line := range c.tls.NewKeys() {
		c.emit(session.Seen{At: at, Leg: session.ClientLeg, Body: session.TLSSecret{Line: line}})
	}
}

// passPackets emits the packets that have waited.
func (c *conn) passPackets() {
	packets := c.waiting.packets
	c.dropPackets()
	for _, e := range packets {
		e.Dir = c.turned(e.Dir)
		c.emit(e)
	}
}

func (c *conn) dropPackets() {
	c.r.kept -= c.waiting.size
	c.waiting = waiting{}
}

// emit hands on an event that is not numbered.
func (c *conn) emit(e session.Seen) {
	e.Session, e.Conn = c.id, c.conn
	if c.r.err == nil {
		c.r.err = c.r.emit(session.Event{Seen: e}, nil)
	}
}
