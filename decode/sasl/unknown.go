package sasl

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"xmppscope/decode"
	"xmppscope/session"
)

// unknown takes every mechanism that no other file knows.
var unknown = decode.Mechanism{
	ID: "sasl-unknown", Title: "mechanisms that xmppscope does not know", Ref: "RFC 4422 §3",
}

// opaque knows nothing of what is in a payload. It may be anything, so all of it is
// secret, whoever sends it: servers issue tokens, and prove that they know a password.
type opaque struct{ name string }

func (o opaque) Decode(m Message) []session.Note {
	if len(m.Payload) == 0 {
		return nil
	}
	n := credentials(readable(m.Payload), m.Span)
	if o.name == "" {
		return []session.Note{explained(n, "the beginning of this login was not seen: all of it is taken for secret")}
	}
	n = explained(n, "xmppscope does not take this mechanism apart, and takes all that is sent for secret: "+shape(m.Payload))
	switch m.Kind {
	case Challenge:
		n.Name = "challenge"
	case Success:
		n.Name = "additional-data"
	default:
		return append([]session.Note{n}, openJWT(string(m.Payload), m)...)
	}
	return []session.Note{n}
}

// shape says what bytes look like. It quotes nothing.
func shape(p []byte) string {
	switch {
	case bytes.HasPrefix(p, []byte(ntlmSignature)):
		return "an NTLM message"
	case p[0] == 0x60 && len(p) > 2:
		return "it looks like a GSS-API token"
	case p[0] == '{' && json.Valid(p):
		return "it is JSON"
	case p[0] == '<':
		return "it looks like XML"
	case bytes.HasPrefix(p, []byte("eyJ")) && bytes.Count(p, []byte(".")) == 2:
		return "it looks like a JWT"
	case utf8.Valid(p) && bytes.Count(p, []byte{0}) == 2:
		return "it has the layout of PLAIN, with two NUL bytes"
	case bytes.HasSuffix(p, []byte("\x01\x01")):
		return "it has the layout of OAUTHBEARER, with bytes 0x01"
	case utf8.Valid(p) && !bytes.ContainsFunc(p, unprintable):
		return "it is text of " + session.Plural(utf8.RuneCount(p), "character")
	}
	return session.Plural(len(p), "byte") + " that are not text"
}

// unprintable says whether a rune is nothing that a person types.
func unprintable(r rune) bool { return (r < 0x20 && r != '\n' && r != '\t') || r == utf8.RuneError }
