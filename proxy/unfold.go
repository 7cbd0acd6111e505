package proxy

import (
	"bytes"
	"encoding/binary"

	"xmppscope/decode"
	"xmppscope/session"
)

// A stream that is compressed (XEP-0138) is one of blocks, in which no element has a place of
// its own, and what is behind refers to what was before. So where somebody wants to look when
// that begins, the compression is taken off, and all goes on as blocks that are stored
// (RFC 1951 §3.2.4): who gets them reads them as any other, and they need no memory.

// unfolding is a stream whose compression is taken off.
type unfolding struct {
	in    [3]*decode.Inflater // by direction
	begun [3]bool             // something has been stored
}

// beginUnfolding takes the compression off what comes from now on.
func (r *Relay) beginUnfolding() {
	r.stream.Unfolded()
	r.unfolding = new(unfolding)
	for _, dir := range both {
		r.letGo(dir)
		r.unfolding.in[dir] = decode.NewInflater()
	}
	r.opened = [3]bool{} // both begin anew (XEP-0138 §3)
	r.do(Record{session.Seen{Leg: session.ClientLeg, Dir: session.S2C, Origin: session.OriginSelf, Body: session.RelayBent{
		Reason: "the stream is compressed from here on (XEP-0138), and somebody wants to look at it: xmppscope takes the compression off, and what passes is not compressed anew",
	}}})
}

// unfold takes what comes of a compressed stream.
func (r *Relay) unfold(dir session.Dir, p []byte) {
	if len(p) == 0 {
		return
	}
	r.do(Keep{dir, p})
	r.unfolding.in[dir].Give(bytes.Clone(p))
	r.unfoldMore(dir)
}

// unfoldMore goes on with what has come, as far as nothing has to wait.
func (r *Relay) unfoldMore(dir session.Dir) {
	for r.gated[dir].waiting == 0 && r.phase == relaying {
		plain, err := r.unfolding.in[dir].Take()
		switch {
		case err != nil:
			r.bend(&Bend{What: Cut, Dir: dir, Reason: "the connection was cut: the compression of what the " + dir.Sender() + " sends cannot be taken off any more: " + err.Error()})
			return
		case len(plain) == 0:
			return
		}
		r.passPlain(dir, plain)
	}
}

// end gives up what is kept for it; nil keeps nothing.
func (u *unfolding) end() {
	if u != nil {
		u.in[session.C2S].Stop()
		u.in[session.S2C].Stop()
	}
}

// maxStored is the most that fits into a stored block.
const maxStored = 1<<16 - 1

// stored is bytes as stored blocks of a zlib stream (RFC 1950 §2.2), with an empty one behind
// them: there are readers that give nothing out before that, as it is what a flush ends with.
func (u *unfolding) stored(dir session.Dir, p []byte) (out []byte) {
	if !u.begun[dir] {
		u.begun[dir] = true
		out = append(out, 0x78, 0x01)
	}
	for len(p) > 0 {
		n := min(len(p), maxStored)
		out = append(out, 0)
		out = binary.LittleEndian.AppendUint16(out, uint16(n))
		out = binary.LittleEndian.AppendUint16(out, ^uint16(n))
		out = append(out, p[:n]...)
		p = p[n:]
	}
	return append(out, 0, 0, 0, 0xff, 0xff)
}
