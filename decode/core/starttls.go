package core

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-starttls", Title: "STARTTLS", Ref: "RFC 6120 §5.4",
		Match: func(s *decode.Seen) bool {
			_, ok := s.Event.Body.(session.StreamElement)
			return ok && s.Root != nil
		},
		New: func() decode.Explainer { return &starttls{} },
	})
}

// starttls knows whether the client is waiting for its answer.
type starttls struct{ asked bool }

// Explain implements decode.Explainer.
func (t *starttls) Explain(s *decode.Seen) []session.Note {
	root := s.Root
	if root.Name.Space != decode.NSTLS {
		if t.asked && s.Event.Dir == session.S2C {
			t.asked = false
			return []session.Note{lint("T03", "RFC 6120 §5.4.2.1", session.Error, root.Tag,
				"the server answers starttls with %q; only proceed or failure may follow", root.Name.Local)}
		}
		return nil
	}
	switch {
	case root.Name.Local == "starttls" && s.Event.Dir == session.C2S:
		t.asked = true
		return t.request(s)
	case root.Name.Local == "proceed" && s.Event.Dir == session.S2C:
		t.asked = false
		return []session.Note{say("RFC 6120 §5.4.2.3", root.Span, "the server is ready: the very next byte in either direction belongs to TLS")}
	case root.Name.Local == "failure" && s.Event.Dir == session.S2C:
		t.asked = false
		n := say("RFC 6120 §5.4.2.2", root.Span, "the server refuses to start TLS and will close: it often has no certificate for this domain")
		n.Severity = session.Error
		return []session.Note{n}
	}
	return nil
}

func (t *starttls) request(s *decode.Seen) []session.Note {
	notes := []session.Note{say("RFC 6120 §5.4.2.1", s.Root.Span, "the client asks to go on inside TLS, and sends nothing more until the server answers")}
	if encrypted(s.State) {
		notes = append(notes, lint("T01", "RFC 6120 §5.4.3.3", session.Error, s.Root.Span, "the client asks for TLS inside TLS"))
	}
	if s.State.Authenticated {
		notes = append(notes, lint("T06", "RFC 6120 §5.3.4", session.Error, s.Root.Span, "the client asks for TLS after it has logged in; TLS comes first"))
	}
	if f := s.State.Features; f != nil && f.Child(decode.NSTLS, "starttls") == nil {
		notes = append(notes, lint("T09", "RFC 7590 §3.1", session.Notice, s.Root.Span, "the client asks for TLS though the server did not offer it, which guards against an offer that was taken out"))
	}
	return notes
}
