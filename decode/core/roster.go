package core

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-roster", Title: "The roster", Ref: "RFC 6121 §2",
		Match: decode.Payload(decode.NSRoster),
		New:   decode.Stateless(explainRoster),
	})
}

// subscriptions says who sees whose presence (RFC 6121 §2.1.2.5).
var subscriptions = map[string]string{
	"none":   "neither sees the other's presence",
	"to":     "the user sees the contact's presence",
	"from":   "the contact sees the user's presence",
	"both":   "both see each other's presence",
	"remove": "the contact is taken off the list",
	"":       "neither sees the other's presence",
}

func explainRoster(s *decode.Seen) []session.Note {
	query := s.Root.Child(decode.NSRoster, "query")
	if query == nil {
		return nil
	}
	var notes []session.Note
	switch typ := s.Root.Attr("type"); {
	case typ == "get":
		notes = append(notes, rosterGet(query))
	case typ == "result":
		notes = append(notes, decode.Explain("RFC 6121 §2.1.4", query.Tag, "the contact list, with %s", session.Plural(len(query.Children()), "contact")))
	case s.Event.Dir == session.S2C:
		notes = append(notes, rosterPush(s, query)...)
	case typ == "set":
		notes = append(notes, decode.Explain("RFC 6121 §2.1.5", query.Tag, "the client changes its contact list; the server tells every device of the account"))
	}
	for item := range query.Elements() {
		notes = append(notes, rosterItem(item))
	}
	return notes
}

func rosterGet(query *session.Element) session.Note {
	if v, ok := query.LookupAttr("ver"); ok && v != "" {
		return decode.Explain("RFC 6121 §2.6.2", query.Span, "the client asks what has changed since version %q of its contact list", v)
	}
	return decode.Explain("RFC 6121 §2.2", query.Span, "the client asks for its contact list")
}

// rosterPush is a set from the server; Q18 guards against one from a stranger.
func rosterPush(s *decode.Seen, query *session.Element) []session.Note {
	notes := []session.Note{decode.Explain("RFC 6121 §2.1.6", query.Tag, "the server tells the client of a change in its contact list (roster push)")}
	from := s.Root.Attr("from")
	if from != "" && s.State.JID != "" && session.BareJID(from) != session.BareJID(s.State.JID) && from != s.State.Domain() {
		notes = append(notes, decode.Breach("Q18", s.Root.AttrSpan("from"),
			"this roster push comes from %q, not from the client's own account: the client must ignore it", from))
	}
	return notes
}

func rosterItem(item *session.Element) session.Note {
	text := subscriptions[item.Attr("subscription")]
	if text == "" {
		text = "a subscription that is not defined"
	}
	if item.Attr("ask") == "subscribe" {
		text += "; the contact has been asked, and has not answered"
	}
	return decode.Explain("RFC 6121 §2.1.2.5", item.Span, "%q: %s", item.Attr("jid"), text)
}
