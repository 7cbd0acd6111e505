package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() { about("0359", "Unique and Stable Stanza IDs", stanzaID, "urn:xmpp:sid:0") }

func stanzaID(s *decode.Seen, el *session.Element) []session.Note {
	switch el.Name.Local {
	case "origin-id":
		return tell("XEP-0359", attrSpan(el, "id"), "the sender's own id of the message, which rooms and servers leave alone")
	case "stanza-id":
		if el.Attr("by") == "" {
			return []session.Note{decode.Finding("xep-0359", "XEP-0359", session.Warning, el.Span, "this id does not say who gave it (no by): it proves nothing")}
		}
		if s.Event.Dir == session.C2S {
			return tell("XEP-0359", el.Span, "an id by which %q shall know the message; a server takes such ids out where it gives its own", el.Attr("by"))
		}
		return tell("XEP-0359", attrSpan(el, "id"), "the id of the message in the archive of %q: queries of the archive and retractions in rooms name it", el.Attr("by"))
	}
	return nil
}
