package core

import (
	"slices"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-offers", Title: "Offers before and inside TLS", Ref: "RFC 6120 §6.3.4",
		Match: decode.Top(decode.NSStreams, "features"),
		New:   func() decode.Explainer { return &offered{} },
	})
}

// offered remembers the mechanisms that were on offer before TLS.
type offered struct{ clear []string }

// Explain implements decode.Explainer: it is check A03.
func (o *offered) Explain(s *decode.Seen) []session.Note {
	now, _ := s.State.Mechanisms()
	if !encrypted(s.State) {
		o.clear = now
		return nil
	}
	before := o.clear
	o.clear = nil
	if len(before) == 0 || len(now) == 0 {
		return nil
	}
	gone, more := without(before, now), without(now, before)
	if len(gone) == 0 && len(more) == 0 {
		return nil
	}
	text := "the server offers other mechanisms inside TLS than before"
	if len(more) > 0 {
		text += ": new are " + decode.Quotes(more)
	}
	if len(gone) > 0 {
		text += "; no more on offer are " + decode.Quotes(gone)
	}
	return []session.Note{decode.Breach("A03", s.Root.Child(decode.NSSASL, "mechanisms").Span, "%s", text)}
}

func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(m string) bool { return slices.Contains(b, m) })
}
