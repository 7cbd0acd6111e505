package decode

import "xmppscope/session"

// Cutter makes the events of one session of what was seen of it, in order: it has a
// Stream cut the plaintext, tells what is left of a side when that ends, and gives out
// the events' numbers.
type Cutter struct {
	Stream
	// Marked, if it is not nil, is told where a direction stands at each session.StreamMark.
	Marked func(session.Dir, Lane)

	record func(session.Seen)
	seq    uint64
	last   [3]uint64 // by direction: of the newest piece
}

// NewCutter makes one that hands each event to record. They own their bytes.
func NewCutter(record func(session.Seen)) *Cutter { return &Cutter{record: record} }

// Take takes what was seen next: plaintext (session.StreamBytes), whose Raw is borrowed,
// or an event.
func (c *Cutter) Take(e session.Seen) {
	switch b := e.Body.(type) {
	case session.StreamBytes:
		for rest := e.Raw; ; {
			n, piece, ok := c.Next(e.Dir, rest)
			if !ok {
				return
			}
			rest = rest[n:]
			c.tell(&piece, &e)
		}
	case session.TLSEstablished:
		c.Secured()
	case session.TCPHalfClosed:
		c.Finish(e.Dir)
	case session.TCPClosed:
		c.Finish(session.C2S)
		c.Finish(session.S2C)
	case session.RelayEdited: // it comes right behind what it is about
		b.Of = c.last[e.Dir]
		e.Body = b
	case session.RelayBent:
		b.Of = c.last[e.Dir]
		e.Body = b
	case session.StreamMark:
		if c.Marked != nil {
			c.Marked(e.Dir, c.Lane(e.Dir))
		}
		return
	case session.LogLost:
		if e.Dir != session.NoDir {
			c.Lost(e.Dir, b.Bytes)
		}
	}
	for piece, ok := c.Rest(); ok; piece, ok = c.Rest() {
		c.tell(&piece, &e)
	}
	c.number(e)
}

// From says that the next event's number is the one behind seq: the cutter goes on with a
// session of which others have told that much.
func (c *Cutter) From(seq uint64) { c.seq = seq }

// tell records a piece that seen has brought.
func (c *Cutter) tell(p *Piece, seen *session.Seen) {
	p.Events(func(e session.Seen) {
		e.Session, e.At = seen.Session, seen.At
		c.number(e)
		if session.IsPlaintext(e.Body) {
			c.last[e.Dir] = c.seq
		}
	})
}

func (c *Cutter) number(e session.Seen) {
	if session.Numbered(e.Body) {
		c.seq++
		e.Seq = c.seq
	}
	c.record(e)
}
