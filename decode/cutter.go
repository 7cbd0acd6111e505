package decode

import "xmppscope/session"

// Cutter makes the events of one session of what was seen of it, in order: it has a
// Stream cut the plaintext of each connection, tells what is left of a side when that ends,
// and gives out the events' numbers.
type Cutter struct {
	Stream // of the connection that the session has begun with
	// Marked, if it is not nil, is told where a direction stands at each session.StreamMark.
	Marked func(session.Dir, Lane)

	joined map[int32]*Stream // of connections that have joined
	bosh   *Connections      // nil: the session has one connection
	record func(session.Seen)
	seq    uint64
	last   [3]uint64  // by direction: of the newest piece
	recent *[3][]told // by direction: the newest pieces of a compressed stream; nil: it is none
}

// told is a piece that was told.
type told struct {
	offset int64
	seq    uint64
}

// maxRecentPieces is how many of them are kept: so many may come in a compressed block.
const maxRecentPieces = 1024

// NewCutter makes one that hands each event to record. They own their bytes.
func NewCutter(record func(session.Seen)) *Cutter { return &Cutter{record: record} }

// Take takes what was seen next: plaintext (session.StreamBytes), whose Raw is borrowed,
// or an event.
func (c *Cutter) Take(e session.Seen) {
	s := c.stream(e.Conn)
	switch b := e.Body.(type) {
	case session.StreamBytes:
		for rest := e.Raw; ; {
			n, piece, ok := s.Next(e.Dir, rest)
			if !ok {
				return
			}
			rest = rest[n:]
			c.tell(&piece, &e)
		}
	case session.TLSEstablished:
		s.Secured()
	case session.TCPHalfClosed:
		s.Finish(e.Dir)
	case session.TCPClosed:
		s.Finish(session.C2S)
		s.Finish(session.S2C)
		if e.Leg == session.ClientLeg {
			delete(c.joined, e.Conn)
		}
	case session.RelayEdited: // it comes right behind what it is about
		b.Of = c.about(&e)
		e.Body = b
	case session.RelayBent:
		b.Of = c.about(&e)
		e.Body = b
	case session.StreamMark:
		if c.Marked != nil {
			c.Marked(e.Dir, s.Lane(e.Dir))
		}
		return
	case session.LogLost:
		if e.Dir != session.NoDir {
			s.Lost(e.Dir, b.Bytes)
		}
	}
	for piece, ok := s.Rest(); ok; piece, ok = s.Rest() {
		c.tell(&piece, &e)
	}
	c.number(e)
}

// stream is what is said on a connection.
func (c *Cutter) stream(conn int32) *Stream {
	if conn == 0 {
		return &c.Stream
	}
	s := c.joined[conn]
	if s == nil {
		if c.joined == nil {
			c.joined = map[int32]*Stream{}
		}
		s = new(Stream)
		c.joined[conn] = s
	}
	return s
}

// From says that the next event's number is the one behind seq: the cutter goes on with a
// session of which others have told that much.
func (c *Cutter) From(seq uint64) { c.seq = seq }

// Settle says that nothing more is at hand: what need not wait for more is told.
func (c *Cutter) Settle() {
	if c.bosh != nil {
		c.bosh.Rest()
	}
}

// End says that nothing more will come.
func (c *Cutter) End() {
	if c.bosh != nil {
		c.bosh.Finish()
	}
}

// tell records a piece that seen has brought.
func (c *Cutter) tell(p *Piece, seen *session.Seen) {
	p.Events(func(e session.Seen) {
		e.Session, e.At, e.Conn = seen.Session, seen.At, seen.Conn
		c.number(e)
		_, space := e.Body.(session.StreamWhitespace)
		if session.IsPlaintext(e.Body) && !(space && c.IsFramed(e.Dir)) { // in a message it goes with the element
			c.last[e.Dir] = c.seq
			if c.IsCompressed(e.Dir) {
				c.remember(e.Dir, told{e.Offset, c.seq})
			}
		}
	})
}

func (c *Cutter) remember(dir session.Dir, t told) {
	if c.recent == nil {
		c.recent = new([3][]told)
	}
	if c.recent[dir] = append(c.recent[dir], t); len(c.recent[dir]) > maxRecentPieces {
		c.recent[dir] = append([]told(nil), c.recent[dir][maxRecentPieces/2:]...)
	}
}

// about is the number of the piece that an event of the relay's own is about: the newest one
// of its direction, unless that is compressed, where several come at once. Its offset tells then.
func (c *Cutter) about(e *session.Seen) uint64 {
	offset := e.Offset
	if e.Offset = 0; c.recent == nil {
		return c.last[e.Dir]
	}
	for _, p := range c.recent[e.Dir] {
		if p.offset == offset && offset > 0 {
			return p.seq
		}
	}
	return c.last[e.Dir]
}

func (c *Cutter) number(e session.Seen) {
	if c.bosh != nil {
		c.bosh.Take(e)
		return
	}
	if session.Numbered(e.Body) {
		c.seq++
		e.Seq = c.seq
	}
	c.record(e)
	if _, opened := e.Body.(session.StreamOpened); opened {
		c.bosh = NewConnections(&e, c.record)
	}
}
