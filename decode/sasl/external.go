package sasl

import (
	"strings"
	"unicode/utf8"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(Mechanism{
		ID: "sasl-external", Title: "EXTERNAL", Ref: "RFC 4422 §A",
		Match: func(name string) bool { return name == "EXTERNAL" },
		New:   func(string) Decoder { return external{} },
	})
}

// external is RFC 4422 appendix A: the message is an authorization identity or
// nothing; the proof is the TLS client certificate (XEP-0178).
type external struct{}

func (external) Decode(m Message) []session.Note {
	switch {
	case !m.Kind.FromClient():
		return serverSilent(m, "EXTERNAL")
	case !m.Present:
		return []session.Note{lint("A07", "RFC 6120 §6.4.2", session.Warning, m.Element.Tag,
			"the client sends no initial response: an empty one is written %q, and without it the server has to ask first", "=")}
	case !utf8.Valid(m.Payload) || strings.ContainsRune(string(m.Payload), 0):
		return malformed(m, "", "RFC 4422 §A.1", "the client sent something that is not an authorization identity")
	}
	var notes []session.Note
	if len(m.Payload) == 0 {
		notes = append(notes, decode.Say(session.Info, m.Span,
			"an empty response: the server takes the identity from the client's TLS certificate"))
	} else {
		notes = append(notes, explained(decode.Field("authzid", string(m.Payload), m.Span),
			"the client asks to act as this identity; its TLS certificate has to allow it"))
	}
	if between(m.State.TLS) {
		notes = append(notes, decode.Say(session.Warning, m.Element.Tag,
			"the client proves itself with its TLS certificate, which ends at xmppscope: the server has not seen it and will refuse"))
	}
	return notes
}
