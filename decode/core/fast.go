package core

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-fast", Title: "What a login with a token must carry", Ref: "XEP-0484 §3",
		Match: decode.Top(decode.NSSASL2, "authenticate"),
		New:   decode.Stateless(fast),
	})
}

// fast is check A25, but for the count, which package sasl follows.
func fast(s *decode.Seen) (notes []session.Note) {
	if s.Event.Dir != session.C2S {
		return nil
	}
	if r := s.Root.Child(decode.NSFAST, "request-token"); r != nil && !takesTokens(r.Attr("mechanism")) {
		notes = append(notes, a25(r.AttrSpan("mechanism"), "the client asks for a token for %q; tokens are for mechanisms of the HT family", r.Attr("mechanism")))
	}
	el := s.Root.Child(decode.NSFAST, "fast")
	if el == nil {
		return notes
	}
	if m := s.Root.Attr("mechanism"); !takesTokens(m) {
		notes = append(notes, a25(s.Root.AttrSpan("mechanism"), "the client logs in with a token and %q; only a mechanism of the HT family can use one", m))
	}
	if head := s.State.Header[session.C2S]; head != nil && head.From == "" {
		notes = append(notes, a25(s.Root.Tag, "the client logs in with a token, but its stream header does not say who it is (no \"from\"), so the server cannot find the token"))
	}
	agent := s.Root.Child(decode.NSSASL2, "user-agent")
	if agent == nil || agent.Attr("id") == "" {
		notes = append(notes, a25(s.Root.Tag, "the client logs in with a token, but does not name its installation (no user-agent id), so the server cannot find the token"))
	}
	return notes
}

func takesTokens(mechanism string) bool { return decode.MechanismOf(mechanism).FAST }

func a25(span session.Span, format string, args ...any) session.Note {
	return decode.Breach("A25", span, format, args...)
}
