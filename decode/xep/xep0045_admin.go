package xep

import (
	"strconv"

	"xmppscope/decode"
	"xmppscope/session"
)

// mucOwner is the configuration of a room, and its end.
func mucOwner(s *decode.Seen, q *session.Element) []session.Note {
	if d := q.Child(nsMUCOwner, "destroy"); d != nil {
		return tell("XEP-0045 §10.9", d.Tag, "the owner destroys the room %q%s%s", s.Root.Attr("to"), insteadOf(d), because(textOf(d, "reason")))
	}
	form := q.Child(nsForm, "x")
	switch typ := s.Root.Attr("type"); {
	case typ == "get":
		return tell("XEP-0045 §10.2", q.Span, "%s asks how the room %q is configured", sender(s), s.Root.Attr("to"))
	case typ == "set" && form != nil && form.Attr("type") == "cancel":
		return tell("XEP-0045 §10.2", form.Span, "the configuration stays as it was; a room that was new is given up")
	case typ == "set" && form != nil && form.First() == nil:
		return tell("XEP-0045 §10.1", form.Span, "%s takes the new room %q as it is (an instant room)", sender(s), s.Root.Attr("to"))
	case typ == "set":
		return tell("XEP-0045 §10.2", q.Tag, "%s configures the room %q", sender(s), s.Root.Attr("to"))
	case typ == "result":
		return tell("XEP-0045 §10.2", q.Tag, "how the room is configured, as a form to change it")
	}
	return nil
}

// mucAdmin is what moderators and admins do to others: kick, ban, give voice.
func mucAdmin(s *decode.Seen, q *session.Element) (notes []session.Note) {
	for item := range q.Elements() {
		if item.Name.Local != "item" {
			continue
		}
		who := item.Attr("nick")
		if who == "" {
			who = item.Attr("jid")
		}
		switch s.Root.Attr("type") {
		case "set":
			notes = append(notes, adminChange(s, item, who))
		case "get":
			notes = append(notes, decode.Explain("XEP-0045 §9", item.Span, "%s asks who has the role or affiliation %q", sender(s), item.Attr("role")+item.Attr("affiliation")))
		}
	}
	if isAnswer(s) {
		return tell("XEP-0045 §9", q.Tag, "a list with %s", entries(len(q.Children())))
	}
	return notes
}

// adminVerbs says what it means to set a role or an affiliation.
var adminVerbs = map[string]struct{ ref, verb string }{
	"role none":           {"XEP-0045 §8.2", "kicks"},
	"role participant":    {"XEP-0045 §8.3", "gives voice to"},
	"role visitor":        {"XEP-0045 §8.4", "takes the voice from"},
	"role moderator":      {"XEP-0045 §9.6", "makes a moderator of"},
	"affiliation outcast": {"XEP-0045 §9.1", "bans"},
	"affiliation member":  {"XEP-0045 §9.3", "makes a member of"},
	"affiliation admin":   {"XEP-0045 §10.6", "makes an admin of"},
	"affiliation owner":   {"XEP-0045 §10.3", "makes an owner of"},
	"affiliation none":    {"XEP-0045 §9.4", "takes every affiliation from"},
}

func adminChange(s *decode.Seen, item *session.Element, who string) session.Note {
	for _, kind := range []string{"role", "affiliation"} {
		v, ok := item.LookupAttr(kind)
		if !ok {
			continue
		}
		if v, ok := adminVerbs[kind+" "+v]; ok {
			return decode.Explain(v.ref, item.Tag, "%s %s %q in the room %q%s", sender(s), v.verb, who, s.Root.Attr("to"), because(textOf(item, "reason")))
		}
	}
	return decode.Explain("XEP-0045 §9", item.Tag, "%s changes what %q is in the room %q", sender(s), who, s.Root.Attr("to"))
}

func entries(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return strconv.Itoa(n) + " entries"
}
