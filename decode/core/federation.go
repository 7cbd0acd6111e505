package core

import (
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-federation", Title: "Certificates of servers that federate", Ref: "RFC 5280 §4.2.1.12",
		Match: decode.NoStanza().And(func(s *decode.Seen) bool {
			switch s.Event.Body.(type) {
			case session.TCPOpened, session.TLSEstablished, session.TLSFailed, session.StreamOpened:
				return true
			}
			return false
		}),
		New: func() decode.Explainer { return new(federation) },
	})
}

// federation watches for sessions between servers, whose certificates have to serve in
// both directions: to be called, and to call.
type federation struct {
	port    string // that was called, "" if it is not known
	servers bool
	facts   *session.TLSFacts // of the leg that the server answers on, until it is judged
}

// Explain implements decode.Explainer: it is check T12. What kind of session it is may be
// known before the handshake or after it.
func (f *federation) Explain(s *decode.Seen) []session.Note {
	switch b := s.Event.Body.(type) {
	case session.TCPOpened:
		if s.Event.Leg == session.ServerLeg {
			f.port = portOf(b.Target)
		} else if b.Captured {
			f.port = portOf(b.Local)
		}
		f.servers = f.port == "5269" || f.port == "5270" // RFC 6120 §14.7, and by custom
		return nil
	case session.StreamOpened:
		if h := s.State.Header[session.C2S]; h != nil && s.Event.Dir == session.C2S {
			if f.servers = h.Content == decode.NSServer; !f.servers {
				f.facts = nil // nobody will ask for them
			}
		}
	default:
		if s.Event.Leg != session.ServerLeg && !s.State.Captured {
			return nil
		}
		if f.facts = tlsFacts(b); f.facts.ALPN == "xmpp-server" {
			f.servers = true
		}
	}
	if f.facts == nil || !f.servers {
		return nil
	}
	facts := f.facts
	f.facts = nil
	return append(forServersAlone(facts.Chain, "the server that was called shows a certificate (%s) that is for TLS servers alone (its extended key usage lacks clientAuth): where it calls others it shows the same one, and peers with older software do not accept it there, so that federation fails in that direction; public CAs leave clientAuth out since 2026"),
		forServersAlone(facts.Client, "the server that calls shows a certificate (%s) that is for TLS servers alone (its extended key usage lacks clientAuth): peers with older software do not accept it of one that calls, and offer no EXTERNAL or end the handshake; public CAs leave clientAuth out since 2026")...)
}

// portOf is the port of "host:port"; "" without.
func portOf(address string) string {
	return address[strings.LastIndexByte(address, ':')+1:]
}

// forServersAlone judges a chain by its leaf, the first.
func forServersAlone(chain []session.Certificate, what string) []session.Note {
	if len(chain) == 0 || chain[0].For(session.UsageClient) {
		return nil
	}
	return []session.Note{decode.Breach("T12", session.Span{}, what, session.ShortLine(chain[0].Subject))}
}
