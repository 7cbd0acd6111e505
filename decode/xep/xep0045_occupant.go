package xep

import (
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// mucStatus says what the numbers in <status/> mean (XEP-0045, XMPP registrar).
var mucStatus = map[string]string{
	"100": "everyone in the room may see the full addresses of all",
	"101": "the affiliation has changed while its owner was not in the room",
	"102": "from now on the room shows members who are not there",
	"103": "from now on the room hides members who are not there",
	"104": "the room's configuration has changed, in something that concerns no one's privacy",
	"110": "this presence is about the receiver itself",
	"170": "what is said in the room is being logged",
	"171": "what is said in the room is not logged any more",
	"172": "from now on everyone sees the full addresses of all",
	"173": "from now on only moderators see full addresses",
	"174": "from now on nobody sees full addresses",
	"201": "the room is new: it is the receiver's, and may have to be configured first",
	"210": "the room has given or changed the nickname",
	"301": "banned from the room",
	"303": "this is a change of nickname: the new one follows",
	"307": "kicked out of the room",
	"321": "removed, because the affiliation has changed",
	"322": "removed, because the room is for members only now",
	"332": "removed, because the service is shutting down",
	"333": "removed, because of an error: the connection is lost, or does not answer",
}

// statuses explains the status codes of a room.
func statuses(u *session.Element) (notes []session.Note) {
	for c := range u.Elements() {
		if c.Name.Local != "status" {
			continue
		}
		code := c.Attr("code")
		text, ok := mucStatus[code]
		if !ok {
			text = "a code that is not registered"
		}
		notes = append(notes, field("XEP-0045", "status", code, attrSpan(c, "code"), text))
	}
	return notes
}

// occupant explains the presence of someone in a room.
func occupant(s *decode.Seen, u *session.Element) []session.Note {
	room, nick, _ := strings.Cut(s.Root.Attr("from"), "/")
	codes := map[string]bool{}
	for c := range u.Elements() {
		if c.Name.Local == "status" {
			codes[c.Attr("code")] = true
		}
	}
	who := decode.Quote(nick)
	if codes["110"] {
		who = "the client itself, " + who + ","
	}
	item := u.Child(nsMUCUser, "item")
	var notes []session.Note
	switch {
	case item == nil:
	case s.Root.Attr("type") == "unavailable" && codes["303"]:
		notes = tell("XEP-0045 §7.6", item.Span, "%s is called %q from now on", who, item.Attr("nick"))
	case s.Root.Attr("type") == "unavailable":
		notes = tell("XEP-0045", item.Tag, "%s leaves the room %q%s", who, room, byWhom(item))
	default:
		notes = tell("XEP-0045 §7.2", item.Span, "%s is in the room %q, as %s", who, room, standing(item))
	}
	if d := u.Child(nsMUCUser, "destroy"); d != nil {
		notes = append(notes, decode.Explain("XEP-0045 §10.9", d.Tag, "the room has been destroyed%s%s", insteadOf(d), because(textOf(d, "reason"))))
	}
	return append(notes, statuses(u)...)
}

func insteadOf(d *session.Element) string {
	if jid := d.Attr("jid"); jid != "" {
		return "; there is " + decode.Quote(jid) + " in its place"
	}
	return ""
}

// byWhom is the moderator and the reason of a removal.
func byWhom(item *session.Element) string {
	out := ""
	if a := item.Child(nsMUCUser, "actor"); a != nil {
		who := a.Attr("nick")
		if who == "" {
			who = a.Attr("jid")
		}
		out = ", removed by " + decode.Quote(who)
	}
	return out + because(textOf(item, "reason"))
}

// roles says what an occupant may do while it is there (XEP-0045 §5.1).
var roles = map[string]string{
	"moderator":   "a moderator, who may kick",
	"participant": "a participant, who may speak",
	"visitor":     "a visitor, who may only listen",
	"none":        "no one",
}

// standing is role and affiliation: the first lasts for the visit, the second for
// longer (XEP-0045 §5).
func standing(item *session.Element) string {
	role, ok := roles[item.Attr("role")]
	if !ok {
		role = decode.Quote(item.Attr("role"))
	}
	if a := item.Attr("affiliation"); a != "" && a != "none" {
		role += "; its lasting affiliation is " + decode.Quote(a)
	}
	if jid := item.Attr("jid"); jid != "" {
		role += "; its address is " + decode.Quote(jid)
	}
	return role
}

// refusals says why a room does not let someone in (XEP-0045 §7.2, with the old
// numbers of its errors).
var refusals = map[string]string{
	"not-authorized":        "the room needs a password, and this one is missing or wrong (401)",
	"forbidden":             "the client is banned from the room (403)",
	"item-not-found":        "the room does not exist, or its owner has not configured it yet (404)",
	"not-allowed":           "the client may not create rooms here (405)",
	"not-acceptable":        "the client has registered another nickname here, and must use it (406)",
	"registration-required": "the room is for members only, and the client is none (407)",
	"conflict":              "someone else in the room has this nickname: try another one (409)",
	"service-unavailable":   "the room is full (503)",
	"resource-constraint":   "the room is full",
	"jid-malformed":         "the nickname is missing or not allowed (400)",
	"gone":                  "the room is gone for good",
}

func joinRefused(s *decode.Seen) []session.Note {
	e := s.Root.Child(s.Root.Name.Space, "error")
	if e == nil {
		return nil
	}
	room, nick, _ := strings.Cut(s.Root.Attr("from"), "/")
	for c := range e.Elements() {
		if text := refusals[c.Name.Local]; text != "" {
			n := decode.Explain("XEP-0045 §7.2", c.Span, "the room %q does not let %q in: %s", room, nick, text)
			n.Severity = session.Notice
			return []session.Note{n}
		}
	}
	return tell("XEP-0045 §7.2", e.Tag, "the room %q does not let %q in", room, nick)
}
