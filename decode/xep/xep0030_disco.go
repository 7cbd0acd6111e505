package xep

import (
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

const (
	nsDiscoInfo  = "http://jabber.org/protocol/disco#info"
	nsDiscoItems = "http://jabber.org/protocol/disco#items"
)

func init() {
	add(decode.Rule{
		ID: "xep-0030", Title: "Service Discovery", Ref: "XEP-0030",
		Match: decode.Payload(nsDiscoInfo, nsDiscoItems),
		New:   decode.Stateless(disco),
	})
}

func disco(s *decode.Seen) []session.Note {
	if q := s.Root.Child(nsDiscoInfo, "query"); q != nil {
		return discoInfo(s, q)
	}
	if q := s.Root.Child(nsDiscoItems, "query"); q != nil {
		return discoItems(s, q)
	}
	return nil
}

func discoInfo(s *decode.Seen, q *session.Element) []session.Note {
	switch s.Root.Attr("type") {
	case "get":
		return []session.Note{decode.Explain("XEP-0030 §3.1", q.Span, "the %s asks what the other end is and what it can do%s", s.Event.Dir.Sender(), ofNode(q))}
	case "result":
		// What it supports comes last, since there is much of it.
		notes := make([]session.Note, 0, min(len(q.Nodes)+1, maxFeatures))
		features := 0
		for c := range q.Elements() {
			switch c.Name.Local {
			case "feature":
				features++
			case "identity":
				notes = append(notes, identity(c))
			case "x":
				notes = append(notes, decode.Explain("XEP-0128", c.Tag, "more about it, in a form"))
			}
		}
		notes = append(notes, decode.Explain("XEP-0030 §3.1", q.Tag, "it supports %s%s", session.Plural(features, "feature"), ofNode(q)))
		named := 0
		for c := range q.Elements() {
			if c.Name.Local == "feature" && named < maxFeatures {
				notes = append(notes, feature(c))
				named++
			}
		}
		return notes
	}
	return nil
}

// maxFeatures bounds how many features of one answer are named.
const maxFeatures = 256

// feature names the specification that a feature belongs to.
func feature(c *session.Element) session.Note {
	name := c.Attr("var")
	n := session.Note{Name: "feature", Value: name, Holds: session.Word, Span: c.Span, Ref: "XEP-0030 §3.1"}
	spec, ok := Named(name)
	switch {
	case !ok:
		n.Text = "not in the registry"
	case strings.HasSuffix(name, "+notify"):
		n.Text = "wants to be told of news of " + spec.String()
	default:
		n.Text = spec.String()
	}
	return n
}

func identity(c *session.Element) session.Note {
	what := c.Attr("category") + "/" + c.Attr("type")
	if name := c.Attr("name"); name != "" {
		return decode.Explain("XEP-0030 §3.1", c.Span, "it is a %s called %q", what, name)
	}
	return decode.Explain("XEP-0030 §3.1", c.Span, "it is a %s", what)
}

func discoItems(s *decode.Seen, q *session.Element) []session.Note {
	switch s.Root.Attr("type") {
	case "get":
		return []session.Note{decode.Explain("XEP-0030 §4.1", q.Span, "the %s asks what belongs to the other end: services, rooms, nodes%s", s.Event.Dir.Sender(), ofNode(q))}
	case "result":
		var names []string
		for c := range q.Elements() {
			if c.Name.Local == "item" {
				names = append(names, c.Attr("jid"))
			}
		}
		return []session.Note{decode.Explain("XEP-0030 §4.1", q.Tag, "%s: %q", session.Plural(len(names), "item"), strings.Join(names, " "))}
	}
	return nil
}

// ofNode names the node that a query is about, if it is about one.
func ofNode(q *session.Element) string {
	if node := q.Attr("node"); node != "" {
		return ", at node " + withName(node)
	}
	return ""
}
