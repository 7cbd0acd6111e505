package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

const nsRetract = "urn:xmpp:message-retract:1"

func init() {
	about("0424", "Message Retraction", retraction, nsRetract, "urn:xmpp:message-retract:0")
}

func retraction(s *decode.Seen, el *session.Element) []session.Note {
	switch el.Name.Local {
	case "retract":
		if by := el.Child("", "moderated"); by != nil {
			return tell("XEP-0425", el.Tag, "a moderator has taken the message %q back%s", el.Attr("id"), because(textOf(el, "reason")))
		}
		if el.Attr("id") == "" {
			return tell("XEP-0424", el.Tag, "it is to be taken back: clients are asked to forget it, nothing makes them")
		}
		return tell("XEP-0424", el.Tag, "%s takes the message %q back; clients are asked to forget it, nothing makes them", sender(s), el.Attr("id"))
	case "retracted":
		return tell("XEP-0424", el.Tag, "here was a message that has been taken back (at %q)", el.Attr("stamp"))
	}
	return nil
}
