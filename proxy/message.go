package proxy

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"

	"xmppscope/decode"
	"xmppscope/session"
)

// In BOSH it is what stands in a body that is decided about (body.go). In WebSocket it is
// messages: each is one element (RFC 7395 §3.3), in one frame or several, with control frames
// between them. What passes goes on as the frames that came; what is said in its place, or of
// our own, is a frame of its own without compression, which may be mixed with compressed ones
// (RFC 7692 §6).

// message is one as it comes.
type message struct {
	pieces []decode.Piece // what is in it besides white space, so far
	aside  []byte         // control frames that have come between its own
}

// isHTTP says whether a direction is held in HTTP that is no WebSocket, or not yet.
func (r *Relay) isHTTP(dir session.Dir) bool { return r.isWeb() && !r.stream.IsFramed(dir) }

// isWeb says whether the client speaks HTTP.
func (r *Relay) isWeb() bool { return r.stream.IsWeb(session.C2S) || r.stream.IsWeb(session.S2C) }

// hidden says that what passes can never be looked at: it is compressed, or HTTP in which there
// is neither WebSocket nor BOSH.
func (r *Relay) hidden() bool {
	return r.blind || r.isHTTP(session.C2S) && r.isHTTP(session.S2C) && !r.stream.AwaitsFrames() && r.bosh.settled && !r.bosh.is
}

// considerMessage is consider for WebSocket.
func (r *Relay) considerMessage(dir session.Dir, piece *decode.Piece, p []byte) (turn decode.Turn, wait bool) {
	g := &r.gated[dir]
	if piece.Kind != 0 && piece.Kind != decode.Whitespace {
		g.message.pieces = append(g.message.pieces, *piece) // its bytes are its own
	}
	if piece.Message == nil {
		frame, ok := piece.Body.(session.WebSocketFrame)
		control := ok && frame.Problem == ""
		switch {
		case !control:
			r.keepBack(dir, p)
		case r.stream.Between(dir):
			r.letGo(dir)
			g.passing = false
			r.forward(dir, p)
		case g.large || g.passing:
			r.keepBack(dir, p)
		default:
			g.message.aside = append(g.message.aside, r.frame(dir, frame.Op, piece.Raw)...)
			r.keepBack(dir, p)
		}
		return 0, false
	}
	m := g.message
	g.message = message{}
	if g.large || g.passing {
		r.passUnheld(dir, p)
		r.allUnheld(m.pieces)
		return 0, false
	}
	o := outcome{whole: r.whole(dir, p), message: piece.Message, aside: m.aside}
	if len(m.pieces) != 1 || m.pieces[0].Truncated {
		r.makeRoom(dir)
		switch r.goOn(dir, &o); {
		case len(m.pieces) == 1:
			r.tellLarge(dir)
		case len(m.pieces) > 1:
			r.tellUnlooked(dir, "a message of WebSocket that is not one element (RFC 7395 §3.3.1) is not held back: it passed without being looked at")
		}
		r.allUnheld(m.pieces)
		return 0, false
	}
	o.piece = m.pieces[0]
	return r.ponder(dir, &o)
}

// frame is a frame of our own.
func (r *Relay) frame(dir session.Dir, op string, payload []byte) []byte {
	var key [4]byte
	binary.NativeEndian.PutUint32(key[:], rand.Uint32())
	return decode.AppendFrame(nil, dir, op, payload, key)
}

// goOn passes a piece on as it came. In WebSocket it needs another frame where it is compressed,
// and the receiver has not got what it refers to.
func (r *Relay) goOn(dir session.Dir, o *outcome) {
	if o.in != nil {
		o.in.add(o.whole)
		return
	}
	if m := o.message; m != nil && m.Packed && r.severed[dir] {
		r.takeOut(dir, o)
		r.put(dir, r.frame(dir, m.Op, m.Text))
		return
	}
	r.forward(dir, o.whole)
}

// takeOut keeps a piece that does not go on, or not as it came.
func (r *Relay) takeOut(dir session.Dir, o *outcome) {
	if o.in != nil { // the body was kept
		o.in.changed = true
		return
	}
	r.keep(dir, o.whole)
	r.put(dir, o.aside)
	r.severed[dir] = r.severed[dir] || o.message != nil && o.message.Refers
}

// tellSevered says, once, that a direction goes on without compression.
func (r *Relay) tellSevered(dir session.Dir) {
	r.do(Record{session.Seen{Leg: dir.To(), Dir: dir, Origin: session.OriginSelf, Body: session.RelayBent{
		Reason: "what the " + dir.Sender() + " sends goes on without compression from here on: it refers to the message that was taken out or changed, which the " + dir.Opposite().Sender() + " has not got (RFC 7692 §7.1.1)",
	}}})
}

// endSevered ends a connection in which a direction can no longer be read, and what it refers
// to has not been passed on: nobody could read it.
func (r *Relay) endSevered(dir session.Dir, rest []byte) {
	g := &r.gated[dir]
	r.do(Keep{dir, append(g.part, rest...)})
	g.part = nil
	r.bend(&Bend{What: Cut, Dir: dir, Reason: "the connection was cut: what the " + dir.Sender() + " sends cannot be read any more, and without the message that was taken out or changed the " + dir.Opposite().Sender() + " could not read it either"})
}

// speech is what is to be said in a direction.
type speech struct {
	xml    []byte // that
	pieces []decode.Piece
	wire   []byte // as it goes over the wire
}

// speak makes XML ready to be said in a direction. In WebSocket each element is a message, and
// declares its namespaces itself (RFC 7395 §3.3.3); what is no XML goes as one message. In BOSH
// elements declare them, too, and stand one behind the other.
func (r *Relay) speak(dir session.Dir, xml []byte) speech {
	s := speech{xml: xml, pieces: r.stream.Cut(dir, xml), wire: xml}
	if !r.stream.IsFramed(dir) && !r.isHTTP(dir) || len(xml) == 0 {
		return s
	}
	var messages [][]byte
	for i := range s.pieces {
		switch p := &s.pieces[i]; {
		case p.Truncated, p.Kind != decode.Opened && p.Kind != decode.Element && p.Kind != decode.Closed && p.Kind != decode.Whitespace:
			if r.stream.IsFramed(dir) {
				s.wire = r.frame(dir, "text", xml)
			}
			return s
		case p.Kind != decode.Whitespace:
			messages = append(messages, decode.OnItsOwn(p.Kind, p.Raw))
		}
	}
	s.xml = bytes.Join(messages, nil)
	s.pieces = r.stream.Cut(dir, s.xml)
	if s.wire = s.xml; r.stream.IsFramed(dir) {
		s.wire = nil
		for _, m := range messages {
			s.wire = append(s.wire, r.frame(dir, "text", m)...)
		}
	}
	return s
}
