package core

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-session", Title: "Sessions of old XMPP", Ref: "RFC 3921 §3",
		Match: decode.Stanza("iq"),
		New:   decode.Stateless(explainSession),
	})
}

// explainSession is about a step that RFC 6121 did away with: servers answer it,
// and do nothing.
func explainSession(s *decode.Seen) []session.Note {
	if el := s.Root.Child(decode.NSSession, "session"); el != nil && s.Event.Dir == session.C2S {
		return []session.Note{decode.Explain("RFC 3921 §3", el.Span, "the client asks for a session as in old XMPP; servers of today do nothing but answer")}
	}
	if s.Request == nil || s.Request.Step != "session-request" {
		return nil
	}
	if s.Root.Attr("type") == "error" {
		n := decode.Explain("RFC 3921 §3", s.Root.Tag, "the server refuses the session; clients that insist on it cannot go on")
		n.Severity = session.Error
		return []session.Note{n}
	}
	return []session.Note{decode.Explain("RFC 3921 §3", s.Root.Tag, "the session is there: the login is complete, and stanzas may flow")}
}
