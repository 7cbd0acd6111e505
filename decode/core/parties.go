package core

import (
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// checkParties is Q12, as far as it can be seen from here.
func checkParties(s *decode.Seen) []session.Note {
	if roleOf(s.State) != clientStream || s.State.JID == "" {
		return nil
	}
	if s.Event.Dir == session.C2S {
		return checkFrom(s)
	}
	return append(checkDelivery(s), checkAuthor(s)...)
}

// checkFrom: a client may speak for itself alone. The server answers such a
// stanza with an error.
func checkFrom(s *decode.Seen) []session.Note {
	from := s.Root.Attr("from")
	if from == "" || own(s, from) && (from == session.BareJID(from) || resource(from) == resource(s.State.JID)) {
		return nil
	}
	return []session.Note{decode.Breach("Q12", s.Root.AttrSpan("from"), "the client speaks as %q, but it is %q", from, s.State.JID)}
}

// own says whether an address is the account's, with any resource or none.
func own(s *decode.Seen, jid string) bool {
	return strings.EqualFold(session.BareJID(jid), session.BareJID(s.State.JID))
}

// checkDelivery: what a server delivers is for this account.
func checkDelivery(s *decode.Seen) []session.Note {
	to := s.Root.Attr("to")
	if to == "" || own(s, to) {
		return nil
	}
	return []session.Note{decode.Breach("Q12", s.Root.AttrSpan("to"),
		"the server delivers to %q what is addressed to %q", s.State.JID, to)}
}

// checkAuthor: what the own account answers comes from it, or from nobody in
// particular; servers of old name themselves. Anyone else would be forging the
// answer. A subscription is between accounts, not devices.
func checkAuthor(s *decode.Seen) []session.Note {
	from, span := s.Root.Attr("from"), s.Root.AttrSpan("from")
	r := s.Request
	switch {
	case r != nil && r.Dir == session.C2S && (r.To == "" || own(s, r.To)) && from != "" && !own(s, from) && !strings.EqualFold(from, domainOf(s.State.JID)):
		return []session.Note{decode.Breach("Q12", span,
			"the server lets %q answer what the client asked its own account: only %q may, and the client must ignore this", from, session.BareJID(s.State.JID))}
	case s.Root.Name.Local == "presence" && strings.Contains(s.Root.Attr("type"), "subscribe") && resource(from) != "":
		return []session.Note{decode.Finding("Q12", "RFC 6121 §3.1.2", session.Notice, span,
			"the server delivers %q from %q; about subscriptions, accounts speak, and their server should have taken the resource off", s.Root.Attr("type"), from)}
	}
	return nil
}
