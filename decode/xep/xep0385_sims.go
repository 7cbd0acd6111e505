package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	about("0385", "Stateless Inline Media Sharing (SIMS)", sims, "urn:xmpp:reference:0")
}

// sims is about references that carry a file, and names the others (XEP-0372).
func sims(_ *decode.Seen, el *session.Element) []session.Note {
	if el.Name.Local != "reference" {
		return nil
	}
	if m := el.Child("", "media-sharing"); m != nil {
		name, size := "", ""
		if f := m.Child("", "file"); f != nil {
			name, size = textOf(f, "name"), textOf(f, "size")
		}
		return tell("XEP-0385", m.Tag, "a file to be shown in the message: %q, %s bytes; its hash and where to get it are inside", name, decode.Quote(size))
	}
	return tell("XEP-0372", el.Tag, "characters %s to %s of the text refer to %q (%s)", decode.Quote(el.Attr("begin")), decode.Quote(el.Attr("end")), el.Attr("uri"), el.Attr("type"))
}
