package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() { about("0380", "Explicit Message Encryption", encrypted, "urn:xmpp:eme:0") }

func encrypted(_ *decode.Seen, el *session.Element) []session.Note {
	ns := el.Attr("namespace")
	how := withName(ns)
	if name := el.Attr("name"); name != "" {
		how = decode.Quote(name) + ", " + how
	}
	return tell("XEP-0380", attrSpan(el, "namespace"), "the message is encrypted with %s: a client without it can at least say so", how)
}
