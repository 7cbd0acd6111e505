package core

import (
	"net/netip"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-starttls", Title: "STARTTLS", Ref: "RFC 6120 §5.4",
		New: func() decode.Explainer { return &starttls{} },
	})
}

// starttls knows whether the client is waiting for its answer, whether it has
// ever asked, and whether the server is one that strangers lie in between.
type starttls struct {
	asked  bool
	early  bool // it has asked before it was offered (XEP-0305): features come first
	tried  bool
	public bool
}

// Explain implements decode.Explainer.
func (t *starttls) Explain(s *decode.Seen) []session.Note {
	if b, ok := s.Event.Body.(session.TCPOpened); ok && (s.Event.Leg == session.ServerLeg || b.Captured) {
		server := b.Peer
		if b.Captured {
			server = b.Local
		}
		at, err := netip.ParseAddrPort(server)
		t.public = err == nil && at.Addr().IsGlobalUnicast() && !at.Addr().IsPrivate()
	}
	if !isElement(s) {
		return nil
	}
	root := s.Root
	if s.Event.Step != nil && (s.Event.Step.ID == "sasl-auth" || s.Event.Step.ID == "iqauth-set") {
		return t.login(s)
	}
	if root.Name.Space != decode.NSTLS {
		if t.asked && s.Event.Dir == session.S2C {
			if root.Name.Space == decode.NSStreams && (t.early || root.Name.Local == "error") {
				t.early = false
				return nil
			}
			t.asked = false
			return []session.Note{decode.Breach("T03", root.Tag,
				"the server answers starttls with %q; only proceed or failure may follow", root.Name.Local)}
		}
		return nil
	}
	switch {
	case root.Name.Local == "starttls" && s.Event.Dir == session.C2S:
		t.asked, t.tried, t.early = true, true, s.State.Features() == nil
		return t.request(s)
	case root.Name.Local == "proceed" && s.Event.Dir == session.S2C:
		t.asked = false
		return []session.Note{decode.Explain("RFC 6120 §5.4.2.3", root.Span, "the server is ready: the very next byte in either direction belongs to TLS")}
	case root.Name.Local == "failure" && s.Event.Dir == session.S2C:
		t.asked = false
		n := decode.Explain("RFC 6120 §5.4.2.2", root.Span, "the server refuses to start TLS and will close: it often has no certificate for this domain")
		n.Severity = session.Error
		return []session.Note{n}
	}
	return nil
}

func (t *starttls) request(s *decode.Seen) []session.Note {
	notes := []session.Note{decode.Explain("RFC 6120 §5.4.2.1", s.Root.Span, "the client asks to go on inside TLS, and sends nothing more until the server answers")}
	if encrypted(s.State) {
		notes = append(notes, decode.Breach("T01", s.Root.Span, "the client asks for TLS inside TLS"))
	}
	if s.State.Authenticated {
		notes = append(notes, decode.Breach("T06", s.Root.Span, "the client asks for TLS after it has logged in; TLS comes first"))
	}
	if f := s.State.Features(); f != nil && f.Child(decode.NSTLS, "starttls") == nil {
		notes = append(notes, decode.Finding("T09", "RFC 7590 §3.1", session.Notice, s.Root.Span, "the client asks for TLS though the server did not offer it, which guards against an offer that was taken out"))
	}
	return notes
}

// login is T09. It is a warning where strangers can listen, and may have taken the
// offer out: not on one's own machine or network.
func (t *starttls) login(s *decode.Seen) []session.Note {
	f := s.State.Features()
	offered := f != nil && f.Child(decode.NSTLS, "starttls") != nil
	if head := s.State.Header[session.C2S]; head == nil || head.Version == "" {
		return nil // before XMPP 1.0 there was nothing to ask for
	}
	if s.State.Framing() != decode.Bare { // TLS is that of the URL
		return nil
	}
	if !s.State.InClear() || t.tried || roleOf(s.State) != clientStream {
		return nil
	}
	sev, why := session.Notice, "the server did not offer it; a client should try all the same, since someone on the way may have taken the offer out"
	if offered {
		why = "the server has offered it"
	}
	if t.public {
		sev = session.Warning
	}
	return []session.Note{decode.Finding("T09", "RFC 7590 §3.1", sev, s.Root.Tag, "the client logs in in the clear without having asked for TLS: %s", why)}
}
