package sasl

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

const refOAuth = "RFC 7628 §3.1"

func init() {
	family := decode.Mechanism{
		ID: "sasl-oauth", Title: "OAUTHBEARER, OAUTH10A and XOAUTH2", Ref: refOAuth, Names: []string{"OAUTH10A"},
		Refused: wrongToken, Retry: newToken,
	}
	decoder := func(name string) Decoder { return &oauth{name: name} }
	add(family, decoder) // a signature proves that the client has the token, see signedRequest
	family.Names, family.Sends = []string{"OAUTHBEARER", "XOAUTH2"}, "token"
	add(family, decoder)
}

// What is said where a token was refused.
const (
	wrongToken = "the token is wrong, has expired, or was issued for another service or user"
	newToken   = "get a new token, for this account and this service"
)

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
	notes, parts := o.header(m, parts)
	return append(notes, o.pairs(m, parts)...)
}

// header is the GS2 header, or XOAUTH2's user=. Behind one that is wrong, the rest is read
// all the same.
func (o *oauth) header(m Message, parts []string) (notes []session.Note, rest []string) {
	if o.name == "XOAUTH2" {
		user, ok := strings.CutPrefix(parts[0], "user=")
		if !ok {
			return malformed(m, "A22", refOAuth, "the client's message does not begin with %q", "user="), behindHeader(parts)
		}
		return []session.Note{explained(decode.Field("authcid", user, m.Span).Is(session.User), "the user that the token was issued to")}, parts[1:]
	}
	gs2 := strings.Split(parts[0], ",")
	bound := strings.HasPrefix(gs2[0], "p=")
	if len(gs2) != 3 || gs2[2] != "" || gs2[0] != "n" && gs2[0] != "y" && !bound || gs2[1] != "" && !strings.HasPrefix(gs2[1], "a=") {
		notes = malformed(m, "A22", refOAuth, "the client's message does not begin with a GS2 header such as %q", "n,,")
		for _, p := range gs2 {
			if user, ok := cutUser(p); ok {
				name, _ := unescape(user)
				notes = append(notes, explained(decode.Field("authzid", name, m.Span).Is(session.JID), "who the client seems to mean"))
			}
		}
		return notes, behindHeader(parts)
	}
	flag := decode.Field("gs2-flag", gs2[0], m.Span).Is(session.Word)
	if flag.Text = "a token is not bound to the TLS connection, whatever the flag says"; bound {
		flag.Severity, flag.Text = session.Warning, "the client names a channel binding, but this mechanism has none"
	}
	notes = append(notes, flag)
	if id, ok := strings.CutPrefix(gs2[1], "a="); ok {
		name, _ := unescape(id)
		notes = append(notes, explained(decode.Field("authzid", name, m.Span).Is(session.JID), "the client asks to act as this identity"))
	}
	return notes, parts[1:]
}

// behindHeader is what comes behind a header that is wrong, or was left out.
func behindHeader(parts []string) []string {
	if strings.HasPrefix(parts[0], "auth=") || strings.HasPrefix(parts[0], "host=") {
		return parts
	}
	return parts[1:]
}

// cutUser takes the user out of a part of a header that is wrong: "a=user", or "user=user"
// as XOAUTH2 has it.
func cutUser(part string) (user string, ok bool) {
	for _, key := range []string{"a=", "user="} {
		if user, ok = strings.CutPrefix(part, key); ok && user != "" {
			return user, true
		}
	}
	return "", false
}

func (o *oauth) pairs(m Message, parts []string) (notes []session.Note) {
	found := false
	seen := map[string]bool{}
	for _, p := range parts {
		key, value, _ := strings.Cut(p, "=")
		if seen[key] {
			notes = append(notes, decode.Finding("A22", refOAuth, session.Error, m.Span, "one of the client's keys stands there twice"))
		}
		seen[key] = true
		if key == "port" && strings.Trim(value, "0123456789") != "" {
			notes = append(notes, decode.Finding("A22", refOAuth, session.Error, m.Span, "the client's port is %q, which is no number", value))
		}
		switch key {
		case "host", "port":
			n := explained(decode.Field(key, value, m.Span).Is(session.Host), "where the client thinks it is connected to")
			if key == "port" {
				n.Holds = session.Word
			}
			notes = append(notes, n)
		case "auth":
			found = true
			notes = append(notes, o.auth(m, value)...)
		default:
			notes = append(notes, secret(key, value, "token", m.Span))
		}
	}
	if !found {
		return malformed(m, "A22", refOAuth, "the client's message has no auth= with a token")
	}
	return notes
}

// auth is what an HTTP client would send as its Authorization header.
func (o *oauth) auth(m Message, value string) []session.Note {
	if value == "" {
		return []session.Note{decode.Explain("RFC 7628 §4.3", m.Span, "the client sends no token: it asks the server to say in its error which scope is wanted, and where tokens are to be had")}
	}
	scheme, rest, ok := strings.Cut(value, " ")
	if !ok || len(scheme) > 20 { // the token may be part of it
		return malformed(m, "A22", refOAuth, "the client's auth= is not a type, a space and a token")
	}
	notes := []session.Note{decode.Field("scheme", scheme, m.Span).Is(session.Word)}
	if o.name == "OAUTH10A" {
		return append(notes, signedRequest(m, rest)...)
	}
	if !strings.EqualFold(scheme, "Bearer") {
		notes[0].Severity, notes[0].Text = session.Warning, "the client's token is not of the type \"Bearer\", the only one that is defined here"
	}
	n := secret("token", rest, "token", m.Span)
	n.Text = "an access token, fetched over HTTPS from the authorization server outside of this stream"
	switch {
	case rest == "":
		n.Severity, n.Text = session.Error, "the client's token is empty"
	case strings.ContainsFunc(strings.TrimRight(rest, "="), func(r rune) bool { return !tokenChar(r) }):
		n.Severity, n.Text = session.Error, "the client's token has a character that no token may have (RFC 6750 §2.1)"
	}
	return append(append(notes, n), openJWT(rest, m)...)
}

// tokenChar says whether a token may have a character (b64token, RFC 6750 §2.1).
func tokenChar(r rune) bool {
	return r < 0x80 && (isBase64(byte(r)) || strings.ContainsRune("-._~", r))
}

// signedRequest is a signed request of OAuth 1.0a (RFC 5849 §3.5.1): the token
// names the user, and a key that does not travel signs.
func signedRequest(m Message, list string) (notes []session.Note) {
	pairs, ok := directives(list)
	if !ok {
		return malformed(m, "A22", refOAuth, "the client's auth= is not a list of key=\"value\"")
	}
	for _, p := range pairs {
		switch p.key {
		case "oauth_consumer_key", "oauth_signature_method", "oauth_timestamp", "oauth_nonce", "oauth_version", "realm":
			n := decode.Field(p.key, p.value, m.Span)
			switch n.Ref = "RFC 5849 §3.1"; p.key {
			case "oauth_timestamp", "oauth_nonce":
				n.Class = session.Identifier
			case "realm":
				n.Holds = session.Host
			}
			notes = append(notes, n)
		default:
			notes = append(notes, secret(p.key, p.value, "token", m.Span))
		}
	}
	return notes
}

// oauthErrors explains the fields of a refusal (RFC 7628 §3.2.2).
var oauthErrors = map[string]struct {
	text  string
	holds session.Holds
}{
	"status":               {"why the server refuses the token", session.FreeText},
	"scope":                {"what the token would have to allow", session.Sentence},
	"openid-configuration": {"where the authorization server describes itself", session.FreeText},
	"schemes":              {"the types of token that the server takes", session.Word},
}

// tokenErrors explains the values of status (RFC 6750 §3.1; numbers are XOAUTH2's).
var tokenErrors = map[string]string{
	"invalid_token":      "the token has expired, was revoked, or is for something else: the client has to fetch a new one",
	"insufficient_scope": "the token is valid, but does not allow this: the client has to ask for more",
	"invalid_request":    "the server could not read the request",
	"401":                "the token has expired, was revoked, or is for something else: the client has to fetch a new one",
	"400":                "the server could not read the request, or the token is for something else",
}

// server is the JSON with which a server says why it refuses (RFC 7628 §3.2.2).
func (o *oauth) server(m Message) []session.Note {
	if len(m.Payload) == 0 {
		return nil
	}
	o.refused = true
	n := decode.Field("error", session.Clip(readable(m.Payload), 300), m.Span)
	n.Severity, n.Ref = session.Error, "RFC 7628 §3.2.2"
	n.Text = "the server refuses the token, and says why in JSON: often it has expired or lacks a scope"
	notes := []session.Note{n}
	var says map[string]any
	if json.Unmarshal(m.Payload, &says) != nil {
		n := decode.Say(session.Warning, m.Span, "the server's error is not JSON")
		n.Ref = "RFC 7628 §3.2.2"
		return append(notes, n)
	}
	for _, name := range slices.Sorted(maps.Keys(oauthErrors)) {
		value := session.Clip(claimText(says[name]), 200)
		if value == "" {
			continue
		}
		n := explained(decode.Field(name, value, m.Span).Is(oauthErrors[name].holds), oauthErrors[name].text)
		n.Ref = "RFC 7628 §3.2.2"
		if why := tokenErrors[value]; name == "status" && why != "" {
			n.Text = why
		}
		notes = append(notes, n)
	}
	return notes
}
