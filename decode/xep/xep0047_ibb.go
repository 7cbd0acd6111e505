package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() { about("0047", "In-Band Bytestreams", inBand, "http://jabber.org/protocol/ibb") }

func inBand(s *decode.Seen, el *session.Element) []session.Note {
	sid := el.Attr("sid")
	switch el.Name.Local {
	case "open":
		return tell("XEP-0047 §2.1", el.Span, "%s opens a byte stream inside of XMPP, %q, in blocks of %q bytes: slow, but it passes every firewall", sender(s), sid, el.Attr("block-size"))
	case "data":
		return tell("XEP-0047 §2.2", el.Tag, "block %q of the byte stream %q, %s of base64", el.Attr("seq"), sid, session.Plural(len(el.Text()), "character"))
	case "close":
		return tell("XEP-0047 §2.3", el.Span, "%s closes the byte stream %q", sender(s), sid)
	}
	return nil
}
