package sasl

import (
	"strings"
	"unicode/utf8"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Mechanism{
		ID: "sasl-anonymous", Title: "ANONYMOUS", Ref: "RFC 4505 §2", Names: []string{"ANONYMOUS"},
		Retry: "the server wants an account",
	}, func(string) Decoder { return anonymous{} })
}

// anonymous is RFC 4505: an optional trace text of at most 255 characters.
type anonymous struct{}

func (anonymous) Decode(m Message) []session.Note {
	if !m.Kind.FromClient() {
		return serverSilent(m, "ANONYMOUS")
	}
	trace := string(m.Payload)
	switch {
	case !utf8.ValidString(trace) || strings.ContainsRune(trace, 0):
		return malformed(m, "", "RFC 4505 §2", "the client sent something that is not trace text")
	case trace == "":
		return []session.Note{decode.Say(session.Info, m.Element.Tag,
			"the client asks to be let in without an identity; the server makes up a JID at bind")}
	}
	notes := []session.Note{explained(decode.Field("trace", trace, m.Span).Classed(session.Identifier),
		"text for the server's log, no identity; the server makes up a JID at bind")}
	if n := utf8.RuneCountInString(trace); n > 255 {
		notes = append(notes, decode.Say(session.Error, m.Span, "the client sent a trace of %d characters; 255 are allowed", n))
	}
	return notes
}
