package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() { about("0461", "Message Replies", reply, "urn:xmpp:reply:0") }

func reply(_ *decode.Seen, el *session.Element) []session.Note {
	if el.Attr("id") == "" {
		return []session.Note{decode.Finding("xep-0461", "XEP-0461", session.Warning, el.Span, "a reply that does not say to which message (no id)")}
	}
	of := ""
	if to := el.Attr("to"); to != "" {
		of = " of " + decode.Quote(to)
	}
	return tell("XEP-0461", el.Span, "a reply to the message %q%s", el.Attr("id"), of)
}
