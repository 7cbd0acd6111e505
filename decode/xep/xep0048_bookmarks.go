package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

const nsOldBookmarks = "storage:bookmarks"

func init() {
	add(decode.Rule{
		ID: "xep-0048", Title: "Bookmarks", Ref: "XEP-0048",
		Match: stored(nsOldBookmarks),
		New:   decode.Stateless(eachStored(oldBookmarks, nsOldBookmarks)),
	})
}

// oldBookmarks is the list of rooms of before XEP-0402: one element with all of
// them, in private storage or in one item of PEP.
func oldBookmarks(s *decode.Seen, el *session.Element) []session.Note {
	if s.Root.Attr("type") == "get" {
		return nil // what is asked for is said already
	}
	var rooms, auto int
	for c := range el.Elements() {
		if c.Name.Local == "conference" {
			rooms++
			if isTrue(c.Attr("autojoin")) {
				auto++
			}
		}
	}
	return tell("XEP-0048", el.Tag, "%s in one list, %d to be joined at login; whoever changes one has to send all of them, so two clients can undo each other's changes", session.Plural(rooms, "room"), auto)
}

// isTrue reads a boolean of XML Schema.
func isTrue(v string) bool { return v == "true" || v == "1" }
