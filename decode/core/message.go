package core

import (
	"unicode/utf8"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-message", Title: "Messages", Ref: "RFC 6121 §5",
		Match: decode.Stanza("message"),
		New:   decode.Stateless(explainMessage),
	})
}

// messageTypes says what each type is for (RFC 6121 §5.2.2).
var messageTypes = map[string]string{
	"":          "a message outside of a conversation",
	"normal":    "a message outside of a conversation",
	"chat":      "a message of a conversation between two",
	"groupchat": "a message in a room",
	"headline":  "a message that is not stored and not answered",
	"error":     "an earlier message could not be delivered",
}

func explainMessage(s *decode.Seen) []session.Note {
	typ := s.Root.Attr("type")
	text, ok := messageTypes[typ]
	if !ok {
		return []session.Note{decode.Breach("Q14", s.Root.AttrSpan("type"),
			"the message's type is %q, which is not defined; it counts as normal", typ)}
	}
	notes := append(make([]session.Note, 0, 2), decode.Explain("RFC 6121 §5.2.2", s.Root.Tag, "%s", text))
	if body := s.Root.Child(s.Root.Name.Space, "body"); body != nil {
		n := utf8.RuneCountInString(body.Text())
		notes = append(notes, decode.Explain("RFC 6121 §5.2.3", body.Span, "the text, %s long", session.Plural(n, "character")))
	}
	return notes
}
