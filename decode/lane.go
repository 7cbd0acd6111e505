package decode

import (
	"bytes"
	"slices"

	"xmppscope/session"
)

// Lane is where one direction of a Stream stands, for who goes on from there with a Stream
// of its own: a relay that has not looked for a while, and has to decide about elements
// from now on.
type Lane struct {
	lane lane
	web  *webLane // nil: no WebSocket
	// Why says why it cannot be gone on with: "" if it can.
	Why string
	// Counts says that stanzas are counted (XEP-0198), and Sent how many there have been;
	// whoever explains knows.
	Counts bool
	Sent   uint32
}

// Lane is where a direction stands. It owns its bytes.
func (s *Stream) Lane(dir session.Dir) Lane {
	l := &s.lanes[dir]
	switch {
	case s.IsFramed(dir):
		w := s.web.lanes[dir]
		w.buf, w.socket = bytes.Clone(w.buf), w.socket.clone()
		return Lane{lane: lane{scan: l.scan.clone(), sniffed: true}, web: &w}
	case s.IsWeb(dir):
		return Lane{Why: "it runs inside of HTTP, and is no WebSocket"}
	case l.zlib:
		return Lane{Why: "the stream is compressed (XEP-0138)"}
	case l.guessed, l.lost:
		return Lane{Why: "bytes are missing, and where an element begins is not known for certain"}
	case l.scan.IsOpaque():
		return Lane{Why: "what is sent there is no XMPP"}
	}
	return Lane{lane: lane{scan: l.scan.clone(), inside: l.inside, sniffed: l.sniffed, first: bytes.Clone(l.first)}}
}

// Leave gives up what is kept of a direction in WebSocket that is not shown what comes next. It
// may be gone on with from a Lane.
func (s *Stream) Leave(dir session.Dir) {
	if s.IsFramed(dir) {
		s.web.lanes[dir] = webLane{state: webFrames}
	}
}

// GoOn has a direction go on where a Lane stands.
func (s *Stream) GoOn(dir session.Dir, from *Lane) {
	s.lanes[dir] = from.lane
	if from.web != nil {
		if s.web == nil {
			s.web = new(web)
		}
		s.web.lanes[dir] = *from.web
	}
}

// IsOpen says whether the stream of a direction has been opened, and not closed.
func (s *Stream) IsOpen(dir session.Dir) bool {
	return s.lanes[dir].scan.top == 1 || s.IsFramed(dir) && s.web.lanes[dir].open
}

// Cut cuts what is to be said in a direction, between two elements of it, into pieces; the
// last one is Partial where it does not end. The direction itself is left alone.
func (s *Stream) Cut(dir session.Dir, xml []byte) (out []Piece) {
	scan, messages := s.lanes[dir].scan.between(), s.IsFramed(dir)
	add := func(f Frame, ok bool) {
		if ok {
			p := Piece{Frame: f, Dir: dir}
			switch {
			case !messages:
				p.Turn = scan.TurnAfter(dir, &f)
			case f.Kind == Element:
				framed(&scan, &p)
			}
			p.Raw, p.Name, p.Tag = bytes.Clone(f.Raw), bytes.Clone(f.Name), bytes.Clone(f.Tag)
			out = append(out, p)
		}
	}
	for rest := xml; len(rest) > 0; {
		n, f, ok := scan.Next(rest)
		rest = rest[n:]
		if add(f, ok); !ok {
			break
		}
	}
	add(scan.Finish())
	return out
}

// Ahead cuts what comes next in a direction of WebSocket into what is said there. The direction
// itself is left alone.
func (s *Stream) Ahead(dir session.Dir, p []byte) (out []Piece) {
	var ahead Stream
	lane := s.Lane(dir)
	ahead.GoOn(dir, &lane)
	for {
		n, piece, ok := ahead.Next(dir, p)
		if p = p[n:]; !ok {
			return out
		}
		if piece.Kind != 0 {
			out = append(out, piece)
		}
	}
}

// Space is the namespace of a piece's top element, "" if it is not declared.
func (s *Stream) Space(p *Piece) string { return s.lanes[p.Dir].scan.Space(&p.Frame) }

// clone is a scanner that stands where s does, and shares nothing with it.
func (s *Scanner) clone() Scanner {
	c := *s
	c.names, c.starts, c.buf = slices.Clone(s.names), slices.Clone(s.starts), slices.Clone(s.buf)
	c.topName, c.root = slices.Clone(s.topName), slices.Clone(s.root)
	return c
}

// between is a scanner that stands between the elements of the stream that s has open, or
// in front of one if it has none.
func (s *Scanner) between() Scanner {
	if s.top == 0 {
		return Scanner{begun: s.begun}
	}
	names := s.names
	if len(s.starts) > 1 {
		names = names[:s.starts[1]]
	}
	return Scanner{depth: 1, top: 1, begun: true, names: slices.Clone(names), starts: []int{0}, root: slices.Clone(s.root)}
}
