package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() { about("0333", "Displayed Markers", marker, "urn:xmpp:chat-markers:0") }

var markers = map[string]string{
	"markable":     "the sender wants to know when this has been read",
	"displayed":    "everything up to the message %q has been read",
	"received":     "everything up to the message %q has arrived; receipts (XEP-0184) have taken the place of this",
	"acknowledged": "everything up to the message %q has been dealt with",
}

func marker(_ *decode.Seen, el *session.Element) []session.Note {
	text := markers[el.Name.Local]
	switch {
	case text == "":
		return nil
	case el.Name.Local == "markable":
		return tell("XEP-0333", el.Span, "%s", text)
	}
	return tell("XEP-0333", el.Span, text, el.Attr("id"))
}
