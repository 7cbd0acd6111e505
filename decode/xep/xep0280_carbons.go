package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

const nsCarbons = "urn:xmpp:carbons:2"

func init() {
	add(decode.Rule{
		ID: "xep-0280", Title: "Message Carbons", Ref: "XEP-0280",
		Match: decode.Payload(nsCarbons),
		New:   decode.Stateless(carbons),
	})
}

func carbons(s *decode.Seen) []session.Note {
	for c := range s.Root.Elements() {
		if c.Name.Space != nsCarbons {
			continue
		}
		switch c.Name.Local {
		case "enable":
			return []session.Note{decode.Explain("XEP-0280 §4", c.Span, "the client wants copies of what the account's other devices send and receive")}
		case "disable":
			return []session.Note{decode.Explain("XEP-0280 §5", c.Span, "the client wants no copies any more")}
		case "private":
			return []session.Note{decode.Explain("XEP-0280 §6.2", c.Span, "the sender's other devices shall get no copy of this message")}
		case "received":
			return carbonCopy(s, c, "a copy of a message that another device of this account received")
		case "sent":
			return carbonCopy(s, c, "a copy of a message that another device of this account sent")
		}
	}
	return nil
}

// carbonCopy also checks who sent the copy: only the own account may, or anyone
// could put words into a contact's mouth (CVE-2017-5589 and its kin).
func carbonCopy(s *decode.Seen, c *session.Element, text string) []session.Note {
	for f := range c.Elements() {
		text += parties(f.Child("", "message"))
	}
	notes := []session.Note{decode.Explain("XEP-0280 §6", c.Tag, "%s", text)}
	from := s.Root.Attr("from")
	account := session.BareJID(s.State.JID)
	if s.Event.Dir == session.S2C && account != "" && from != account {
		notes = append(notes, decode.Finding("xep-0280", "XEP-0280 §11", session.Error, s.Root.AttrSpan("from"),
			"this copy comes from %q, not from the own account %q: it is forged, and the client must ignore it", from, account))
	}
	return notes
}
