package xep

import (
	"slices"

	"xmppscope/decode"
	"xmppscope/session"
)

const (
	nsPubsub      = "http://jabber.org/protocol/pubsub"
	nsPubsubOwner = "http://jabber.org/protocol/pubsub#owner"
	nsPubsubEvent = "http://jabber.org/protocol/pubsub#event"
)

// Some extensions put the same element into a stanza, an item of PubSub, or
// private storage. Such a rule matches with stored and explains with eachStored.

// stored matches stanzas with an element in one of the namespaces as a child, in
// an item, or in private storage.
func stored(spaces ...string) decode.Match {
	return decode.Stanza().Holding(spaces...).And(func(s *decode.Seen) bool {
		found := false
		eachPayload(s.Root, func(c *session.Element) bool {
			found = slices.Contains(spaces, c.Name.Space)
			return !found
		})
		return found
	})
}

// eachStored calls f for every element that stored finds.
func eachStored(f explain, spaces ...string) decode.Func {
	return func(s *decode.Seen) (notes []session.Note) {
		if s.Root.Attr("type") == "error" {
			return nil
		}
		eachPayload(s.Root, func(c *session.Element) bool {
			if slices.Contains(spaces, c.Name.Space) {
				notes = append(notes, f(s, c)...)
			}
			return true
		})
		return notes
	}
}

// eachPayload visits the children of a stanza, and what items of PubSub and
// private storage hold, until visit says false.
func eachPayload(root *session.Element, visit func(*session.Element) bool) {
	for i := range root.Nodes {
		c := root.Nodes[i].Element
		if c == nil {
			continue
		}
		if !visit(c) {
			return
		}
		switch c.Name.Space {
		case nsPrivate:
			if !eachChild(c, visit) {
				return
			}
		case nsPubsub, nsPubsubEvent:
			if !eachItem(c, visit) {
				return
			}
		}
	}
}

func eachChild(el *session.Element, visit func(*session.Element) bool) bool {
	for i := range el.Nodes {
		if c := el.Nodes[i].Element; c != nil && !visit(c) {
			return false
		}
	}
	return true
}

// eachItem visits what the items below <publish/> or <items/> hold.
func eachItem(pubsub *session.Element, visit func(*session.Element) bool) bool {
	return eachChild(pubsub, func(items *session.Element) bool {
		return eachChild(items, func(item *session.Element) bool {
			return item.Name.Local != "item" || eachChild(item, visit)
		})
	})
}
