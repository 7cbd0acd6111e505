package decode

import "xmppscope/session"

// Turn says that after a frame the next byte may belong to another layer.
type Turn uint8

// The turns of a stream.
const (
	NoTurn     Turn = iota
	AsksTLS         // the client's <starttls/>: it has nothing to say until the answer
	BeginsTLS       // the server's <proceed/>: the next byte is TLS, both ways (RFC 6120 §5.4.3)
	RefusesTLS      // the server's <failure/>: the stream goes on in the clear, to its end
	Compresses      // the server's <compressed/>: the next byte is zlib, both ways (XEP-0138)
)

// TurnAfter says which turn the stream takes after a frame that s has just given.
//
// SASL success is none: what follows it is XML again, and Scanner knows a new
// stream header when it sees one, wherever the other side is by then (XEP-0305
// clients send it before they have seen <success/>).
func (s *Scanner) TurnAfter(dir session.Dir, f *Frame) Turn {
	if f.Kind != Element {
		return NoTurn
	}
	switch local := f.Local(); {
	case dir == session.C2S && string(local) == "starttls" && s.Space(f) == NSTLS:
		return AsksTLS
	case dir == session.S2C && string(local) == "proceed" && s.Space(f) == NSTLS:
		return BeginsTLS
	case dir == session.S2C && string(local) == "failure" && s.Space(f) == NSTLS:
		return RefusesTLS
	case dir == session.S2C && string(local) == "compressed" && s.Space(f) == NSCompress:
		return Compresses
	}
	return NoTurn
}

// Space is the namespace of a frame's top element, "" if it is not declared.
func (s *Scanner) Space(f *Frame) string {
	scope := ScopeOf(s.root)
	e, _ := ParseTag(f.Tag, scope)
	if e == nil {
		return ""
	}
	return e.Name.Space
}
