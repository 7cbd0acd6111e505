package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() { about("0444", "Message Reactions", reactions, "urn:xmpp:reactions:0") }

func reactions(s *decode.Seen, el *session.Element) []session.Note {
	var all []string
	for c := range el.Elements() {
		if c.Name.Local == "reaction" {
			all = append(all, c.Text())
		}
	}
	if len(all) == 0 {
		return tell("XEP-0444", el.Tag, "%s takes its reactions to the message %q back", sender(s), el.Attr("id"))
	}
	return tell("XEP-0444", el.Tag, "%s reacts to the message %q with %s; these take the place of earlier ones", sender(s), el.Attr("id"), list(all))
}
