package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

const nsPrivate = "jabber:iq:private"

func init() { about("0049", "Private XML Storage", privateStorage, nsPrivate) }

func privateStorage(s *decode.Seen, q *session.Element) []session.Note {
	c := q.First()
	if c == nil {
		return nil
	}
	what := withName(c.Name.Space)
	switch {
	case s.Root.Attr("type") == "get":
		return tell("XEP-0049", c.Span, "the client asks for what it has stored with the server as %q of %s", c.Name.Local, what)
	case s.Root.Attr("type") == "set":
		return tell("XEP-0049", c.Tag, "the client stores %q of %s with the server, for itself only", c.Name.Local, what)
	case isAnswer(s) && len(c.Children()) == 0:
		return tell("XEP-0049", c.Span, "nothing is stored as %q of %s", c.Name.Local, what)
	case isAnswer(s):
		return tell("XEP-0049", c.Tag, "what is stored as %q of %s", c.Name.Local, what)
	}
	return nil
}
