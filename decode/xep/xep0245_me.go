package xep

import (
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "xep-0245", Title: "The /me Command", Ref: "XEP-0245",
		Match: decode.Stanza("message"),
		New:   decode.Stateless(meCommand),
	})
}

func meCommand(s *decode.Seen) []session.Note {
	body := s.Root.Child(s.Root.Name.Space, "body")
	if body == nil || !strings.HasPrefix(body.Text(), "/me ") {
		return nil
	}
	return tell("XEP-0245", body.Span, "the receiver's client shows the sender's name in place of /me")
}
