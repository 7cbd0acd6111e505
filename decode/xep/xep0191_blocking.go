package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	about("0191", "Blocking Command", blocking, "urn:xmpp:blocking")
}

func blocking(s *decode.Seen, el *session.Element) []session.Note {
	var jids []string
	for c := range el.Elements() {
		if c.Name.Local == "item" {
			jids = append(jids, c.Attr("jid"))
		}
	}
	push := s.Event.Dir == session.S2C && s.Root.Attr("type") == "set"
	switch {
	case el.Name.Local == "blocklist" && s.Root.Attr("type") == "get":
		return tell("XEP-0191 §3.2", el.Span, "the client asks whom the account has blocked")
	case el.Name.Local == "blocklist":
		return tell("XEP-0191 §3.2", el.Tag, "%s blocked: %s", areIs(len(jids)), listOr(jids, "nobody"))
	case push && el.Name.Local == "block":
		return tell("XEP-0191 §3.3", el.Tag, "the server tells every device of the account that %s is blocked now", list(jids))
	case push && el.Name.Local == "unblock":
		return tell("XEP-0191 §3.4", el.Tag, "the server tells every device of the account that %s is not blocked any more", listOr(jids, "everybody"))
	case el.Name.Local == "block":
		return tell("XEP-0191 §3.3", el.Tag, "the client blocks %s: nothing gets through any more, either way, and the other side sees the account as offline", list(jids))
	case el.Name.Local == "unblock":
		return tell("XEP-0191 §3.4", el.Tag, "the client unblocks %s", listOr(jids, "everybody"))
	}
	return nil
}

func areIs(n int) string {
	if n == 1 {
		return "1 address is"
	}
	return addresses(n) + " are"
}
