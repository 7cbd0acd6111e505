package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() { about("0428", "Fallback Indication", fallback, "urn:xmpp:fallback:0") }

func fallback(_ *decode.Seen, el *session.Element) []session.Note {
	part := "the text"
	if b := el.Child("", "body"); b != nil && b.Attr("end") != "" {
		part = "the text from character " + decode.Quote(b.Attr("start")) + " to " + decode.Quote(b.Attr("end"))
	}
	if what := el.Attr("for"); what != "" {
		return tell("XEP-0428", el.Tag, "%s is there only for clients that do not know %s", part, withName(what))
	}
	return tell("XEP-0428", el.Tag, "%s is there only for clients that do not know what else is in the message", part)
}
