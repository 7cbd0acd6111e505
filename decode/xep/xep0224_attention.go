package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() { about("0224", "Attention", attention, "urn:xmpp:attention:0") }

func attention(s *decode.Seen, el *session.Element) []session.Note {
	return tell("XEP-0224", el.Span, "%s wants the receiver to look: its client may ring or shake the window", sender(s))
}
