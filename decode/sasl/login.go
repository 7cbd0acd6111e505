package sasl

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Mechanism{
		ID: "sasl-login", Title: "LOGIN", Ref: "draft-murchison-sasl-login-00 §2", Names: []string{"LOGIN"},
		Sends: "password",
	}, func(string) Decoder { return &login{} })
}

// login asks for the user name, then for the password. The prompts differ from
// server to server, so the order counts too; and what may be a password is one.
type login struct {
	answers int
	asked   bool   // the server has sent a prompt for the next answer
	prompt  string // in lower case
	user    string
	checked
}

func (l *login) Decode(m Message) []session.Note {
	if !m.Kind.FromClient() { // prompts may end in a NUL byte
		m.Payload = bytes.TrimSuffix(m.Payload, []byte{0})
	}
	switch {
	case m.Kind == Initial && len(m.Payload) == 0:
		return []session.Note{decode.Say(session.Info, m.Element.Tag, "no initial response: in this mechanism the server speaks first")}
	case !utf8.Valid(m.Payload) || bytes.ContainsFunc(m.Payload, unicode.IsControl):
		return malformed(m, "sasl-login", "", "the %s sent something that is not plain text", sender(m))
	case !m.Kind.FromClient():
		l.asked, l.prompt = true, strings.ToLower(string(m.Payload))
		if len(m.Payload) == 0 {
			return nil
		}
		return []session.Note{explained(decode.Field("challenge", string(m.Payload), m.Span).Classed(session.Identifier), "the server asks")}
	}
	l.answers++
	asked, prompt := l.asked, l.prompt
	l.asked, l.prompt = false, ""
	wantsPassword, wantsUser := strings.Contains(prompt, "pass"), strings.Contains(prompt, "user") || strings.Contains(prompt, "name") || strings.Contains(prompt, "login")
	switch {
	case wantsPassword || (l.answers > 1 && !wantsUser):
		return l.password(m)
	case !asked:
		l.user = string(m.Payload)
		n := secret("answer", string(m.Payload), "user name or password", m.Span)
		n.Text = "by its place the user name; but the server had not asked, so it is taken for secret"
		return []session.Note{n}
	}
	l.user = string(m.Payload)
	return []session.Note{explained(decode.Field("authcid", l.user, m.Span).Is(session.User), "the user name")}
}

func (l *login) password(m Message) []session.Note {
	n := secret("password", string(m.Payload), "password", m.Span)
	n.Text = "the password itself, in base64 and not encrypted: only TLS protects it"
	v, same := samePassword(m, l.user, string(m.Payload))
	l.Check = v
	return append([]session.Note{n}, same...)
}
