package decode

import (
	"cmp"

	"xmppscope/session"
)

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
	last   [3]uint64 // by direction: of the newest piece
	recent recent    // of a compressed stream
}

// recent are the newest pieces, by direction, where several come at once: in a compressed block,
// or a body of BOSH. nil keeps none.
type recent *[3][]told

// told is a piece that was told.
type told struct {
	conn   int32
	offset int64
	seq    uint64
}

// maxRecentPieces is how many of them are kept: so many may come at once.
const maxRecentPieces = 1024

// remember keeps a piece.
func remember(r *recent, e *session.Seen) {
	if *r == nil {
		*r = new([3][]told)
	}
	all := append((*r)[e.Dir], told{e.Conn, e.Offset, e.Seq})
	if len(all) > maxRecentPieces {
		all = append([]told(nil), all[maxRecentPieces/2:]...)
	}
	(*r)[e.Dir] = all
}

// find is the number of the piece that an event of the relay's own is about; 0: it is not known.
func find(r recent, e *session.Seen) uint64 {
	if r == nil || e.Offset == 0 {
		return 0
	}
	for _, p := range r[e.Dir] {
		if p.conn == e.Conn && p.offset == e.Offset {
			return p.seq
		}
	}
	return 0
}

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
			if e.Seq = c.seq; c.IsCompressed(e.Dir) {
				remember(&c.recent, &e)
			}
		}
	})
}

// about is the number of the piece that an event of the relay's own is about: the newest one
// of its direction, unless that is compressed, where several come at once. Its offset tells then.
// In a session of several connections they are numbered later.
func (c *Cutter) about(e *session.Seen) uint64 {
	if c.bosh != nil {
		return 0
	}
	seq := find(c.recent, e)
	e.Offset = 0
	return cmp.Or(seq, c.last[e.Dir])
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
