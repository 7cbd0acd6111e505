package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

const nsBookmarks = "urn:xmpp:bookmarks:1"

func init() {
	add(decode.Rule{
		ID: "xep-0402", Title: "PEP Native Bookmarks", Ref: "XEP-0402",
		Match: stored(nsBookmarks, "urn:xmpp:bookmarks:0"),
		New:   decode.Stateless(eachStored(bookmark, nsBookmarks, "urn:xmpp:bookmarks:0")),
	})
}

func bookmark(_ *decode.Seen, el *session.Element) []session.Note {
	if el.Name.Local != "conference" {
		return nil
	}
	text := "a bookmark of a room; the item's id is the room's address"
	if isTrue(el.Attr("autojoin")) {
		text += "; clients join it by themselves"
	}
	if nick := textOf(el, "nick"); nick != "" {
		text += ", as " + decode.Quote(nick)
	}
	return tell("XEP-0402", el.Tag, "%s", text)
}
