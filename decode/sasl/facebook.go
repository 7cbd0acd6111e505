package sasl

import (
	"net/url"
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

const refFacebook = "Facebook Chat API (2010 to 2015)"

func init() {
	add(decode.Mechanism{
		ID: "sasl-facebook", Title: "X-FACEBOOK-PLATFORM", Ref: refFacebook, Names: []string{"X-FACEBOOK-PLATFORM"},
		Sends: "token", Refused: wrongToken, Retry: newToken,
	}, func(string) Decoder { return &facebook{} })
}

// facebook is a challenge and its answer, both in the form of a URL's query. The
// service is gone; servers that imitate it are not.
type facebook struct{ nonce, method string }

// facebookWords explains the parameters of both messages.
var facebookWords = map[string]word{
	"nonce":   {"the server's nonce, valid for this login", session.FreeText, session.Identifier},
	"method":  {"the call of Facebook's API that this login is", session.Word, session.Decides},
	"version": {"the version of this exchange", session.Word, session.Decides},
	"api_key": {"the application that the token was issued to", session.FreeText, session.Decides},
	"call_id": {"a number that grows with each call, often the time", session.FreeText, session.Identifier},
	"v":       {"the version of Facebook's API", session.FreeText, session.Decides},
	"format":  {"the form of the answer, which nobody reads", session.FreeText, session.Decides},
}

func (f *facebook) Decode(m Message) []session.Note {
	switch {
	case len(m.Payload) == 0 && m.Kind == Initial:
		return []session.Note{decode.Say(session.Info, m.Element.Tag, "no initial response: in this mechanism the server speaks first")}
	case len(m.Payload) == 0:
		return nil
	}
	values, err := url.ParseQuery(string(m.Payload))
	if err != nil || (m.Kind.FromClient() && values.Get("access_token") == "" && values.Get("session_key") == "") {
		return malformed(m, "sasl-facebook", refFacebook, "the %s sent something that is not a list of parameters with a nonce or a token", sender(m))
	}
	var names []string
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	var notes []session.Note
	for _, name := range names {
		notes = append(notes, f.parameter(m, name, strings.Join(values[name], " "))...)
	}
	return append(notes, missingParameters(m, values)...)
}

// missingParameters names what each side has to send.
func missingParameters(m Message, values url.Values) (notes []session.Note) {
	want := []string{"method", "nonce"}
	if m.Kind.FromClient() {
		want = append(want, "api_key", "call_id", "v")
	}
	for _, name := range want {
		if !values.Has(name) {
			notes = append(notes, decode.Say(session.Error, m.Span, "the %s's message has no %s", sender(m), name))
		}
	}
	return notes
}

func (f *facebook) parameter(m Message, name, value string) []session.Note {
	word, known := facebookWords[name]
	switch {
	case name == "access_token" || name == "session_key":
		n := secret("token", value, "token", m.Span)
		n.Text = "an access token, fetched over HTTPS from Facebook outside of this stream"
		return append([]session.Note{n}, openJWT(value, m)...)
	case !known && m.Kind.FromClient():
		return []session.Note{secret(name, value, "credentials", m.Span)}
	}
	notes := []session.Note{word.field(name, value, m)}
	switch was := map[string]*string{"nonce": &f.nonce, "method": &f.method}[name]; {
	case was == nil:
	case !m.Kind.FromClient():
		*was = value
	case *was != "" && *was != value:
		notes = append(notes, decode.Say(session.Error, m.Span, "the client's %s is %q, but the server's was %q", name, value, *was))
	}
	return notes
}
