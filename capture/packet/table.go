package packet

import (
	"bytes"
	"time"

	"xmppscope/session"
)

// Bounds of what is kept. A capture of a busy machine has many connections that
// are of no interest; of each there is little but its place in the table.
const (
	maxConns  = 1 << 14
	maxHalf   = 4 << 20  // bytes of one direction behind a gap
	maxPieces = 4096     // segments that hold them
	maxBehind = 64 << 20 // of all
)

// table knows the connections of a capture.
type table struct {
	emit      func(*Event) error
	err       error
	now       time.Time
	conns     map[pair]*Conn
	newest    *Conn // in the order of use
	oldest    *Conn
	behind    int // bytes that wait for others before them
	fragments fragments
	stats     Stats
	event     Event

	tellsPackets bool
	packets      []*Packet // that have brought the segment at hand
}

func newTable(emit func(*Event) error) *table {
	return &table{emit: emit, conns: map[pair]*Conn{}}
}

// tell emits an event, unless emit has failed before.
func (t *table) tell(e Event) {
	if t.err == nil {
		t.event = e
		t.err = t.emit(&t.event)
	}
}

// segment finds or makes the connection of a segment.
func (t *table) segment(s *segment) {
	key, fromA := pairOf(s)
	c := t.newest
	if c == nil || c.key != key {
		c = t.conns[key]
	}
	if c != nil && s.flags&(flagSYN|flagACK) == flagSYN && c.reused(c.dir(fromA), s) {
		t.remove(c)
		c = nil
	}
	if c == nil {
		if s.flags&flagRST != 0 || s.size == 0 && s.flags&flagSYN == 0 {
			return // nothing to learn yet
		}
		c = t.begin(key, s)
	}
	t.touch(c)
	c.packets++
	if t.tellsPackets {
		t.tellPackets(c, c.dir(fromA))
	}
	if !c.over {
		t.take(c, c.dir(fromA), s)
	}
}

// pairOf is the key of a segment's connection, and whether it comes from key.a.
func pairOf(s *segment) (key pair, fromA bool) {
	if bytes.Compare(s.from[:], s.to[:]) > 0 {
		return pair{s.to, s.from}, false
	}
	return pair{s.from, s.to}, true
}

// dir is the direction of packets from key.a, or from key.b.
func (c *Conn) dir(fromA bool) session.Dir {
	if fromA {
		return c.fromA
	}
	return c.fromA.Opposite()
}

// reused says whether a SYN begins another connection between the same ends.
func (c *Conn) reused(dir session.Dir, s *segment) bool {
	h := &c.halves[dir]
	if c.over || h.ended {
		return true
	}
	if !h.known || c.Began && s.seq == c.isn {
		return false
	}
	ahead := int32(s.seq - h.next)
	return ahead > maxHalf || ahead < -maxHalf
}

// begin makes a connection of its first segment.
func (t *table) begin(key pair, s *segment) *Conn {
	if len(t.conns) >= maxConns {
		t.remove(t.oldest)
	}
	c := &Conn{key: key}
	client, server := s.from, s.to
	switch {
	case s.flags&(flagSYN|flagACK) == flagSYN:
		c.Began, c.isn = true, s.seq
	case s.flags&flagSYN != 0, looksLikeServer(s.from, s.to):
		client, server = server, client
	}
	c.Began = c.Began || s.flags&flagSYN != 0
	c.Client, c.Server = client.addrPort(), server.addrPort()
	c.fromA = session.C2S
	if client != key.a {
		c.fromA = session.S2C
	}
	t.conns[key] = c
	t.stats.Connections++
	t.tell(Event{Kind: Opened, Conn: c, At: t.now})
	return c
}

// looksLikeServer guesses which end is the server's by the ports.
func looksLikeServer(from, to end) bool {
	a, b := from.port(), to.port()
	if IsXMPP(a) != IsXMPP(b) {
		return IsXMPP(a)
	}
	return a < b
}

// IsXMPP says whether servers use a port for XMPP by agreement or habit.
func IsXMPP(port uint16) bool {
	switch port {
	case 5222, 5223, 5269, 5270, 5275, 5298, 5347:
		return true
	}
	return false
}

// touch makes a connection the newest in the order of use.
func (t *table) touch(c *Conn) {
	if t.newest == c {
		return
	}
	t.unlink(c)
	c.next = t.newest
	if c.next != nil {
		c.next.prev = c
	}
	t.newest = c
	if t.oldest == nil {
		t.oldest = c
	}
}

func (t *table) unlink(c *Conn) {
	if c.prev != nil {
		c.prev.next = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	}
	if t.newest == c {
		t.newest = c.next
	}
	if t.oldest == c {
		t.oldest = c.prev
	}
	c.prev, c.next = nil, nil
}

// remove forgets a connection, after telling what is left of it.
func (t *table) remove(c *Conn) {
	t.finish(c)
	if !c.over {
		c.over = true
		t.tell(Event{Kind: Closed, Conn: c, Dir: session.NoDir, At: t.now})
	}
	t.unlink(c)
	delete(t.conns, c.key)
}

// flush tells what is left of every connection at the end of the capture. They
// are not closed, but where they were reset: nobody knows what came of them.
func (t *table) flush() {
	for c := t.oldest; c != nil; c = c.prev {
		t.finish(c)
	}
}

// drain gives up waiting for what is missing of a connection.
func (t *table) drain(c *Conn) {
	for _, d := range []session.Dir{session.C2S, session.S2C} {
		h := &c.halves[d]
		for len(h.late) > 0 {
			t.skip(c, d, h.late[0].seq)
		}
		if h.waiting {
			t.skip(c, d, h.lastAcked())
		}
		t.end(c, d)
	}
}
