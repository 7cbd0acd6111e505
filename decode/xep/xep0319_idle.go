package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() { about("0319", "Last User Interaction in Presence", idle, "urn:xmpp:idle:1") }

func idle(_ *decode.Seen, el *session.Element) []session.Note {
	return tell("XEP-0319", attrSpan(el, "since"), "the user has not touched the device since %q", el.Attr("since"))
}
