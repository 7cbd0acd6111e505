package proxy

import (
	"cmp"

	"xmppscope/decode"
	"xmppscope/session"
)

// joining is how a direction that has passed without being looked at comes to be looked at
// again: its reading is interrupted, a mark is set behind what has passed, and whoever
// explains that tells where the stream stands there. What comes meanwhile passes.
type joining struct {
	state   joinState
	since   []byte // what has come since the mark
	refused string // why it is not possible; "": it is, as far as is known
}

type joinState uint8

const (
	notJoining joinState = iota
	interrupted
	marked
)

// maxSince bounds what passes between a mark and its answer; a direction that brings more
// waits.
const maxSince = 256 << 10

// join begins to look at what passes unseen, if somebody wants to.
func (r *Relay) join() {
	if r.hidden() {
		r.tellBlind(session.NoDir)
		return
	}
	wanted := false
	for _, dir := range both {
		wanted = wanted || r.wanted(dir) || len(r.queue[dir]) > 0
	}
	if !wanted {
		return
	}
	for _, dir := range both {
		if r.left[dir] && r.joining[dir].state == notJoining && !r.ended[dir] {
			if r.joining[dir].refused != "" {
				r.refuse(dir)
				continue
			}
			r.joining[dir].state = interrupted
			r.do(Interrupt{dir})
		}
	}
}

// unlooked says whether somebody wants to look at a direction that still passes unseen.
func (r *Relay) unlooked() bool {
	for _, dir := range both {
		if r.left[dir] && r.joining[dir].refused == "" && !r.ended[dir] && !r.hidden() && (r.joining[dir].state != notJoining || r.wanted(dir)) {
			return true
		}
	}
	return false
}

// atRest says that nothing of a direction is being read, and all that was is kept.
func (r *Relay) atRest(dir session.Dir) []Action {
	clear(r.out)
	r.out = r.out[:0]
	if r.joining[dir].state == interrupted {
		r.joining[dir].state = marked
		r.do(Mark{dir})
	}
	return r.out
}

// passUnseen passes bytes on that are not looked at, or not yet.
func (r *Relay) passUnseen(dir session.Dir, p []byte) {
	if r.joining[dir].state == marked {
		r.joining[dir].since = append(r.joining[dir].since, p...)
	}
	r.forward(dir, p)
	if r.joining[dir].state == notJoining && r.joining[dir].refused == "" && !r.hidden() {
		r.join()
	}
}

// handed goes on from where a direction stood at its mark.
func (r *Relay) handed(in *Handed) {
	j := &r.joining[in.Dir]
	if j.state != marked || r.phase == closing {
		return
	}
	since := j.since
	*j = joining{}
	if in.Lane.Why != "" {
		j.refused = in.Lane.Why
		r.refuse(in.Dir)
		return
	}
	r.left[in.Dir], r.looked[in.Dir] = false, false
	r.stream.GoOn(in.Dir, &in.Lane)
	r.opened[in.Dir] = r.stream.IsOpen(in.Dir)
	r.ledger.base(in.Dir, in.Lane.Counts, in.Lane.Sent)
	for rest := since; ; {
		n, piece, ok := r.stream.Next(in.Dir, rest)
		if !ok {
			return
		}
		rest = rest[n:]
		r.learn(&piece)
		r.ledger.came(&piece)
		r.ledger.went(&piece)
		if piece.Turn == decode.Compresses {
			r.blind = true
			r.tellBlind(in.Dir)
			return
		}
	}
}

// refuse says why nothing can be done in a direction, and gives up what was to be said there.
func (r *Relay) refuse(dir session.Dir) {
	r.do(Record{session.Seen{Leg: dir.To(), Dir: dir, Origin: session.OriginSelf, Body: session.RelayBent{
		Reason: "what the " + dir.Sender() + " sends cannot be held or changed, nor can anything be put in: " + r.joining[dir].refused,
	}}})
	r.unqueue(dir)
}

// whyNot says why nothing can be held or changed, nor anything put in, as long as the
// connection lasts; "" if it can.
func (r *Relay) whyNot() string {
	switch {
	case r.sealed:
		return "its TLS is passed on as it is"
	case r.hidden() && r.isWeb():
		return "the stream runs inside of HTTP, and is neither WebSocket nor BOSH"
	case r.hidden():
		return "the stream is compressed (XEP-0138), and was before anybody looked"
	}
	return cmp.Or(r.joining[session.C2S].refused, r.joining[session.S2C].refused)
}

// tellBlind says, if somebody cares, that nothing can be done in a compressed stream, or in
// one inside of HTTP.
func (r *Relay) tellBlind(dir session.Dir) {
	cares := false
	for _, d := range both {
		for _, g := range r.gate {
			cares = cares || g.Wants(d)
		}
		cares = cares || len(r.queue[d]) > 0
		r.unqueue(d)
	}
	if cares {
		r.do(Record{session.Seen{Leg: dir.To(), Dir: dir, Origin: session.OriginSelf, Body: session.RelayBent{
			Reason: r.whyNot() + ": nothing in it can be held or changed, nor can anything be put in",
		}}})
	}
}
