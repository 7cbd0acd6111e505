package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

const nsNick = "http://jabber.org/protocol/nick"

func init() {
	add(decode.Rule{
		ID: "xep-0172", Title: "User Nickname", Ref: "XEP-0172",
		Match: stored(nsNick),
		New:   decode.Stateless(eachStored(nickname, nsNick)),
	})
}

func nickname(_ *decode.Seen, el *session.Element) []session.Note {
	return tell("XEP-0172", el.Span, "the sender calls itself %q; anyone can write anything here", clip(el.Text()))
}
