package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "xep-0352", Title: "Client State Indication", Ref: "XEP-0352",
		Match: decode.Top("urn:xmpp:csi:0", ""),
		New:   decode.Stateless(clientState),
	})
}

func clientState(s *decode.Seen) []session.Note {
	switch s.Root.Name.Local {
	case "inactive":
		return tell("XEP-0352", s.Root.Span, "nobody looks at the client: the server may hold back or drop what is not urgent, such as presence, so that a phone can sleep")
	case "active":
		return tell("XEP-0352", s.Root.Span, "someone looks at the client: the server sends what it held back, and everything at once from here")
	}
	return nil
}
