package core

import (
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

// clientNotes are about what was shown as the client of a leg. The server's leg is told
// first: its handshake is done inside the client's.
func clientNotes(s *decode.Seen, f *session.TLSFacts) (notes []session.Note) {
	ours := s.Event.Leg == session.ServerLeg && !s.State.Captured
	for i, c := range f.Client {
		role := "what the client shows to prove who it is (SASL EXTERNAL may use it)"
		switch {
		case i > 0:
			role = "of the client's chain"
		case ours:
			role = "what xmppscope shows in the client's place (--upstream-cert): SASL EXTERNAL proves who that names"
		}
		notes = append(notes, field("RFC 6120 §13.7.1.4", "client-certificate", certificateLine(c), session.Span{}, role).Is(session.Sentence).Classed(session.Elsewhere))
	}
	if len(f.Client) == 0 {
		return notes
	}
	if c := f.Client[0]; !c.NotAfter.IsZero() && s.Event.At.After(c.NotAfter) {
		notes = append(notes, graver(session.Warning, decode.Explain("RFC 5280 §4.1.2.5", session.Span{}, "the client's certificate has expired on %s", c.NotAfter.UTC().Format(time.DateOnly))))
	}
	if s.Event.Leg == session.ClientLeg && !s.State.Captured {
		notes = append(notes, whatServerSees(s, f.Client[0]))
	}
	return notes
}

// whatServerSees says what a client's certificate comes to where its TLS ends here.
func whatServerSees(s *decode.Seen, c session.Certificate) session.Note {
	const ref = "RFC 6120 §6.4.3"
	server := s.State.TLS[session.ServerLeg]
	switch {
	case server == nil:
		return decode.Explain(ref, session.Span{}, "the server has not seen it: its leg has no TLS of its own")
	case len(server.Client) > 0 && server.Client[0].SHA256 == c.SHA256:
		return decode.Explain(ref, session.Span{}, "the server is shown the same one, by --upstream-cert: EXTERNAL is what it is directly")
	case len(server.Client) > 0:
		return graver(session.Notice, decode.Explain(ref, session.Span{}, "the server is shown another one by --upstream-cert, %s: EXTERNAL proves who that names", session.ShortLine(server.Client[0].Subject)))
	case !server.Mutual:
		return decode.Explain(ref, session.Span{}, "the server has not asked for a certificate: nothing is lost by that it does not get this one")
	}
	return graver(session.Notice, decode.Explain(ref, session.Span{}, "the server has asked for a certificate and is shown none, for the key to this one is the client's alone: EXTERNAL does not work through here, but with --upstream-cert CERT,KEY"))
}

// graver gives a note a severity.
func graver(severity session.Severity, n session.Note) session.Note {
	n.Severity = severity
	return n
}
