package core

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-jid", Title: "Addresses", Ref: "RFC 7622 §3",
		Match: (*decode.Seen).IsStanza,
		New:   decode.Stateless(explainAddresses),
	})
}

// explainAddresses is Q12 and Q19.
func explainAddresses(s *decode.Seen) []session.Note {
	var notes []session.Note
	for _, name := range [...]string{"to", "from"} {
		notes = append(notes, checkJID(s, s.Root, name)...)
	}
	for c := range s.Root.Elements() {
		notes = append(notes, checkJIDs(s, c, 8)...)
	}
	return append(notes, checkFrom(s)...)
}

// checkJIDs looks at the jid attributes below a stanza, a few levels deep.
func checkJIDs(s *decode.Seen, e *session.Element, depth int) (notes []session.Note) {
	notes = checkJID(s, e, "jid")
	if depth > 0 {
		for c := range e.Elements() {
			notes = append(notes, checkJIDs(s, c, depth-1)...)
		}
	}
	return notes
}

func checkJID(s *decode.Seen, e *session.Element, attr string) []session.Note {
	v := e.Attr(attr)
	if v == "" {
		return nil // absent, or left empty, which counts as absent
	}
	if everyday(v) {
		return nil
	}
	problem := jidProblem(v)
	if problem == "" {
		return nil
	}
	return []session.Note{lint("Q19", "RFC 7622 §3", session.Error, e.AttrSpan(attr), "the %s's %q is no valid JID: %s", side(s.Event.Dir), attr, problem)}
}

// checkFrom is Q12, as far as it can be seen from here: a client may speak for
// itself alone (RFC 6120 §8.1.2.1). The server answers such a stanza with an error.
func checkFrom(s *decode.Seen) []session.Note {
	from := s.Root.Attr("from")
	if s.Event.Dir != session.C2S || roleOf(s.State) != clientStream || s.State.JID == "" || from == "" ||
		strings.EqualFold(bare(from), bare(s.State.JID)) && (from == bare(from) || resource(from) == resource(s.State.JID)) {
		return nil
	}
	return []session.Note{lint("Q12", "RFC 6120 §8.1.2.1", session.Error, s.Root.AttrSpan("from"), "the client speaks as %q, but it is %q", from, s.State.JID)}
}

func resource(jid string) string {
	_, r, _ := strings.Cut(jid, "/")
	return r
}

// jidProblem says what is wrong with a JID, "" if nothing that can be told
// without the tables of PRECIS (RFC 7622 §3.2 to §3.4).
func jidProblem(jid string) string {
	local, domain, hasResource := "", bare(jid), strings.Contains(jid, "/")
	if at := strings.IndexByte(domain, '@'); at >= 0 {
		local, domain = domain[:at], domain[at+1:]
		if local == "" {
			return "nothing stands before the @"
		}
	}
	switch r := resource(jid); {
	case !utf8.ValidString(jid):
		return "it is not UTF-8"
	case domain == "":
		return "it has no domain"
	case hasResource && r == "":
		return "nothing stands behind the slash"
	case len(local) > 1023 || len(domain) > 1023 || len(r) > 1023:
		return "a part is longer than 1023 bytes"
	case strings.ContainsAny(local, "\"&':<>") || strings.ContainsFunc(local, notVisible):
		return "its local part has a character that is not allowed there"
	case strings.ContainsAny(domain, "\"&'<>@") || strings.ContainsFunc(domain, notVisible):
		return "its domain has a character that is not allowed there"
	case strings.ContainsFunc(r, unicode.IsControl):
		return "its resource has a control character"
	}
	return ""
}

// everyday says whether a JID is made of nothing but the characters that most are
// made of, so that jidProblem need not look.
func everyday(jid string) bool {
	part := 0 // where the part that we are in begins
	var at, slash bool
	for i := range len(jid) {
		switch c := jid[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '-', c == '_':
		case i == part: // a part that is empty
			return false
		case c == '@' && !at && !slash:
			at, part = true, i+1
		case c == '/' && !slash:
			slash, part = true, i+1
		default:
			return false
		}
	}
	return part < len(jid) && len(jid) <= 1023
}

func notVisible(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
