package sasl

import (
	"xmppscope/decode"
	"xmppscope/session"
)

// unknown takes every mechanism that no other file knows.
var unknown = Mechanism{
	ID: "sasl-unknown", Title: "mechanisms that xmppscope does not know", Ref: "RFC 4422 §3",
	Match: func(string) bool { return true },
	New:   func(name string) Decoder { return opaque{name} },
}

// opaque shows payloads as they are. What the client sends may be anything, so
// all of it is secret; so is what the server sends, if the mechanism is not known
// because the login's beginning was not seen.
type opaque struct{ name string }

func (o opaque) Decode(m Message) []session.Note {
	if len(m.Payload) == 0 {
		return nil
	}
	if o.name == "" {
		return []session.Note{explained(credentials(readable(m.Payload), m.Span),
			"the beginning of this login was not seen: all of it is taken for secret")}
	}
	if m.Kind.FromClient() {
		return []session.Note{explained(credentials(readable(m.Payload), m.Span),
			"xmppscope does not know this mechanism, and takes all that the client sends for secret")}
	}
	name := "challenge"
	if m.Kind == Success {
		name = "additional-data"
	}
	return []session.Note{decode.Field(name, readable(m.Payload), m.Span)}
}
