package sasl

import (
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

const refOAuth = "RFC 7628 §3.1"

func init() {
	add(Mechanism{
		ID: "sasl-oauth", Title: "OAUTHBEARER and XOAUTH2", Ref: refOAuth,
		Match: func(name string) bool { return name == "OAUTHBEARER" || name == "XOAUTH2" },
		New:   func(name string) Decoder { return &oauth{name: name} },
	})
}

// oauth is RFC 7628: a GS2 header and key=value pairs, parted by the byte 0x01.
// XOAUTH2, its forerunner, has user=name in place of the header.
type oauth struct {
	name    string
	refused bool // the server has sent its error
}

func (o *oauth) Decode(m Message) []session.Note {
	switch {
	case !m.Kind.FromClient():
		return o.server(m)
	case !m.Present:
		return nil
	case o.refused && len(m.Payload) <= 1:
		return []session.Note{decode.Say(session.Info, m.Element.Tag, "the client has read the error; the server now ends the login with a failure")}
	}
	text := string(m.Payload)
	if !strings.HasSuffix(text, "\x01\x01") {
		return malformed(m, "A22", refOAuth, "the client's message does not end in two bytes 0x01")
	}
	parts := strings.Split(strings.TrimSuffix(text, "\x01\x01"), "\x01")
	notes, parts, bad := o.header(m, parts)
	if bad != nil {
		return bad
	}
	return append(notes, o.pairs(m, parts)...)
}

// header is the GS2 header, or XOAUTH2's user=.
func (o *oauth) header(m Message, parts []string) (notes []session.Note, rest []string, bad []session.Note) {
	if o.name == "XOAUTH2" {
		user, ok := strings.CutPrefix(parts[0], "user=")
		if !ok {
			return nil, nil, malformed(m, "A22", refOAuth, "the client's message does not begin with %q", "user=")
		}
		return []session.Note{explained(decode.Field("authcid", user, m.Span), "the user that the token was issued to")}, parts[1:], nil
	}
	gs2 := strings.Split(parts[0], ",")
	if len(gs2) != 3 || gs2[2] != "" || gs2[0] == "" {
		return nil, nil, malformed(m, "A22", refOAuth, "the client's message does not begin with a GS2 header such as %q", "n,,")
	}
	if id, ok := strings.CutPrefix(gs2[1], "a="); ok {
		name, _ := unescape(id)
		notes = []session.Note{explained(decode.Field("authzid", name, m.Span), "the client asks to act as this identity")}
	}
	return notes, parts[1:], nil
}

func (o *oauth) pairs(m Message, parts []string) (notes []session.Note) {
	found := false
	for _, p := range parts {
		key, value, _ := strings.Cut(p, "=")
		if key == "host" || key == "port" {
			notes = append(notes, explained(decode.Field(key, value, m.Span), "where the client thinks it is connected to"))
			continue
		}
		n := secret(key, value, "token", m.Span)
		if key == "auth" {
			found = true
			scheme, token, _ := strings.Cut(value, " ")
			notes = append(notes, decode.Field("scheme", scheme, m.Span))
			n = secret("token", token, "token", m.Span)
			n.Text = "an access token, fetched over HTTPS from the authorization server outside of this stream"
		}
		notes = append(notes, n)
	}
	if !found {
		return malformed(m, "A22", refOAuth, "the client's message has no auth= with a token")
	}
	return notes
}

// server is the JSON with which a server says why it refuses (RFC 7628 §3.2.2).
func (o *oauth) server(m Message) []session.Note {
	if len(m.Payload) == 0 {
		return nil
	}
	o.refused = true
	n := decode.Field("error", readable(m.Payload), m.Span)
	n.Severity, n.Ref = session.Error, "RFC 7628 §3.2.2"
	n.Text = "the server refuses the token, and says why in JSON: often it has expired or lacks a scope"
	return []session.Note{n}
}
