package sasl

import (
	"strings"
	"unicode/utf8"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Mechanism{
		ID: "sasl-external", Title: "EXTERNAL", Ref: "RFC 4422 §A", Names: []string{"EXTERNAL"},
		Certificate: true,
		Refused:     "the server has not seen a client certificate, or the certificate does not name this account or domain",
		Retry:       "a client certificate cannot pass any proxy that ends TLS: use a password here",
	}, func(string) Decoder { return external{} })
}

// external is RFC 4422 appendix A: the message is an authorization identity or
// nothing; the proof is the TLS client certificate (XEP-0178).
type external struct{}

func (external) Decode(m Message) []session.Note {
	switch {
	case !m.Kind.FromClient():
		return serverSilent(m, "EXTERNAL")
	case !m.Present:
		return []session.Note{decode.Breach("A07", m.Element.Tag,
			"the client sends no initial response: an empty one is written %q, and without it the server has to ask first", "=")}
	case !utf8.Valid(m.Payload) || strings.ContainsRune(string(m.Payload), 0):
		return malformed(m, "", "RFC 4422 §A.1", "the client sent something that is not an authorization identity")
	}
	notes := externalIdentity(m)
	if ours := substitute(m.State.TLS); ours != nil {
		return append(notes, decode.Say(session.Info, m.Element.Tag,
			"what the server goes by is the certificate that xmppscope has shown it in the client's place (--upstream-cert): %s", session.ShortLine(ours.Subject)))
	}
	if between(m.State.TLS) {
		notes = append(notes, decode.Say(session.Warning, m.Element.Tag,
			"the client proves itself with its TLS certificate, which ends at xmppscope: the server has not seen it and will refuse"))
	}
	return notes
}

// externalIdentity is whom the client wants to be: a bare JID, or between servers
// a domain (RFC 6120 §6.3.8, XEP-0178 §3).
func externalIdentity(m Message) []session.Note {
	id := string(m.Payload)
	header := m.State.Header[session.C2S]
	server := header != nil && header.Content == decode.NSServer
	if id == "" {
		text := "an empty response: the server takes the identity from the client's TLS certificate"
		if server {
			text = "an empty response: the sending server is the domain of the stream's \"from\", which its TLS certificate has to name"
		}
		return []session.Note{decode.Say(session.Info, m.Span, "%s", text)}
	}
	if !server {
		n := explained(decode.Field("authzid", id, m.Span).Is(session.JID), "the client asks to act as this identity; its TLS certificate has to allow it")
		return append([]session.Note{n}, checkAuthzid(m, id, "")...)
	}
	n := explained(decode.Field("authzid", id, m.Span).Is(session.JID), "the domain that the sending server speaks for; its TLS certificate has to name it")
	n.Ref = "XEP-0178 §3"
	switch {
	case strings.ContainsAny(id, "@/"):
		return []session.Note{n, decode.Breach("A12", m.Span, "the sending server asks to act as %q; between servers it must be a domain", id)}
	case header.From != "" && !strings.EqualFold(id, header.From):
		return []session.Note{n, decode.Finding("A12", "XEP-0178 §3", session.Warning, m.Span, "the sending server asks to act as %q, but its stream is from %q", id, header.From)}
	}
	return []session.Note{n}
}
