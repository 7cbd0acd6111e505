package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() { about("0308", "Last Message Correction", correction, "urn:xmpp:message-correct:0") }

func correction(_ *decode.Seen, el *session.Element) []session.Note {
	if el.Attr("id") == "" {
		return []session.Note{decode.Finding("xep-0308", "XEP-0308", session.Warning, el.Span, "this corrects an earlier message, but does not say which (no id)")}
	}
	return tell("XEP-0308", el.AttrSpan("id"), "this takes the place of the earlier message with the id %q", el.Attr("id"))
}
