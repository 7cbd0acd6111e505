package sasl

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Mechanism{
		ID: "sasl-cram-md5", Title: "CRAM-MD5", Ref: "RFC 2195 §2", Names: []string{"CRAM-MD5"},
		Historic: guessable,
	}, func(string) Decoder { return &cram{} })
}

// cram is RFC 2195: the server sends a text, the client its user name and
// HMAC-MD5(password, text) in hex.
type cram struct {
	challenge string
	checked
}

func (c *cram) Decode(m Message) []session.Note {
	text := string(m.Payload)
	switch {
	case text == "" && m.Kind == Initial:
		return []session.Note{decode.Say(session.Info, m.Element.Tag, "no initial response: in this mechanism the server speaks first")}
	case text == "" && !m.Kind.FromClient():
		if m.Kind == Success {
			return nil
		}
		return []session.Note{decode.Say(session.Error, m.Element.Tag, "the server's challenge is empty: there is nothing for the client to hash")}
	case text == "":
		return []session.Note{decode.Say(session.Error, m.Element.Tag, "the client's answer is empty")}
	case !utf8.ValidString(text):
		return malformed(m, "sasl-cram-md5", "", "the %s sent bytes that are not UTF-8", sender(m))
	case !m.Kind.FromClient():
		c.challenge = text
		return []session.Note{explained(decode.Field("challenge", text, m.Span).Classed(session.Identifier), "a text that is never the same, for the client to hash with its password")}
	}
	at := strings.LastIndexByte(text, ' ') // user names may have spaces
	if at <= 0 || len(text)-at-1 != 32 || strings.Trim(strings.ToLower(text[at+1:]), "0123456789abcdef") != "" {
		return malformed(m, "sasl-cram-md5", "", "the client did not send a user name, a space and 32 hex digits")
	}
	answer := secret("response", text[at+1:], "CRAM-MD5 response", m.Span)
	answer.Text = "an HMAC over the server's text with the password as its key; whoever records it can guess passwords off line"
	notes := []session.Note{explained(decode.Field("authcid", text[:at], m.Span).Is(session.User), "the user name; the password itself never travels"), answer}
	if m.Kind == Initial {
		notes = append(notes, decode.Say(session.Error, m.Element.Tag, "the client speaks first, but it is the server that does in this mechanism"))
	}
	if c.challenge == "" {
		return notes
	}
	v := decode.CheckForms(m.State.Account(text[:at]), func(password string) bool {
		return strings.EqualFold(cramResponse(password, c.challenge), text[at+1:])
	})
	if upper := strings.ToLower(text[at+1:]) != text[at+1:]; upper && v.Result == decode.Fits && v.Fault == "" {
		v.Fault = "wrote its response in upper case, where lower case is asked for"
	}
	c.Check = v
	return append(notes, v.Note("client", "response", m.Span)...)
}

// cramResponse is HMAC-MD5 with the password as its key, in hex.
func cramResponse(password, challenge string) string {
	mac := hmac.New(md5.New, []byte(password))
	mac.Write([]byte(challenge))
	return hex.EncodeToString(mac.Sum(nil))
}
