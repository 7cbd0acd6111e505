package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	about("0215", "External Service Discovery", external, "urn:xmpp:extdisco:2", "urn:xmpp:extdisco:1", "urn:xmpp:extdisco:0")
}

func external(s *decode.Seen, el *session.Element) []session.Note {
	if s.Root.Attr("type") == "get" {
		return tell("XEP-0215", el.Span, "%s asks for services outside of XMPP, such as STUN and TURN servers for calls", sender(s))
	}
	var notes []session.Note
	for c := range el.Elements() {
		if c.Name.Local != "service" {
			continue
		}
		access := ""
		if c.Attr("username") != "" {
			access = ", with a name and a password for it"
		}
		if until := c.Attr("expires"); until != "" {
			access += ", good until " + decode.Quote(until)
		}
		notes = append(notes, decode.Explain("XEP-0215", c.Tag, "a service of type %q at %q, port %q, over %q%s",
			c.Attr("type"), c.Attr("host"), c.Attr("port"), c.Attr("transport"), access))
	}
	return notes
}
