package sasl

import (
	"encoding/base64"
	"maps"
	"slices"
	"unicode/utf8"

	"xmppscope/decode"
	"xmppscope/session"
)

const nsGoogleAuth = "http://www.google.com/talk/protocol/auth"

func init() {
	add(decode.Mechanism{
		ID: "sasl-token", Title: "X-GOOGLE-TOKEN, X-OAUTH2 and their kin", Ref: refPlain, Names: slices.Collect(maps.Keys(tokenOrigins)),
		Sends: "token", Refused: wrongToken, Retry: newToken,
	}, func(name string) Decoder { return token{name} })
	add(decode.Mechanism{
		ID: "sasl-messenger", Title: "X-MESSENGER-OAUTH2", Ref: "Windows Live Messenger XMPP (2011 to 2013)", Names: []string{"X-MESSENGER-OAUTH2"},
		Sends: "token", Refused: wrongToken, Retry: newToken,
	}, func(string) Decoder { return messenger{} })
}

// token has the layout of PLAIN, with a token in place of the password.
type token struct{ name string }

var tokenOrigins = map[string]string{
	"X-GOOGLE-TOKEN":  "the token was fetched over HTTPS (ClientLogin, then IssueAuthToken; ClientAuth in Google Talk) outside of this stream: the client traded the password for it there",
	"X-GOOGLE-COOKIE": "a cookie of a web login at Google, used as a token",
	"X-OAUTH2":        "the token is an OAuth 2 access token, fetched over HTTPS from the authorization server outside of this stream",
}

func (t token) Decode(m Message) []session.Note {
	switch {
	case m.Kind == Initial && !m.Present:
		return []session.Note{decode.Say(session.Info, m.Element.Tag, "the client sends no initial response: the server has to ask with an empty challenge first")}
	case !m.Kind.FromClient():
		return serverSilent(m, t.name)
	}
	authzid, authcid, value, bad := threeFields(m, "token")
	if bad != nil {
		return bad
	}
	notes := identities(m, authzid, authcid)
	notes[len(notes)-1].Text = "the user that the token was issued to"
	tok := secret("token", value, "token", m.Span)
	tok.Text = tokenOrigins[t.name]
	return append(append(notes, tok), openJWT(value, m)...)
}

// messenger sends the access token of Windows Live as it is. Such tokens look
// like base64, so they are also what stands in the element.
type messenger struct{}

func (messenger) Decode(m Message) []session.Note {
	switch {
	case !m.Kind.FromClient():
		return serverSilent(m, "X-MESSENGER-OAUTH2")
	case len(m.Payload) == 0:
		return []session.Note{decode.Say(session.Error, m.Element.Tag, "the client sends no token")}
	}
	value := string(m.Payload)
	if !utf8.Valid(m.Payload) {
		value = base64.StdEncoding.EncodeToString(m.Payload)
	}
	n := secret("token", value, "token", m.Span)
	n.Text = "an access token of Windows Live, fetched over HTTPS outside of this stream; the server takes the user from it"
	return append([]session.Note{n}, openJWT(value, m)...)
}

// googleAttrs explains the attributes that Google Talk's clients put on <auth/>,
// with any mechanism; some clients still send them to everyone.
func googleAttrs(el *session.Element) (notes []session.Note) {
	for i := range el.Attrs {
		a := &el.Attrs[i]
		if a.Name.Space != nsGoogleAuth {
			continue
		}
		n := decode.Field(a.Name.Local, a.Value, a.Quote)
		n.Rule, n.Ref = "sasl-google", "Google Talk extensions: authentication"
		switch a.Name.Local {
		case "service":
			n.Text = "names the kind of token: " + decode.Quote(a.Value)
		case "client-uses-full-bind-result":
			n.Text, n.Holds = "the client takes the full JID from the bind result, whatever it asked for", session.Word
		case "allow-non-google-login":
			n.Text = "the client lets accounts log in that are not at a Google domain"
		case "allow-generated-jid":
			n.Text, n.Holds = "the client accepts a JID that the server makes up from an e-mail address", session.Word
		default:
			n.Text = "an attribute of Google Talk's own; other servers pass over it"
		}
		notes = append(notes, n)
	}
	return notes
}
