package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "xep-0201", Title: "Best Practices for Message Threads", Ref: "XEP-0201",
		Match: decode.Stanza("message"),
		New:   decode.Stateless(thread),
	})
}

func thread(s *decode.Seen) []session.Note {
	t := s.Root.Child(s.Root.Name.Space, "thread")
	if t == nil {
		return nil
	}
	if parent := t.Attr("parent"); parent != "" {
		return tell("XEP-0201", t.Span, "belongs to the conversation %q, which has come out of %q", clip(t.Text()), parent)
	}
	return tell("XEP-0201", t.Span, "belongs to the conversation %q: messages with the same id go together", clip(t.Text()))
}
