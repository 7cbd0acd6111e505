package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() { about("0249", "Direct MUC Invitations", directInvitation, "jabber:x:conference") }

func directInvitation(s *decode.Seen, el *session.Element) []session.Note {
	text := "%s invites into the room %q, without asking the room%s"
	if el.Attr("password") != "" {
		text += ", and gives its password"
	}
	return tell("XEP-0249", el.Span, text, sender(s), el.Attr("jid"), because(el.Attr("reason")))
}
