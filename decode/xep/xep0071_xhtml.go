package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() { about("0071", "XHTML-IM", xhtml, "http://jabber.org/protocol/xhtml-im") }

func xhtml(s *decode.Seen, el *session.Element) []session.Note {
	notes := tell("XEP-0071", el.Tag, "the text once more as XHTML; receivers must let only a few elements through")
	if s.Root.Child(s.Root.Name.Space, "body") == nil {
		notes = append(notes, decode.Finding("xep-0071", "XEP-0071", session.Warning, el.Tag, "the message has XHTML but no plain text: clients that do not show XHTML show nothing"))
	}
	if bad := forbiddenXHTML(el); bad != nil {
		notes = append(notes, decode.Finding("xep-0071", "XEP-0071", session.Warning, bad.Tag, "the element %q is not among those of XHTML-IM: a client that shows it can be attacked through it", bad.Name.Local))
	}
	return notes
}

func forbiddenXHTML(el *session.Element) *session.Element {
	for c := range el.Elements() {
		switch c.Name.Local {
		case "script", "iframe", "object", "embed", "form", "link", "meta":
			return c
		}
		if bad := forbiddenXHTML(c); bad != nil {
			return bad
		}
	}
	return nil
}
