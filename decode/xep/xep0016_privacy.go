package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() { about("0016", "Privacy Lists", privacy, "jabber:iq:privacy") }

func privacy(s *decode.Seen, q *session.Element) []session.Note {
	var notes []session.Note
	for c := range q.Elements() {
		name := c.Attr("name")
		switch {
		case c.Name.Local == "active" && name == "":
			notes = append(notes, decode.Explain("XEP-0016", c.Span, "no list is active for this session"))
		case c.Name.Local == "active":
			notes = append(notes, decode.Explain("XEP-0016", c.Span, "the list %q is active for this session only", name))
		case c.Name.Local == "default" && name == "":
			notes = append(notes, decode.Explain("XEP-0016", c.Span, "no list is the account's default"))
		case c.Name.Local == "default":
			notes = append(notes, decode.Explain("XEP-0016", c.Span, "the list %q is the account's default", name))
		case c.Name.Local == "list":
			notes = append(notes, privacyList(s, c, name))
		}
	}
	if len(notes) == 0 && s.Root.Attr("type") == "get" {
		return tell("XEP-0016", q.Span, "the client asks for the names of its privacy lists, rules about who may reach it; blocking (XEP-0191) has taken their place")
	}
	return notes
}

func privacyList(s *decode.Seen, c *session.Element, name string) session.Note {
	items := len(c.Children())
	switch {
	case s.Root.Attr("type") == "get":
		return decode.Explain("XEP-0016", c.Span, "the client asks what is in the list %q", name)
	case s.Root.Attr("type") == "set" && s.Event.Dir == session.S2C:
		return decode.Explain("XEP-0016", c.Span, "the server tells that the list %q has changed", name)
	case s.Root.Attr("type") == "set" && items == 0:
		return decode.Explain("XEP-0016", c.Span, "the client removes the list %q", name)
	}
	return decode.Explain("XEP-0016", c.Span, "the list %q, with %s, applied in the order of their numbers", name, session.Plural(items, "rule"))
}
