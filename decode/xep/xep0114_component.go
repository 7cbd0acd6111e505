package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

const nsComponentConnect = "jabber:component:connect"

func init() {
	add(decode.Rule{
		ID: "xep-0114", Title: "Jabber Component Protocol", Ref: "XEP-0114",
		Match: isComponent,
		New:   decode.Stateless(component),
	})
}

func isComponent(s *decode.Seen) bool {
	if s.Root == nil {
		return false
	}
	if _, header := s.Event.Body.(session.StreamOpened); header {
		ns := s.Root.Attr("xmlns")
		return ns == decode.NSComponent || ns == nsComponentConnect
	}
	return s.Root.Name.Local == "handshake" && decode.IsContentNS(s.Root.Name.Space)
}

func component(s *decode.Seen) []session.Note {
	c2s := s.Event.Dir == session.C2S
	switch {
	case s.Root.Name.Local != "handshake" && c2s:
		return tell("XEP-0114 §3", s.Root.Tag, "not a client: a component, a part of the server such as a gateway or a bot, that wants to be %q", s.Root.Attr("to"))
	case s.Root.Name.Local != "handshake":
		return tell("XEP-0114 §3", attrSpan(s.Root, "id"), "the server's stream id, which the component's proof is made with")
	case c2s || len(s.Root.Nodes) > 0:
		return tell("XEP-0114 §3", s.Root.Tag, "the component proves that it knows the secret: the SHA-1 of the stream id and the secret, in hex")
	}
	return tell("XEP-0114 §3", s.Root.Span, "the server lets the component in; from here every stanza needs from and to")
}
