package packet

import (
	"bytes"
	"time"

	"xmppscope/internal/lent"
	"xmppscope/session"
)

const (
	flagFIN = 1 << iota
	flagSYN
	flagRST
	_
	flagACK
)

// When bytes count as lost: the other side has acknowledged them, so that they
// will not come again, and so many packets, or so much time, have gone by (packets
// are captured out of order too); or nobody has acknowledged anything for long.
const (
	patience   = 16
	ackedWait  = time.Second
	silentWait = 30 * time.Second
)

// half is one direction of a connection.
type half struct {
	known bool
	next  uint32 // sequence number of the next byte to give
	first uint32 // what next was at first
	late  []piece
	size  int // bytes in late
	fin   bool
	finAt uint32
	ended bool

	acked   uint32    // as far as the other side has had it
	waiting bool      // acked lies beyond next
	since   int       // packets of the connection when waiting began
	begun   time.Time // when it did, or when the oldest of late came
}

// piece is a segment that came before its time.
type piece struct {
	seq  uint32
	data []byte
	size int
}

// begin says which byte is the first of a direction, as far as anyone knows.
func (h *half) begin(seq uint32) {
	if !h.known {
		h.known, h.next, h.first = true, seq, seq
	}
}

// take brings a segment to its direction.
func (t *table) take(c *Conn, dir session.Dir, s *segment) {
	h, back := &c.halves[dir], &c.halves[dir.Opposite()]
	if s.flags&flagSYN != 0 {
		s.seq++ // data behind a SYN (RFC 7413)
		h.begin(s.seq)
	}
	if s.flags&flagACK != 0 {
		back.acknowledge(c, s.ack, t.now)
	}
	if s.flags&flagRST != 0 {
		t.resets(c, dir, s)
		return
	}
	h.begin(s.seq)
	if s.flags&flagFIN != 0 {
		h.fin, h.finAt = true, s.seq+uint32(s.size)
	}
	if c.Ignore {
		h.next = s.seq + uint32(s.size)
		t.drop(h)
	} else if s.size > 0 {
		t.order(c, dir, piece{s.seq, s.data, s.size})
	}
	t.impatient(c, dir)
	t.impatient(c, dir.Opposite())
	t.end(c, dir)
	t.closeReset(c)
}

// acknowledge notes how far the other side has had this direction.
func (h *half) acknowledge(c *Conn, ack uint32, now time.Time) {
	h.begin(ack)
	if ahead := int32(ack - h.next); ahead <= 0 || ahead > maxBehind {
		return
	}
	if !h.waiting {
		h.waiting, h.since, h.begun = true, c.packets, now
		h.acked = ack
	}
	if int32(ack-h.acked) > 0 {
		h.acked = ack
	}
}

// lastAcked is acked without the number that a FIN takes.
func (h *half) lastAcked() uint32 {
	if h.fin && int32(h.acked-h.finAt) > 0 {
		return h.finAt
	}
	return h.acked
}

// order gives a piece, if it is its turn, or keeps it until it is.
func (t *table) order(c *Conn, dir session.Dir, p piece) {
	h := &c.halves[dir]
	switch ahead := int32(p.seq - h.next); {
	case ahead <= 0:
		t.give(c, dir, p)
		t.catchUp(c, dir)
	case ahead <= maxBehind:
		t.keep(h, p)
		for len(h.late) > 0 && (h.size > maxHalf || len(h.late) > maxPieces || t.behind > maxBehind) {
			t.skip(c, dir, h.late[0].seq)
		}
	}
}

// give emits what is new of a piece that is not ahead of its time.
func (t *table) give(c *Conn, dir session.Dir, p piece) {
	h := &c.halves[dir]
	old := int(h.next - p.seq)
	if old >= p.size { // all of it came before, or should have
		if int32(h.first-p.seq) > 1 { // by one: the probe of a keep-alive
			t.stats.Late++
		}
		return
	}
	data := p.data[min(old, len(p.data)):]
	cut := p.size - old - len(data)
	h.next += uint32(p.size - old)
	if c.Ignore {
		return
	}
	if len(data) > 0 {
		t.tell(Event{Kind: Data, Conn: c, Dir: dir, At: t.now, Bytes: data})
	}
	if cut > 0 {
		t.tell(Event{Kind: Gap, Conn: c, Dir: dir, At: t.now, Lost: int64(cut)})
	}
}

// catchUp gives the late pieces whose turn has come.
func (t *table) catchUp(c *Conn, dir session.Dir) {
	h := &c.halves[dir]
	n := 0
	for ; n < len(h.late) && int32(h.late[n].seq-h.next) <= 0; n++ {
		p := h.late[n]
		h.size -= len(p.data)
		t.behind -= len(p.data)
		t.give(c, dir, p)
		lent.Back(p.data)
	}
	if n > 0 {
		h.late = append(h.late[:0], h.late[n:]...)
		clear(h.late[len(h.late):cap(h.late)])
		h.begun = t.now
	}
	if h.waiting && int32(h.acked-h.next) <= 0 {
		h.waiting = false
	}
}

// keep puts a copy of a piece among the late ones. One that begins where another
// does replaces it if it is longer.
func (t *table) keep(h *half, p piece) {
	if len(h.late) == 0 && !h.waiting {
		h.begun = t.now
	}
	at := len(h.late)
	for at > 0 && int32(h.late[at-1].seq-p.seq) >= 0 {
		at--
	}
	if at < len(h.late) && h.late[at].seq == p.seq {
		if len(h.late[at].data) >= len(p.data) {
			return
		}
		h.size -= len(h.late[at].data)
		t.behind -= len(h.late[at].data)
	} else {
		h.late = append(h.late, piece{})
		copy(h.late[at+1:], h.late[at:])
	}
	p.data = bytes.Clone(p.data)
	h.late[at] = p
	h.size += len(p.data)
	t.behind += len(p.data)
}

// drop forgets the late pieces of a direction that nobody wants.
func (t *table) drop(h *half) {
	t.behind -= h.size
	h.late, h.size, h.waiting = nil, 0, false
}

// impatient gives up waiting for bytes that will not come.
func (t *table) impatient(c *Conn, dir session.Dir) {
	h := &c.halves[dir]
	waited := t.now.Sub(h.begun)
	switch {
	case h.waiting && (c.packets-h.since >= patience || waited > ackedWait):
		to := h.lastAcked()
		if len(h.late) > 0 && int32(h.late[0].seq-to) < 0 {
			to = h.late[0].seq
		}
		t.skip(c, dir, to)
	case len(h.late) > 0 && waited > silentWait:
		t.skip(c, dir, h.late[0].seq)
	}
}

// skip goes on behind bytes that are lost. One byte with nothing behind it is no
// loss: it is the number that a FIN takes.
func (t *table) skip(c *Conn, dir session.Dir, to uint32) {
	h := &c.halves[dir]
	if lost := int32(to - h.next); lost > 0 {
		h.next = to
		if (lost > 1 || len(h.late) > 0) && !c.Ignore {
			t.tell(Event{Kind: Gap, Conn: c, Dir: dir, At: t.now, Lost: int64(lost)})
		}
	}
	t.catchUp(c, dir)
	h.since, h.begun = c.packets, t.now
	if t.err != nil {
		t.drop(h)
	}
}

// end tells that a direction has ended, once all of it has come.
func (t *table) end(c *Conn, dir session.Dir) {
	h := &c.halves[dir]
	if !h.fin || h.ended || int32(h.finAt-h.next) > 0 {
		return
	}
	h.ended = true
	h.next = h.finAt + 1
	if c.first == session.NoDir {
		c.first = dir
	}
	t.tell(Event{Kind: Ended, Conn: c, Dir: dir, At: t.now})
	if c.halves[dir.Opposite()].ended {
		c.over = true
		t.tell(Event{Kind: Closed, Conn: c, Dir: c.first, At: t.now})
	}
}

// reset says that a side has reset a connection, which is not told before what both
// have sent until then.
type reset struct {
	by    session.Dir // NoDir: nobody has
	at    uint32      // where in its direction
	since int         // packets of the connection
	begun time.Time
}

// resets notes a reset, unless the packet lies far from where it should: such ones
// are made up by others than the two ends, and ignored by them.
func (t *table) resets(c *Conn, dir session.Dir, s *segment) {
	h := &c.halves[dir]
	if h.known {
		if ahead := int32(s.seq - h.next); ahead < -maxHalf || ahead > maxHalf {
			return
		}
	}
	if c.reset.by == session.NoDir {
		c.reset = reset{dir, s.seq, c.packets, t.now}
	}
	t.closeReset(c)
}

// closeReset ends a connection that was reset, if nothing is missing of what was sent
// before, or that has been waited for long enough.
func (t *table) closeReset(c *Conn) {
	r := &c.reset
	if r.by == session.NoDir || c.over {
		return
	}
	h, back := &c.halves[r.by], &c.halves[r.by.Opposite()]
	missing := h.known && int32(r.at-h.next) > 0 || back.waiting
	if missing && c.packets-r.since < patience && t.now.Sub(r.begun) <= ackedWait {
		return
	}
	t.finish(c)
}

// finish tells what is left of a connection, and that it was reset, if it was.
func (t *table) finish(c *Conn) {
	t.drain(c)
	if c.reset.by != session.NoDir && !c.over {
		c.over = true
		t.tell(Event{Kind: Closed, Conn: c, Dir: c.reset.by, At: t.now, Reset: true})
	}
}
