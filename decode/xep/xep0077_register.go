package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() { about("0077", "In-Band Registration", register, "jabber:iq:register") }

func register(s *decode.Seen, q *session.Element) []session.Note {
	has := func(local string) bool { return q.Child("", local) != nil }
	where := "its server"
	if to := s.Root.Attr("to"); to != "" {
		where = decode.Quote(to)
	}
	switch typ := s.Root.Attr("type"); {
	case typ == "get":
		return tell("XEP-0077 §3.1", q.Span, "%s asks %s what it takes to register", sender(s), where)
	case typ == "set" && has("remove"):
		return tell("XEP-0077 §3.2", q.Child("", "remove").Span, "%s asks %s to delete the account or registration", sender(s), where)
	case typ == "set" && s.State.Authenticated && s.Root.Attr("to") == "" && has("password"):
		return tell("XEP-0077 §3.3", q.Tag, "the client changes its password")
	case typ == "set":
		return tell("XEP-0077 §3.1", q.Tag, "%s registers with %s", sender(s), where)
	case typ == "result" && has("registered"):
		return tell("XEP-0077 §3.1", q.Tag, "who asks is registered already; this is what is stored")
	case typ == "result":
		return tell("XEP-0077 §3.1", q.Tag, "to register, fill in %s", registerFields(q))
	}
	return nil
}

// registerFields are the plain fields, without the instructions, or the form where
// there is one: it takes their place.
func registerFields(q *session.Element) string {
	if q.Child(nsForm, "x") != nil {
		return "the form"
	}
	var names []string
	for c := range q.Elements() {
		if c.Name.Space == q.Name.Space && c.Name.Local != "instructions" {
			names = append(names, c.Name.Local)
		}
	}
	return listOr(names, "nothing")
}
