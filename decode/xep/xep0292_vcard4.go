package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

const nsVCard4 = "urn:ietf:params:xml:ns:vcard-4.0"

func init() {
	add(decode.Rule{
		ID: "xep-0292", Title: "vCard4 Over XMPP", Ref: "XEP-0292",
		Match: stored(nsVCard4),
		New:   decode.Stateless(eachStored(vcard4, nsVCard4)),
	})
}

func vcard4(s *decode.Seen, el *session.Element) []session.Note {
	if s.Root.Attr("type") == "get" {
		return tell("XEP-0292", el.Span, "%s asks for %s vCard in the form of RFC 6351", sender(s), whose(s))
	}
	var parts []string
	for c := range el.Elements() {
		parts = append(parts, c.Name.Local)
	}
	return tell("XEP-0292", el.Tag, "a vCard in the form of RFC 6351, with %s", listOr(parts, "nothing in it"))
}
