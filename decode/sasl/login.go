package sasl

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(Mechanism{
		ID: "sasl-login", Title: "LOGIN", Ref: "draft-murchison-sasl-login-00 §2",
		Match: func(name string) bool { return name == "LOGIN" },
		New:   func(string) Decoder { return &login{} },
	})
}

// login asks for the user name, then for the password. The prompts differ from
// server to server, so only the order counts.
type login struct{ answers int }

func (l *login) Decode(m Message) []session.Note {
	switch {
	case !m.Present || (m.Kind == Initial && len(m.Payload) == 0):
		return nil
	case !utf8.Valid(m.Payload) || bytes.ContainsFunc(m.Payload, unicode.IsControl):
		return malformed(m, "sasl-login", "", "the %s sent something that is not plain text", sender(m))
	case !m.Kind.FromClient() && len(m.Payload) == 0:
		return nil
	case !m.Kind.FromClient():
		return []session.Note{explained(decode.Field("challenge", string(m.Payload), m.Span), "the server asks")}
	}
	l.answers++
	if l.answers == 1 {
		return []session.Note{explained(decode.Field("authcid", string(m.Payload), m.Span), "the user name")}
	}
	n := secret("password", string(m.Payload), "password", m.Span)
	n.Text = "the password itself, in base64 and not encrypted: only TLS protects it"
	return []session.Note{n}
}
