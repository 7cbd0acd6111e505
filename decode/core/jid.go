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
		Match: decode.Stanza(),
		New:   decode.Stateless(explainAddresses),
	})
}

// explainAddresses is Q12 and Q19, and Q20 inside of stanzas.
func explainAddresses(s *decode.Seen) []session.Note {
	var notes []session.Note
	for _, name := range [...]string{"to", "from"} {
		notes = gather(notes, checkJID(s, s.Root, name))
	}
	notes = gather(notes, checkLang(s.Root))
	for c := range s.Root.Elements() {
		notes = gather(notes, checkLang(c))
		notes = checkJIDs(s, c, 8, notes)
	}
	return gather(notes, checkParties(s))
}

// checkJIDs looks at the jid attributes below a stanza, a few levels deep.
func checkJIDs(s *decode.Seen, e *session.Element, depth int, notes []session.Note) []session.Note {
	notes = gather(notes, checkJID(s, e, "jid"))
	if depth > 0 {
		for i := range e.Nodes {
			if c := e.Nodes[i].Element; c != nil {
				notes = checkJIDs(s, c, depth-1, notes)
			}
		}
	}
	return notes
}

func checkJID(s *decode.Seen, e *session.Element, attr string) []session.Note {
	v := e.Attr(attr)
	if v == "" {
		return emptyJID(s, e, attr)
	}
	if everyday(v) {
		return nil
	}
	if problem := jidProblem(v); problem != "" {
		return []session.Note{decode.Breach("Q19", e.AttrSpan(attr), "the %s's %q is no valid JID: %s", s.Event.Dir.Sender(), attr, problem)}
	}
	if oddity := jidOddity(v); oddity != "" {
		return []session.Note{decode.Finding("Q19", "RFC 7622 §3", session.Notice, e.AttrSpan(attr), "the %s's %q may not be understood by all: %s", s.Event.Dir.Sender(), attr, oddity)}
	}
	return nil
}

// emptyJID is about an address that is there and empty: to leave it out is what was meant,
// and some servers refuse it (RFC 7622 §3.1: a JID has a domain at least).
func emptyJID(s *decode.Seen, e *session.Element, attr string) []session.Note {
	if _, there := e.LookupAttr(attr); !there || e != s.Root {
		return nil
	}
	return []session.Note{decode.Finding("Q19", "RFC 7622 §3.1", session.Warning, e.AttrSpan(attr), "the %s's %q is empty, which is no JID: to be without one it has to be left out", s.Event.Dir.Sender(), attr)}
}

func resource(jid string) string {
	_, r, _ := strings.Cut(jid, "/")
	return r
}

// jidProblem says what is wrong with a JID, "" if nothing (RFC 7622 §3.2 to §3.4).
func jidProblem(jid string) string {
	local, domain, hasResource := "", session.BareJID(jid), strings.Contains(jid, "/")
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
	if problem := domainProblem(domain); problem != "" {
		return problem
	}
	return localProblem(local)
}

// everyday says whether a JID is made of nothing but the characters that most are
// made of, in pieces of a usual length, so that jidProblem need not look.
func everyday(jid string) bool {
	piece := 0 // where the piece between dots, @ and / that we are in begins
	var at, slash bool
	for i := range len(jid) {
		switch c := jid[i]; {
		case c == '-' && (i == piece || jid[i-1] == '-'): // no label begins so, and A-labels are encoded
			return false
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
			continue
		case i == piece || i-piece > maxPiece || jid[i-1] == '-':
			return false
		case c == '@' && !at && !slash:
			at = true
		case c == '/' && !slash:
			slash = true
		case c != '.':
			return false
		}
		piece = i + 1
	}
	return piece < len(jid) && len(jid)-piece <= maxPiece && jid[len(jid)-1] != '-'
}

// maxPiece is as long as a label can be (RFC 1035 §2.3.4).
const maxPiece = 63

func notVisible(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
