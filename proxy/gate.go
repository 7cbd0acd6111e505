package proxy

import (
	"bytes"

	"xmppscope/decode"
	"xmppscope/session"
)

// Gate decides about elements before they pass. It belongs to one session, begins once TLS
// is up on both legs, and is asked with a lock held: it must not block.
type Gate interface {
	// Wants says whether what comes next in a direction is to be considered. It is held
	// back then until it is whole. When no direction is wanted any more, the gate is done.
	Wants(session.Dir) bool
	// Consider decides about a piece. What it holds of Raw it has to copy.
	Consider(*decode.Piece) Decision
}

// Decision is what becomes of a piece.
type Decision struct {
	// XML goes in the piece's place; nil lets the piece pass as it came.
	XML []byte
	// Reason says what was done and why, or why not though it was asked for: it is recorded
	// (session.RelayEdited). "" is nothing to say.
	Reason string
	// Later, if it is not nil, works the decision out, in a goroutine of its own. The
	// direction waits for it.
	Later func() Decision
}

// maxGated bounds what is held back of a piece that is not whole yet. One that is larger
// passes without being considered.
const maxGated = 64 << 10

// gated is a direction with a gate.
type gated struct {
	part    []byte // of a piece that is not whole, and has not been forwarded
	large   bool   // the piece was too large: the rest of it passes
	waiting bool   // the gate is at a decision
	held    []byte // what it is about
	rest    []byte // what has come behind it
}

// gates says whether a direction is held back piece by piece.
func (r *Relay) gates(dir session.Dir) bool {
	return r.gate != nil && !r.blind && !r.stream.IsOpaque(dir) && r.gate.Wants(dir)
}

// keepBack is for what is left of a read: it belongs to a piece that is not whole.
func (r *Relay) keepBack(dir session.Dir, p []byte) {
	g := &r.gated[dir]
	if g.large = g.large || len(g.part)+len(p) > maxGated; g.large {
		r.letGo(dir)
		r.forward(dir, p)
		return
	}
	g.part = append(g.part, p...)
}

// letGo passes on what was held back of a piece.
func (r *Relay) letGo(dir session.Dir) {
	g := &r.gated[dir]
	part := g.part
	g.part = nil
	r.forward(dir, part)
}

// consider asks the gate about a piece whose last bytes are p. It says whether the
// direction has to wait for the decision.
func (r *Relay) consider(dir session.Dir, piece *decode.Piece, p []byte) (wait bool) {
	g := &r.gated[dir]
	if g.large {
		g.large = false
		r.forward(dir, p)
		r.tell(dir, Decision{Reason: "an element of more than 64 KB is not held back: it passed without being looked at"})
		return false
	}
	whole := append(g.part, p...)
	g.part = nil
	d := r.gate.Consider(piece)
	if d.Later != nil {
		g.waiting, g.held = true, bytes.Clone(whole)
		r.do(Decide{dir, d.Later})
		return true
	}
	r.decided(dir, whole, d)
	return false
}

// decided carries a decision out.
func (r *Relay) decided(dir session.Dir, whole []byte, d Decision) {
	if d.XML == nil {
		r.forward(dir, whole)
	} else {
		r.do(Keep{dir, whole})
	}
	r.tell(dir, d)
	if d.XML != nil {
		r.do(Send{dir, d.XML})
	}
}

// tell records what became of the piece that came last.
func (r *Relay) tell(dir session.Dir, d Decision) {
	if d.Reason != "" {
		r.do(Record{session.Seen{
			Leg: dir.To(), Dir: dir, Origin: session.OriginSelf,
			Body: session.RelayEdited{Reason: d.Reason, Passed: d.XML == nil}, Raw: d.XML, Size: int64(len(d.XML)),
		}})
	}
}

// hasDecided goes on with a direction that has waited for a decision.
func (r *Relay) hasDecided(in Decided) {
	g := &r.gated[in.Dir]
	if !g.waiting || r.phase == closing {
		return
	}
	held, rest := g.held, g.rest
	g.waiting, g.held, g.rest = false, nil, nil
	r.decided(in.Dir, held, in.Decision)
	r.pass(in.Dir, rest)
	if r.ended[in.Dir] && !g.waiting {
		r.letGo(in.Dir)
		r.finish(in.Dir)
		if r.ended[in.Dir.Opposite()] {
			r.close(in.Dir.Sender())
		}
	}
}

// endGate ends the gate once it wants nothing more, or there is nothing more for it.
func (r *Relay) endGate() {
	if r.gate == nil || r.gated[session.C2S].waiting || r.gated[session.S2C].waiting {
		return
	}
	unread := r.blind || r.stream.IsOpaque(session.C2S) && r.stream.IsOpaque(session.S2C)
	if !unread && (r.gate.Wants(session.C2S) || r.gate.Wants(session.S2C)) {
		return
	}
	r.gate = nil
	for _, dir := range both {
		r.letGo(dir)
	}
}

// keepGated keeps what was held back, and nobody will get.
func (r *Relay) keepGated() {
	for _, dir := range both {
		g := &r.gated[dir]
		for _, p := range [][]byte{g.held, g.part, g.rest} {
			if len(p) > 0 {
				r.do(Keep{dir, p})
			}
		}
		*g = gated{}
	}
}
