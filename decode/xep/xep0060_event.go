package xep

import (
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// pubsubEvent is what a service tells its subscribers.
func pubsubEvent(s *decode.Seen, c *session.Element) []session.Note {
	ref := "XEP-0060 §7.1"
	from := s.Root.Attr("from")
	who := "the service " + decode.Quote(from)
	if isAccount(from) {
		ref, who = "XEP-0163", decode.Quote(from)
	}
	node := withName(c.Attr("node"))
	switch c.Name.Local {
	case "items":
		return pubsubItems(ref, who, node, c)
	case "purge":
		return tell("XEP-0060 §8.5", c.Span, "%s has lost all its items", node)
	case "delete":
		return tell("XEP-0060 §8.4", c.Tag, "the node %s has been deleted", node)
	case "configuration":
		return tell("XEP-0060 §8.2", c.Tag, "the configuration of the node %s has changed", node)
	case "subscription":
		return tell("XEP-0060", c.Span, "the subscription of %q to the node %s is now %q", c.Attr("jid"), node, c.Attr("subscription"))
	case "collection":
		return tell("XEP-0248", c.Tag, "something has changed in the collection %s (XEP-0248: PubSub Collection Nodes)", node)
	}
	return nil
}

func pubsubItems(ref, who, node string, c *session.Element) []session.Note {
	var items, gone int
	for i := range c.Elements() {
		if i.Name.Local == "retract" {
			gone++
		} else {
			items++
		}
	}
	switch {
	case gone > 0:
		return tell("XEP-0060 §7.2", c.Tag, "%s tells that %s has been deleted from the node %s", who, session.Plural(gone, "item"), node)
	case items == 0:
		return tell(ref, c.Tag, "%s tells of a change in the node %s", who, node)
	}
	return tell(ref, c.Tag, "%s tells of %s of the node %s", who, session.Plural(items, "item"), node)
}

// isAccount says whether an address may be an account's: it has a local part.
func isAccount(jid string) bool {
	at, slash := strings.IndexByte(jid, '@'), strings.IndexByte(jid, '/')
	return at > 0 && (slash < 0 || at < slash)
}
