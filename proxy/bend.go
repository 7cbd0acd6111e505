package proxy

import (
	"time"

	"xmppscope/session"
)

// bend does something to the connection.
func (r *Relay) bend(b *Bend) {
	if r.phase == closing {
		return
	}
	if b.Reason != "" {
		r.do(Record{session.Seen{Leg: b.Dir.To(), Dir: b.Dir, Origin: session.OriginSelf, Body: session.RelayBent{Reason: b.Reason, By: b.By}}})
	}
	switch b.What {
	case Cut:
		r.close(ourselves)
		return
	case Reset:
		r.abort(ourselves)
		return
	}
	for _, dir := range both {
		if r.left[dir] { // whoever carries it does not ask, and writes by itself
			r.do(Interrupt{dir})
		}
	}
	for _, dir := range both {
		if b.Dir != dir && b.Dir != session.NoDir {
			continue
		}
		switch b.What {
		case HalfClose:
			r.finish(dir)
			r.hole[dir] = true
		case DropLeg, ResetLeg:
			r.ended[dir], r.passed[dir], r.hole[dir.Opposite()] = true, true, true
			r.do(Finish{Dir: dir.Opposite(), Drop: true, Reset: b.What == ResetLeg})
			r.passed[dir.Opposite()] = true
		case Stall:
			r.stalls++
			if r.stalled[dir] = r.stalls; b.For > 0 {
				r.do(Delay{Dir: dir, Wait: r.stalls, For: b.For, Stall: true})
			}
		case BlackHole:
			r.hole[dir] = true
		case Pace:
			r.paced = true
			r.do(SetPace{dir, max(b.Rate, 0), max(b.Chunk, 0)})
		}
	}
	if r.ended[session.C2S] && r.ended[session.S2C] {
		r.close(ourselves)
	}
}

// interferes says whether somebody holds something up on purpose: then neither side can be
// said to be silent.
func (r *Relay) interferes() bool {
	for _, dir := range both {
		if r.gated[dir].waiting != 0 || r.stalled[dir] != 0 || r.hole[dir] {
			return true
		}
	}
	return r.paced
}

// pace is how a direction is written.
type pace struct{ rate, chunk int }

// paceTick is how often a slow direction writes.
const paceTick = 50 * time.Millisecond

// paced writes in portions, until the connection is to be closed: then what is left is
// written at once.
func (p *pump) paced(to *route, b []byte, by pace) error {
	chunk := by.chunk
	if chunk == 0 {
		chunk = max(1, by.rate/int(time.Second/paceTick))
	}
	for len(b) > 0 {
		n := min(chunk, len(b))
		if p.ctx.Err() != nil {
			n = len(b)
		}
		if err := to.write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
		if by.rate > 0 && len(b) > 0 {
			t := time.NewTimer(time.Duration(n) * time.Second / time.Duration(by.rate))
			select {
			case <-t.C:
			case <-p.ctx.Done():
				t.Stop()
			}
		}
	}
	return nil
}
