package xep

import (
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

const (
	nsMUC      = "http://jabber.org/protocol/muc"
	nsMUCUser  = "http://jabber.org/protocol/muc#user"
	nsMUCAdmin = "http://jabber.org/protocol/muc#admin"
	nsMUCOwner = "http://jabber.org/protocol/muc#owner"
)

func init() {
	add(decode.Rule{
		ID: "xep-0045", Title: "Multi-User Chat", Ref: "XEP-0045",
		Match: decode.Stanza().And(isMUC),
		New:   func() decode.Explainer { return &muc{} },
	})
}

// maxRooms bounds how many joins without an answer are remembered.
const maxRooms = 1000

// muc remembers which rooms the client is about to enter: occupant addresses.
type muc struct{ asked map[string]bool }

var mucPayload = decode.Payload(nsMUC, nsMUCUser, nsMUCAdmin, nsMUCOwner)

func isMUC(s *decode.Seen) bool {
	switch typ := s.Root.Attr("type"); {
	case s.Root.Name.Local == "presence" && typ == "error":
		return true
	case s.Root.Name.Local == "message" && (typ == "groupchat" || typ == "error"):
		return true
	}
	return mucPayload.Fits(s)
}

// Explain implements decode.Explainer.
func (m *muc) Explain(s *decode.Seen) []session.Note {
	switch s.Root.Name.Local {
	case "presence":
		return m.presence(s)
	case "message":
		return mucMessage(s)
	}
	if q := s.Root.Child(nsMUCOwner, "query"); q != nil {
		return mucOwner(s, q)
	}
	if q := s.Root.Child(nsMUCAdmin, "query"); q != nil {
		return mucAdmin(s, q)
	}
	return nil
}

func (m *muc) presence(s *decode.Seen) []session.Note {
	x := s.Root.Child(nsMUC, "x")
	from := s.Root.Attr("from")
	switch {
	case s.Root.Attr("type") == "error":
		if x == nil && !m.asked[from] {
			return nil
		}
		delete(m.asked, from)
		return joinRefused(s)
	case x != nil && s.Root.Attr("type") == "":
		return m.join(s, x)
	}
	if u := s.Root.Child(nsMUCUser, "x"); u != nil {
		delete(m.asked, from)
		return occupant(s, u)
	}
	return nil
}

func (m *muc) join(s *decode.Seen, x *session.Element) []session.Note {
	to := s.Root.Attr("to")
	room, nick, _ := strings.Cut(to, "/")
	if to != "" && nick == "" {
		return []session.Note{decode.Finding("xep-0045", "XEP-0045 §7.2", session.Error, s.Root.AttrSpan("to"), "to enter the room %q a nickname is needed behind a slash; rooms refuse this", room)}
	}
	if len(m.asked) < maxRooms {
		if m.asked == nil {
			m.asked = map[string]bool{}
		}
		m.asked[strings.Clone(to)] = true
	}
	notes := tell("XEP-0045 §7.2", x.Tag, "%s asks to enter the room %q with the nickname %q", sender(s), room, nick)
	if h := x.Child(nsMUC, "history"); h != nil {
		notes = append(notes, decode.Explain("XEP-0045 §7.2", h.Span, "how much of what was said before it wants to see: %s", historyWanted(h)))
	}
	if p := x.Child(nsMUC, "password"); p != nil {
		notes = append(notes, decode.Explain("XEP-0045 §7.2", p.Tag, "with the room's password"))
	}
	return notes
}

func historyWanted(h *session.Element) string {
	words := map[string]string{"maxstanzas": "%s messages", "maxchars": "%s characters", "seconds": "the last %s seconds", "since": "since %s"}
	var out []string
	for _, name := range []string{"maxstanzas", "maxchars", "seconds", "since"} {
		if v, ok := h.LookupAttr(name); ok {
			out = append(out, strings.ReplaceAll(words[name], "%s", decode.Quote(v)))
		}
	}
	if len(out) == 0 {
		return "the room decides"
	}
	return strings.Join(out, ", ")
}

// mucMessage is about what only rooms send: subjects, invitations, and errors.
func mucMessage(s *decode.Seen) []session.Note {
	var notes []session.Note
	ns := s.Root.Name.Space
	if s.Root.Attr("type") == "groupchat" {
		subject := s.Root.Child(ns, "subject")
		if subject != nil && s.Root.Child(ns, "body") == nil {
			return tell("XEP-0045 §8.1", subject.Span, "the room's subject is %q; on entering a room this is what ends its history", clip(subject.Text()))
		}
		_, nick, inRoom := strings.Cut(s.Root.Attr("from"), "/")
		if s.Event.Dir == session.S2C && inRoom {
			notes = tell("XEP-0045 §7.4", s.Root.AttrSpan("from"), "from %q in the room, to everyone there", nick)
		}
	}
	if e := s.Root.Child(ns, "error"); e != nil && s.Root.Attr("type") == "error" && notInRoom(e) {
		notes = append(notes, decode.Explain("XEP-0045 §7.4", e.Tag, "if this went to a room, the sender is not in it (any more)"))
	}
	if u := s.Root.Child(nsMUCUser, "x"); u != nil {
		notes = append(notes, mediated(s, u)...)
		notes = append(notes, statuses(u)...)
	}
	return notes
}

func notInRoom(e *session.Element) bool {
	return e.Child(decode.NSStanzaError, "not-acceptable") != nil && e.Child("urn:xmpp:blocking:errors", "blocked") == nil
}

// mediated is an invitation that goes through the room (XEP-0045 §7.8.2).
func mediated(s *decode.Seen, u *session.Element) (notes []session.Note) {
	for c := range u.Elements() {
		reason := because(textOf(c, "reason"))
		switch {
		case c.Name.Local == "invite" && c.Attr("from") != "":
			notes = append(notes, decode.Explain("XEP-0045 §7.8", c.Tag, "%q invites into the room %q%s", c.Attr("from"), s.Root.Attr("from"), reason))
		case c.Name.Local == "invite":
			notes = append(notes, decode.Explain("XEP-0045 §7.8", c.Tag, "%s asks the room %q to invite %q%s", sender(s), s.Root.Attr("to"), c.Attr("to"), reason))
		case c.Name.Local == "decline" && c.Attr("from") != "":
			notes = append(notes, decode.Explain("XEP-0045 §7.8", c.Tag, "%q declines the invitation%s", c.Attr("from"), reason))
		case c.Name.Local == "decline":
			notes = append(notes, decode.Explain("XEP-0045 §7.8", c.Tag, "%s declines the invitation of %q%s", sender(s), c.Attr("to"), reason))
		}
	}
	return notes
}
