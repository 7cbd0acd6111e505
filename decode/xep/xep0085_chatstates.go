package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

const nsChatStates = "http://jabber.org/protocol/chatstates"

func init() {
	add(decode.Rule{
		ID: "xep-0085", Title: "Chat State Notifications", Ref: "XEP-0085",
		Match: decode.Payload(nsChatStates),
		New:   decode.Stateless(chatState),
	})
}

var chatStates = map[string]string{
	"active":    "the sender looks at the conversation",
	"composing": "the sender is writing",
	"paused":    "the sender has stopped writing, for now",
	"inactive":  "the sender has not looked at the conversation for a while",
	"gone":      "the sender has left the conversation",
}

func chatState(s *decode.Seen) (notes []session.Note) {
	for c := range s.Root.Elements() {
		if c.Name.Space != nsChatStates {
			continue
		}
		if text, ok := chatStates[c.Name.Local]; ok {
			notes = append(notes, decode.Explain("XEP-0085 §3", c.Span, "%s", text))
			continue
		}
		notes = append(notes, decode.Finding("xep-0085", "XEP-0085 §3", session.Warning, c.Span, "the chat state %q is not defined", c.Name.Local))
	}
	return notes
}
