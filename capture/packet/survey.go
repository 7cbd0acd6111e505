package packet

import (
	"errors"
	"io"
	"time"
)

// Survey looks through a capture before it is read, where that can be done twice: do,
// which may be nil, is called with the key log lines in it, wherever they stand, which
// are valid until it returns. late is how far a packet's time is behind that of one
// before it in the file at most, for Options. A file whose clock was set back is in
// order as it stands: the sequence numbers tell. The error says that the end was not
// reached.
func Survey(r io.Reader, do func(lines []byte)) (late time.Duration, err error) {
	f, err := open(r)
	if err != nil {
		return 0, cause(err)
	}
	var p Packet
	var s survey
	for {
		p = Packet{}
		if err = f.next(&p); err != nil {
			break
		}
		switch {
		case p.Keys == nil:
			s.packet(&p)
		case do != nil:
			do(p.Keys)
		}
	}
	if s.set > s.mixed {
		s.late = 0
	}
	return s.late, cause(err)
}

// cause is what is wrong with a file, nil at its end.
func cause(err error) error {
	var d *Damaged
	switch {
	case errors.As(err, &d):
		return d.Err
	case err == io.EOF:
		return nil
	}
	return err
}

// survey finds out in what order packets are.
type survey struct {
	newest time.Time
	late   time.Duration
	last   map[[2]end]place // of each direction
	// How often, where time went back within a direction, the sequence numbers went
	// on, as if the clock had been set, and how often they went back with it.
	set, mixed int
}

// place is where a segment was found.
type place struct {
	seq uint32
	at  time.Time
}

func (s *survey) packet(p *Packet) {
	if p.At.After(s.newest) {
		s.newest = p.At
	}
	s.late = max(s.late, s.newest.Sub(p.At))
	b := network(p.On.Link, p.Data)
	if b == nil {
		return
	}
	ip, ok := parseIP(b, p.Length-len(p.Data))
	if !ok || ip.fragment || ip.proto != protoTCP {
		return
	}
	if seg, ok := parseTCP(&ip); ok && seg.size > 0 {
		s.segment(&seg, p.At)
	}
}

func (s *survey) segment(seg *segment, at time.Time) {
	key := [2]end{seg.from, seg.to}
	if before, ok := s.last[key]; ok && at.Before(before.at) {
		switch ahead := int32(seg.seq - before.seq); {
		case ahead > 0:
			s.set++
		case ahead < 0:
			s.mixed++
		}
	}
	if s.last == nil || len(s.last) >= 2*maxConns {
		s.last = map[[2]end]place{}
	}
	s.last[key] = place{seg.seq, at}
}
