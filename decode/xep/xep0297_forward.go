package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

const nsForward = "urn:xmpp:forward:0"

func init() { about("0297", "Stanza Forwarding", forwarded, nsForward) }

// forwarded is about what someone passes on by hand; carbons and archives, which
// wrap it, have rules of their own.
func forwarded(s *decode.Seen, el *session.Element) []session.Note {
	for c := range el.Elements() {
		if session.IsStanza(c.Name.Local) {
			return tell("XEP-0297", el.Tag, "%s passes on a %s from %q to %q; nobody vouches for it but the sender", sender(s), c.Name.Local, c.Attr("from"), c.Attr("to"))
		}
	}
	return nil
}
