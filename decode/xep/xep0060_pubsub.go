package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "xep-0060", Title: "Publish-Subscribe", Ref: "XEP-0060",
		Match: decode.Payload(nsPubsub, nsPubsubOwner, nsPubsubEvent),
		New:   decode.Stateless(pubsub),
	})
}

func pubsub(s *decode.Seen) (notes []session.Note) {
	for p := range s.Root.Elements() {
		for c := range p.Elements() {
			switch p.Name.Space {
			case nsPubsubEvent:
				notes = append(notes, pubsubEvent(s, c)...)
			case nsPubsub, nsPubsubOwner:
				if isRequest(s) {
					notes = append(notes, pubsubRequest(s, p.Name.Space, c)...)
				} else if isAnswer(s) {
					notes = append(notes, pubsubAnswer(c)...)
				}
			}
		}
	}
	return notes
}

// atNode says where: a node of a service, or of an account (PEP).
func atNode(s *decode.Seen, c *session.Element) string {
	where := "the service " + decode.Quote(s.Root.Attr("to"))
	switch to := s.Root.Attr("to"); {
	case to == "" || to == session.BareJID(s.State.JID):
		where = "the own account (PEP)"
	case isAccount(to):
		where = "the account " + decode.Quote(to) + " (PEP)"
	}
	if node := c.Attr("node"); node != "" {
		return "the node " + withName(node) + " of " + where
	}
	return where
}

// pubsubRef is the section, and XEP-0163 where an account is the service.
func pubsubRef(s *decode.Seen, section string) string {
	if to := s.Root.Attr("to"); to == "" || isAccount(to) {
		return "XEP-0163"
	}
	return "XEP-0060 " + section
}

// pubsubWords says what each request asks for.
var pubsubWords = map[string]struct{ section, text string }{
	nsPubsub + " subscribe":          {"§6.1", "%s subscribes to %s: it will be told of new items"},
	nsPubsub + " unsubscribe":        {"§6.2", "%s does not want to be told of new items of %s any more"},
	nsPubsub + " options":            {"§6.3", "%s asks for, or sets, how it is told of items of %s"},
	nsPubsub + " items":              {"§6.5", "%s asks for the items of %s"},
	nsPubsub + " publish":            {"§7.1", "%s publishes to %s"},
	nsPubsub + " retract":            {"§7.2", "%s deletes an item of %s"},
	nsPubsub + " create":             {"§8.1", "%s creates %s"},
	nsPubsub + " configure":          {"§8.2", "%s says how the new node shall be configured, at %s"},
	nsPubsub + " publish-options":    {"§7.1.5", "%s wants this published only if the node is configured like that, or made so, at %s"},
	nsPubsub + " subscriptions":      {"§5.6", "%s asks what it is subscribed to at %s"},
	nsPubsub + " affiliations":       {"§5.7", "%s asks what it may do at %s"},
	nsPubsub + " default":            {"§6.4", "%s asks for the default subscription options of %s"},
	nsPubsubOwner + " configure":     {"§8.2", "%s, an owner, asks for or sets the configuration of %s"},
	nsPubsubOwner + " default":       {"§8.3", "%s asks how new nodes are configured at %s"},
	nsPubsubOwner + " delete":        {"§8.4", "%s, an owner, deletes %s"},
	nsPubsubOwner + " purge":         {"§8.5", "%s, an owner, deletes all items of %s"},
	nsPubsubOwner + " subscriptions": {"§8.8", "%s, an owner, asks for or changes who is subscribed to %s"},
	nsPubsubOwner + " affiliations":  {"§8.9", "%s, an owner, asks for or changes who may do what at %s"},
}

func pubsubRequest(s *decode.Seen, space string, c *session.Element) []session.Note {
	w, ok := pubsubWords[space+" "+c.Name.Local]
	if !ok {
		return nil
	}
	notes := tell(pubsubRef(s, w.section), c.Tag, w.text, sender(s), atNode(s, c))
	for item := range c.Elements() {
		if item.Name.Local == "item" {
			notes = append(notes, itemNote(item))
		}
	}
	return notes
}

func itemNote(item *session.Element) session.Note {
	id := item.Attr("id")
	if id == "" {
		return decode.Explain("XEP-0060", item.Tag, "an item whose id the service chooses")
	}
	return field("XEP-0060", "item", id, item.AttrSpan("id"), "the id of the item: a new one with the same id takes its place")
}

func pubsubAnswer(c *session.Element) []session.Note {
	switch c.Name.Local {
	case "items":
		return tell("XEP-0060 §6.5", c.Tag, "%s of the node %s", session.Plural(len(c.Children()), "item"), withName(c.Attr("node")))
	case "publish":
		if item := c.First(); item != nil {
			return tell("XEP-0060 §7.1", c.Tag, "published at %s, as item %q", withName(c.Attr("node")), item.Attr("id"))
		}
	case "subscription":
		return tell("XEP-0060 §6.1", c.Tag, "the subscription of %q to the node %s: %q", c.Attr("jid"), withName(c.Attr("node")), c.Attr("subscription"))
	case "create":
		return tell("XEP-0060 §8.1", c.Tag, "the node has been created: %q", c.Attr("node"))
	case "subscriptions", "affiliations":
		return tell("XEP-0060", c.Tag, "a list of %s", session.Plural(len(c.Children()), c.Name.Local[:len(c.Name.Local)-1]))
	case "configure", "default", "options":
		return tell("XEP-0060", c.Tag, "the configuration, as a form")
	}
	return nil
}
