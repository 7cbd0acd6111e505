package pseudonym

import (
	"bytes"
	"strings"
	"testing"

	"xmppscope/session"
)

// FuzzPseudonyms: whatever the bytes are, names that are known do not come
// through, and what points into the bytes still does.
func FuzzPseudonyms(f *testing.F) {
	f.Add([]byte("<message to='alice@corp.test'><body>hi alice</body></message>"), `"alice@corp.test" said "hi al…"`, 3, 9)
	f.Add([]byte("<a b='\x00'><!-- <c></a>\xff"), `the "odd \"`, 0, 1)
	f.Fuzz(func(t *testing.T, raw []byte, text string, start, end int) {
		start = max(0, min(start, len(raw)))
		end = max(start, min(end, len(raw)))
		span := session.Span{Start: start, End: end}
		e := session.Event{
			Seen: session.Seen{Body: session.StreamElement{}, Raw: raw}, Said: session.Said{Done: true, Summary: text, Notes: []session.Note{{Name: "from", Value: "alice@corp.test/balcony", Holds: session.JID}, {Text: text, Span: span}}},
		}
		e.AddSecrets(session.Secret{Kind: "x", Span: span, Mark: "[x #1, 1 characters]"})
		out := New().Event(e)
		for _, s := range []session.Span{out.Notes[1].Span} {
			if s.Start < 0 || s.End < s.Start || s.End > len(out.Raw) {
				t.Errorf("%v of %d bytes", s, len(out.Raw))
			}
		}
		for _, s := range out.Secrets {
			if s.Span.Start < 0 || s.Span.End < s.Span.Start || s.Span.End > len(out.Raw) {
				t.Errorf("%v of %d bytes", s, len(out.Raw))
			}
		}
		if bytes.Contains(out.Raw, []byte("alice@corp.test")) || strings.Contains(out.Summary, "alice@corp.test") || strings.Contains(out.Notes[1].Text, "alice@corp.test") {
			t.Errorf("%q, %q", out.Raw, out.Summary)
		}
	})
}
