package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

const nsPush = "urn:xmpp:push:0"

func init() {
	add(decode.Rule{
		ID: "xep-0357", Title: "Push Notifications", Ref: "XEP-0357",
		Match: stored(nsPush),
		New:   decode.Stateless(eachStored(push, nsPush)),
	})
}

func push(_ *decode.Seen, el *session.Element) []session.Note {
	switch el.Name.Local {
	case "enable":
		return tell("XEP-0357", el.Tag, "the client wants the app server %q woken when something comes while it is away (node %q)", el.Attr("jid"), el.Attr("node"))
	case "disable":
		return tell("XEP-0357", el.Tag, "the client does not want %q woken any more", el.Attr("jid"))
	case "notification":
		return tell("XEP-0357", el.Tag, "the server tells the app server that something has come, which wakes the device through the maker of its system")
	}
	return nil
}
