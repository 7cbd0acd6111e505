package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "xep-0199", Title: "XMPP Ping", Ref: "XEP-0199",
		Match: decode.Payload("urn:xmpp:ping"),
		New:   decode.Stateless(ping),
	})
}

// ping is an iq that asks for nothing but an answer.
func ping(s *decode.Seen) []session.Note {
	if s.Root.Attr("type") == "error" {
		return nil
	}
	return []session.Note{decode.Explain("XEP-0199 §4", s.Root.First().Span,
		"the %s asks whether the other end is still there; any answer will do, an error too", s.Event.Dir.Sender())}
}
