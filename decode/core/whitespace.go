package core

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-whitespace", Title: "White space during negotiation", Ref: "RFC 6120 §6.3.5",
		Match: decode.NoStanza(),
		New:   func() decode.Explainer { return &spaces{} },
	})
}

// spaces knows whether an exchange is going on in which white space is forbidden.
type spaces struct {
	sight
	during string
	ref    string
	said   [3]bool
}

// Explain implements decode.Explainer: it is check X11. By the letter this is an
// error, but go-sendxmpp and others send a line feed after every element, and
// servers put up with it. What stands behind <starttls/> in the client's bytes is
// dropped by the relay; see relay.go.
func (w *spaces) Explain(s *decode.Seen) []session.Note {
	if !w.clear(s) {
		return nil
	}
	switch s.Event.Body.(type) {
	case session.TLSEstablished, session.TLSFailed, session.StreamOpened, session.StreamClosed:
		w.end()
	case session.StreamElement:
		w.element(s)
	case session.StreamWhitespace:
		if w.during == "" || w.said[s.Event.Dir] {
			return nil
		}
		w.said[s.Event.Dir] = true
		return []session.Note{decode.Finding("X11", w.ref, session.Notice, session.Span{End: len(s.Event.Raw)},
			"the %s sends white space in the middle of %s, where none may be", s.Event.Dir.Sender(), w.during)}
	}
	return nil
}

func (w *spaces) end() { *w = spaces{sight: w.sight} }

func (w *spaces) element(s *decode.Seen) {
	switch name := s.Root.Name; {
	case name.Space == decode.NSTLS && name.Local == "starttls":
		*w = spaces{during: "the STARTTLS exchange", ref: "RFC 6120 §5.3.3"}
	case decode.IsSASL(name.Space) && (name.Local == "auth" || name.Local == "authenticate"):
		*w = spaces{during: "the SASL exchange", ref: "RFC 6120 §6.3.5"}
	case name.Space == decode.NSTLS, decode.IsSASL(name.Space) && (name.Local == "success" || name.Local == "failure"):
		w.end()
	case name.Space == decode.NSStreams:
		w.end()
	}
}
