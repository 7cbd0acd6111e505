package decode

import (
	"bytes"
	"math"

	"xmppscope/session"
)

// Stream is what both sides of a session say above TLS: bytes in, pieces out. It cuts
// each direction at the exact octet at which something ends, unfolds what is compressed
// (XEP-0138), says where the next byte belongs to another layer, and finds its way again
// where bytes are missing. It does no I/O; the zero value is ready for the first byte.
//
// It is the one cutter of streams: for what the proxy has seen, for captures of others,
// and for tests.
type Stream struct {
	lanes [3]lane // by direction
	web   *web    // nil: no HTTP
	ready []Piece // to be given out first; they own their bytes
}

// Piece is a frame of one direction, and what follows from it.
type Piece struct {
	// Frame has no Kind where only a Problem is to be told, of which no byte is left.
	Frame
	Dir  session.Dir
	Turn Turn
	// Body is what it becomes where that does not follow from Kind: a head of HTTP, a frame.
	Body session.Body
	// Message is the message of WebSocket that ends with this piece; nil if none does.
	Message *Message
}

// lane is one direction.
type lane struct {
	scan    Scanner
	first   []byte    // of a stream, while it may be HTTP
	sniffed bool      // it has been seen whether it is
	zlib    bool      // it is compressed
	inflate *Inflater // what unfolds it, nil if nothing can any more
	plain   []byte    // has been taken from the caller, and is not cut yet
	taken   bool      // plain holds all of what the caller passes
	inside  bool      // something has begun and not ended yet
	guessed bool      // where elements begin was guessed: bytes before them are missing
	lost    bool      // the next element's beginning is looked for
	skipped []byte    // while it is
	looked  int       // nothing before it in skipped is one
	from    int64     // offset of skipped in the direction
}

// Next takes p, the next bytes of a direction, up to the end of a piece. The caller
// passes what is left of p again, until it is not ok: then all of p was taken and more is
// needed. n is how much of p belongs to the pieces so far. It is 0 while there are several
// in one compressed block, or pieces of the other direction are to be told. A piece's bytes
// are borrowed until the next call.
func (s *Stream) Next(dir session.Dir, p []byte) (n int, piece Piece, ok bool) {
	if piece, ok := s.told(); ok {
		return 0, piece, true
	}
	l := &s.lanes[dir]
	if s.IsWeb(dir) {
		return s.nextWeb(dir, p)
	}
	if !l.sniffed && len(p) > 0 {
		return s.sniff(dir, p)
	}
	for len(p) > 0 {
		switch {
		case l.lost && len(l.plain) > 0:
			rest := l.plain
			l.plain = nil
			s.resync(dir, rest)
		case len(l.plain) > 0:
			n, piece, ok := s.cut(dir, l.plain)
			if l.plain = l.plain[n:]; ok {
				return 0, piece, true
			}
		case l.inflate != nil && (l.taken || !l.scan.IsOpaque()):
			if !l.taken {
				l.inflate.Give(p)
				l.taken = true
			}
			plain, err := l.inflate.Take()
			if err != nil {
				l.plain = bytes.Clone(l.inflate.Rest())
				s.giveUp(dir, err.Error())
			} else if l.plain = plain; len(plain) == 0 {
				l.taken = false
				return len(p), Piece{}, false
			}
		case l.taken:
			l.taken = false
			return len(p), Piece{}, false
		case l.lost:
			l.taken = true
			s.resync(dir, p)
		default:
			return s.cut(dir, p)
		}
		if piece, ok := s.told(); ok {
			return 0, piece, true
		}
	}
	return 0, Piece{}, false
}

// sniff looks whether a stream begins with HTTP.
func (s *Stream) sniff(dir session.Dir, p []byte) (n int, piece Piece, ok bool) {
	l := &s.lanes[dir]
	if l.lost || l.zlib || l.scan.begun {
		l.sniffed = true
		return s.Next(dir, p)
	}
	before := len(l.first)
	l.first = append(l.first, p...)
	yes, wait := s.sniffWeb(dir, l.first)
	if wait {
		return len(p), Piece{}, false
	}
	first := l.first
	l.first, l.sniffed = nil, true
	// What has been taken before is read first.
	if yes {
		s.beginWeb(dir)
		s.takeWeb(dir, &s.web.lanes[dir], first[:before])
	} else {
		s.cutAll(dir, first[:before])
	}
	return s.Next(dir, p)
}

// told is what is to be given out before anything else.
func (s *Stream) told() (Piece, bool) {
	if len(s.ready) == 0 {
		return Piece{}, false
	}
	piece := s.ready[0]
	s.ready = s.ready[1:]
	return piece, true
}

// cut takes a frame from p.
func (s *Stream) cut(dir session.Dir, p []byte) (int, Piece, bool) {
	l := &s.lanes[dir]
	n, f, ok := l.scan.Next(p)
	if l.inside = !ok; !ok {
		return n, Piece{}, false
	}
	piece := Piece{Frame: f, Dir: dir}
	if f.Problem != nil && l.guessed { // an element's beginning was guessed wrong, as inside a forwarded stanza
		piece.Problem = nil
		l.scan.Reset()
		l.lost = true
		return n, piece, true
	}
	switch piece.Turn = l.scan.TurnAfter(dir, &f); {
	case piece.Turn != Compresses:
	case l.zlib: // it cannot begin twice
		piece.Turn = NoTurn
	default:
		s.compress()
	}
	return n, piece, true
}

// compress begins a new, compressed stream in both directions (XEP-0138 §3).
func (s *Stream) compress() {
	for _, dir := range []session.Dir{session.C2S, session.S2C} {
		s.restart(dir)
		l := &s.lanes[dir]
		l.zlib, l.inflate = true, NewInflater()
	}
}

// Unfolded says that what is shown of a compressed stream has been unfolded by whoever shows it.
func (s *Stream) Unfolded() {
	for dir := range s.lanes {
		s.lanes[dir].stop()
	}
}

// restart forgets the open stream of a direction, and tells what is left of it.
func (s *Stream) restart(dir session.Dir) {
	s.finishScan(dir)
	l := &s.lanes[dir]
	l.scan.Reset()
	l.inside, l.sniffed = false, false
}

// finishScan tells what has not become a piece.
func (s *Stream) finishScan(dir session.Dir) {
	l := &s.lanes[dir]
	if s.IsWeb(dir) {
		s.finishWeb(dir)
	}
	if first := l.first; len(first) > 0 {
		l.first, l.sniffed = nil, true
		s.cutAll(dir, first)
	}
	s.tellSkipped(dir, len(l.skipped))
	if f, ok := l.scan.Finish(); ok {
		s.tell(Piece{Frame: f, Dir: dir})
	}
}

// tell keeps a piece until it is asked for.
func (s *Stream) tell(p Piece) {
	p.Raw, p.Name, p.Tag = bytes.Clone(p.Raw), bytes.Clone(p.Name), bytes.Clone(p.Tag)
	s.ready = append(s.ready, p)
}

// giveUp makes a direction opaque, for a reason outside of its XML.
func (s *Stream) giveUp(dir session.Dir, reason string) {
	l := &s.lanes[dir]
	l.stop()
	if f, ok := l.scan.Opaque(); ok {
		s.tell(Piece{Frame: f, Dir: dir})
	}
	s.ready = append(s.ready, Piece{Dir: dir, Frame: Frame{Problem: &Problem{Reason: reason, At: l.scan.Offset()}}})
}

// Secured says that TLS has begun: the next bytes begin a new stream (RFC 6120
// §5.4.3.3), of which nothing that was said in the clear is a part.
func (s *Stream) Secured() {
	for _, dir := range []session.Dir{session.C2S, session.S2C} {
		s.SecuredIn(dir)
	}
}

// SecuredIn says so of one direction, for who sees each begin by itself.
func (s *Stream) SecuredIn(dir session.Dir) {
	s.restart(dir)
	l := &s.lanes[dir]
	l.guessed, l.lost = false, false
}

// Joined says that the recording begins in the middle of a direction.
func (s *Stream) Joined(dir session.Dir) {
	l := &s.lanes[dir]
	l.guessed, l.lost = true, true
}

// IsJoined says whether the beginning of a direction is missing, or bytes since TLS
// began are.
func (s *Stream) IsJoined(dir session.Dir) bool { return s.lanes[dir].guessed }

// IsOpaque says whether a direction is not understood any more.
func (s *Stream) IsOpaque(dir session.Dir) bool { return s.lanes[dir].scan.IsOpaque() }

// IsCompressed says whether a direction carries zlib.
func (s *Stream) IsCompressed(dir session.Dir) bool { return s.lanes[dir].zlib }

// Between says whether nothing is open in a direction but its stream.
func (s *Stream) Between(dir session.Dir) bool {
	if s.IsWeb(dir) {
		return s.web.lanes[dir].between()
	}
	l := &s.lanes[dir]
	return !l.inside && len(l.plain) == 0 && len(l.skipped) == 0
}

// Offset is that of the next byte of a direction.
func (s *Stream) Offset(dir session.Dir) int64 { return s.lanes[dir].scan.Offset() }

// Settled says up to where a direction has been told: what lies behind that byte is part
// of something that has not ended. A compressed direction has no such place.
func (s *Stream) Settled(dir session.Dir) int64 {
	l := &s.lanes[dir]
	switch {
	case l.zlib, s.IsWeb(dir):
		return math.MaxInt64
	case len(l.first) > 0:
		return 0
	case len(l.skipped) > 0:
		return l.from
	}
	return l.scan.settled()
}

// Lost says that the next n bytes of a direction are missing. What comes then begins
// anywhere; in a compressed direction nothing can be made of it.
func (s *Stream) Lost(dir session.Dir, n int64) {
	l := &s.lanes[dir]
	l.plain, l.taken = nil, false
	if s.IsWeb(dir) {
		s.giveUpWeb(dir, "bytes of HTTP are missing, and what follows cannot be read without them")
		l.scan.skip(n)
		return
	}
	if l.zlib {
		if !l.scan.IsOpaque() {
			s.giveUp(dir, "compressed bytes are missing, and what follows cannot be unfolded without them")
		}
		return
	}
	s.restart(dir)
	l.scan.skip(n)
	s.Joined(dir)
}

// Skip passes over n bytes of a direction that are known to leave nothing open.
func (s *Stream) Skip(dir session.Dir, n int64) { s.lanes[dir].scan.skip(n) }

// Rest gives out what is left to tell without further bytes, one piece a call.
func (s *Stream) Rest() (Piece, bool) { return s.told() }

// Finish says that no more bytes of a direction will come. What is left of it is told
// by Rest.
func (s *Stream) Finish(dir session.Dir) {
	s.finishScan(dir)
	s.lanes[dir].stop()
}

// stop ends the unfolding.
func (l *lane) stop() {
	if l.inflate != nil {
		l.inflate.Stop()
		l.inflate = nil
	}
}

// resync looks in p for the beginning of the next element, and tells what it passes
// over.
func (s *Stream) resync(dir session.Dir, p []byte) {
	l := &s.lanes[dir]
	if len(l.skipped) == 0 {
		l.from = l.scan.Offset()
	}
	l.skipped = append(l.skipped, p...)
	at, ok := FindStart(l.skipped[l.looked:])
	l.looked += at
	for l.looked >= maxSkipped { // always as many: what is told does not depend on how it came
		s.tellSkipped(dir, maxSkipped)
	}
	if ok {
		s.tellSkipped(dir, l.looked)
		l.plain = bytes.Clone(l.skipped)
		l.skipped, l.lost = nil, false
	}
}

// tellSkipped tells the first n bytes that were passed over.
func (s *Stream) tellSkipped(dir session.Dir, n int) {
	l := &s.lanes[dir]
	if n == 0 {
		return
	}
	s.tell(Piece{Dir: dir, Frame: Frame{Kind: Raw, Offset: l.from, Raw: l.skipped[:n], Size: int64(n)}})
	l.from += int64(n)
	l.looked = max(0, l.looked-n)
	l.scan.skip(int64(n))
	l.skipped = append(l.skipped[:0], l.skipped[n:]...)
}

// Events gives the events as seen that a piece is: why its direction is opaque, if it is
// the first of those, and the piece itself. They own their bytes.
func (p *Piece) Events(record func(session.Seen)) {
	if p.Problem != nil {
		record(session.Seen{Leg: p.Dir.From(), Dir: p.Dir, Body: session.RelayOpaque{Reason: p.Problem.Reason, At: p.Problem.At}})
	}
	switch {
	case p.Body != nil:
		record(session.Seen{Leg: p.Dir.From(), Dir: p.Dir, Body: p.Body, Raw: bytes.Clone(p.Raw), Size: p.Size, Truncated: p.Truncated})
	case p.Kind != 0:
		record(p.Frame.Event(p.Dir))
	}
}
