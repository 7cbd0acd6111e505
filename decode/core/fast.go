package core

import (
	"strconv"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-fast", Title: "What a login with a token must carry", Ref: "XEP-0484 §3",
		Match: decode.Top(decode.NSSASL2, "authenticate"),
		New:   func() decode.Explainer { return &fast{} },
	})
}

// fast remembers the count of the last attempt on this connection.
type fast struct{ count uint64 }

// Explain implements decode.Explainer: it is check A25.
func (f *fast) Explain(s *decode.Seen) (notes []session.Note) {
	if s.Event.Dir != session.C2S {
		return nil
	}
	if r := s.Root.Child(decode.NSFAST, "request-token"); r != nil && !isHT(r.Attr("mechanism")) {
		notes = append(notes, a25(r.AttrSpan("mechanism"), "the client asks for a token for %q; tokens are for mechanisms of the HT family", r.Attr("mechanism")))
	}
	el := s.Root.Child(decode.NSFAST, "fast")
	if el == nil {
		return notes
	}
	if m := s.Root.Attr("mechanism"); !isHT(m) {
		notes = append(notes, a25(s.Root.AttrSpan("mechanism"), "the client logs in with a token and %q; only a mechanism of the HT family can use one", m))
	}
	if head := s.State.Header[session.C2S]; head != nil && head.From == "" {
		notes = append(notes, a25(s.Root.Tag, "the client logs in with a token, but its stream header does not say who it is (no \"from\"), so the server cannot find the token"))
	}
	agent := s.Root.Child(decode.NSSASL2, "user-agent")
	if agent == nil || agent.Attr("id") == "" {
		notes = append(notes, a25(s.Root.Tag, "the client logs in with a token, but does not name its installation (no user-agent id), so the server cannot find the token"))
	}
	return append(notes, f.counted(el)...)
}

func isHT(mechanism string) bool {
	return strings.HasPrefix(mechanism, "HT-") || strings.HasPrefix(mechanism, "HT2-")
}

// counted follows the counter that guards 0-RTT logins against replay.
func (f *fast) counted(el *session.Element) []session.Note {
	value, ok := el.LookupAttr("count")
	if !ok {
		return nil
	}
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		return []session.Note{a25(el.AttrSpan("count"), "the client's count is %q; it must be a number", value)}
	}
	before := f.count
	f.count = max(f.count, n)
	if before > 0 && n <= before {
		return []session.Note{a25(el.AttrSpan("count"), "the client's count is %d after %d; it must rise with every attempt", n, before)}
	}
	return nil
}

func a25(span session.Span, format string, args ...any) session.Note {
	return lint("A25", "XEP-0484 §3.3", session.Error, span, format, args...)
}
