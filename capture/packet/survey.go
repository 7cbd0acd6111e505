package packet

import (
	"errors"
	"io"
	"time"
)

// Survey looks through a capture before it is read, where that can be done more than
// once: again begins at its beginning each time. do, which may be nil, is called with the
// key log lines in it, wherever they stand, which are valid until it returns. late is how
// far a packet's time is behind that of one before it in the file at most, for Options. A
// file whose clock was set back is in order as it stands: the sequence numbers tell. The
// error says that the end was not reached.
func Survey(again func() (io.Reader, error), do func(lines []byte)) (late time.Duration, err error) {
	var newest time.Time
	err = look(again, func(p *Packet) {
		switch {
		case p.Keys == nil && p.At.After(newest):
			newest = p.At
		case p.Keys == nil:
			late = max(late, newest.Sub(p.At))
		case do != nil:
			do(p.Keys)
		}
	})
	if late == 0 {
		return 0, err
	}
	var seen sequences
	_ = look(again, seen.packet) // as far as it went before
	if seen.on > seen.back {
		late = 0
	}
	return late, err
}

// look calls do with each packet of a capture, and with what keys it has.
func look(again func() (io.Reader, error), do func(*Packet)) error {
	r, err := again()
	if err != nil {
		return err
	}
	f, err := open(r)
	var p Packet
	for err == nil {
		p = Packet{}
		if err = f.next(&p); err == nil {
			do(&p)
		}
	}
	return cause(err)
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

// sequences finds out whether a clock was set, or packets are out of order.
type sequences struct {
	last map[[2]end]place // of each direction
	// How often, where time went back within a direction, the sequence numbers went
	// on, as if the clock had been set, and how often they went back with it.
	on, back int
}

// place is where a segment was found.
type place struct {
	seq uint32
	at  time.Time
}

func (s *sequences) packet(p *Packet) {
	if p.Keys != nil {
		return
	}
	b := network(p.On.Link, p.Data)
	ip, ok := parseIP(b, p.Length-len(p.Data))
	if !ok || ip.fragment || ip.proto != protoTCP {
		return
	}
	if seg, ok := parseTCP(&ip); ok && seg.size > 0 {
		s.segment(&seg, p.At)
	}
}

func (s *sequences) segment(seg *segment, at time.Time) {
	key := [2]end{seg.from, seg.to}
	if before, ok := s.last[key]; ok && at.Before(before.at) {
		switch ahead := int32(seg.seq - before.seq); {
		case ahead > 0:
			s.on++
		case ahead < 0:
			s.back++
		}
	}
	if s.last == nil || len(s.last) >= 2*maxConns {
		s.last = map[[2]end]place{}
	}
	s.last[key] = place{seg.seq, at}
}
