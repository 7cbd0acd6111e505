package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

var nsModerate = []string{"urn:xmpp:message-moderate:1", "urn:xmpp:message-moderate:0", "urn:xmpp:fasten:0"}

func init() { about("0425", "Moderated Message Retraction", moderation, nsModerate...) }

func moderation(s *decode.Seen, el *session.Element) []session.Note {
	id := el.Attr("id")
	reason := because(textOf(el, "reason"))
	switch {
	case el.Name.Local == "moderate":
		return tell("XEP-0425", el.Tag, "%s, a moderator, asks the room to take back the message %q%s", sender(s), id, reason)
	case el.Name.Local == "moderated":
		return tell("XEP-0425", el.Tag, "the message was taken back by the moderator %q%s", el.Attr("by"), reason)
	case el.Name.Local != "apply-to":
		return nil
	}
	for c := range el.Elements() {
		switch c.Name.Local {
		case "moderate", "moderated":
			return tell("XEP-0425", c.Tag, "the message %q is taken back by a moderator%s", id, because(textOf(c, "reason")))
		case "retract":
			return tell("XEP-0424", c.Tag, "%s takes the message %q back; clients are asked to forget it", sender(s), id)
		}
	}
	return tell("XEP-0422", el.Tag, "this adds something to the earlier message %q", id)
}
