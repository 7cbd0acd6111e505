package sasl

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"xmppscope/decode"
	"xmppscope/session"
)

const refPlain = "RFC 4616 §2"

func init() {
	add(decode.Mechanism{
		ID: "sasl-plain", Title: "PLAIN", Ref: refPlain, Names: []string{"PLAIN"},
		Sends:     "password",
		Malformed: "PLAIN without its two NUL bytes, or two logins at once",
	}, func(string) Decoder { return &plain{} })
}

// plain is RFC 4616: [authzid] NUL authcid NUL passwd, in one message.
type plain struct{ checked }

func (p *plain) Decode(m Message) []session.Note {
	if !m.Present && m.Kind == Initial {
		return []session.Note{decode.Say(session.Info, m.Element.Tag,
			"the client sends no initial response: the server has to ask with an empty challenge first")}
	}
	if !m.Kind.FromClient() {
		return serverSilent(m, "PLAIN")
	}
	authzid, authcid, password, bad := threeFields(m, "password")
	if bad != nil {
		return bad
	}
	notes := identities(m, authzid, authcid)
	pass := secret("password", password, "password", m.Span)
	pass.Text = "the password itself, in base64 and not encrypted: only TLS protects it"
	notes = append(notes, pass)
	v, same := samePassword(m, authcid, password)
	p.Check = v
	return append(notes, same...)
}

// threeFields takes the PLAIN layout apart (check A13); third names the last
// field. Where the layout is broken it returns the notes to show instead.
func threeFields(m Message, third string) (authzid, authcid, last string, bad []session.Note) {
	parts := bytes.Split(m.Payload, []byte{0})
	switch {
	case len(parts) != 3:
		return "", "", "", malformed(m, "A13", refPlain,
			"the client sent %s where exactly two must part the identities and the %s", session.Plural(len(parts)-1, "NUL byte"), third)
	case !utf8.Valid(m.Payload):
		return "", "", "", malformed(m, "A13", refPlain, "the client sent bytes that are not UTF-8")
	case len(parts[1]) == 0:
		return "", "", "", malformed(m, "A13", refPlain, "the client sent an empty user name")
	case len(parts[2]) == 0:
		return "", "", "", malformed(m, "A13", refPlain, "the client sent an empty %s", third)
	}
	return string(parts[0]), string(parts[1]), string(parts[2]), nil
}

// identities are the fields authzid, if there is one, and authcid.
func identities(m Message, authzid, authcid string) []session.Note {
	var notes []session.Note
	if authzid != "" {
		notes = append(notes, explained(decode.Field("authzid", authzid, m.Span).Is(session.JID), "the client asks to act as this identity"))
		notes = append(notes, checkAuthzid(m, authzid, authcid)...)
	}
	return append(notes, explained(decode.Field("authcid", authcid, m.Span).Is(session.User), "the user name that the password belongs to"))
}

// checkAuthzid is check A12.
func checkAuthzid(m Message, authzid, authcid string) []session.Note {
	domain := m.State.Domain()
	switch {
	case strings.Contains(authzid, "/"):
		return []session.Note{decode.Breach("A12", m.Span,
			"the client asks to act as %q, which has a resource: it must be a bare JID", authzid)}
	case authzid == authcid || authzid == authcid+"@"+domain:
		return []session.Note{decode.Finding("A12", "RFC 6120 §6.3.8", session.Notice, m.Span,
			"the client asks to act as %q, which it is anyway: an authorization identity is only needed to act as someone else", authzid)}
	}
	return nil
}

// serverSilent explains a server's message in a mechanism where it has nothing
// to say.
func serverSilent(m Message, name string) []session.Note {
	if len(m.Payload) == 0 {
		if m.Kind == Challenge {
			return []session.Note{decode.Say(session.Info, m.Element.Span, "an empty challenge: the server asks for the client's first message")}
		}
		return nil
	}
	return []session.Note{
		decode.Say(session.Warning, m.Span, "the server sent data, but %s has no message from the server", name),
		decode.Field("challenge", readable(m.Payload), m.Span).Classed(session.Identifier),
	}
}
