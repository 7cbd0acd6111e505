package session

import (
	"strings"
	"testing"
)

// TestBlankScrubsQuotes: what a rule has quoted of a secret goes too, and a word
// that is a secret by chance does not.
func TestBlankScrubsQuotes(t *testing.T) {
	const raw = `<url>https://a.example/?token=abc</url><x y='Long-Secret-4711'/>`
	at := func(s string) Span { i := strings.Index(raw, s); return Span{i, i + len(s)} }
	e := Event{
		Seen: Seen{Raw: []byte(raw)}, Said: Said{Done: true, Summary: `url "https://a.example/?token=abc"`,
			Secrets: []Secret{{"token", at("abc"), "[token #1]"}, {"secret", at("Long-Secret-4711"), "[secret #1]"}},
			Notes: []Note{
				{Name: "url", Value: "https://a.example/?token=abc"},
				{Text: `quotes "Long-Secret-4711" and "Long-Secret-4…" and abc alone`},
				{Name: "password", Value: "password", Secret: "password", Mark: "[password #1]"},
				{Text: "the password is not told"},
			}},
	}
	got := Blank(e)
	for name, is := range map[string]struct{ got, want string }{
		"summary":  {got.Summary, `url "https://a.example/?token=[token #1]"`},
		"field":    {got.Notes[0].Value, "https://a.example/?token=[token #1]"},
		"sentence": {got.Notes[1].Text, `quotes "[secret #1]" and "[secret #1]…" and abc alone`},
		"secret":   {got.Notes[2].Value, "[password #1]"},
		"word":     {got.Notes[3].Text, "the password is not told"},
		"bytes":    {string(got.Raw), `<url>https://a.example/?token=[token #1]</url><x y='[secret #1]'/>`},
	} {
		if is.got != is.want {
			t.Errorf("%s is %q, not %q", name, is.got, is.want)
		}
	}
	if e.Notes[0].Value != "https://a.example/?token=abc" {
		t.Error("the event given was changed")
	}
}

// TestBlankScrubsBodies: what a body holds of the bytes once more goes with them.
func TestBlankScrubsBodies(t *testing.T) {
	const raw = "GET /ws?key=abc HTTP/1.1\r\n\r\n"
	at := strings.Index(raw, "key=abc")
	e := Event{
		Seen: Seen{Raw: []byte(raw), Body: HTTPRequest{Method: "GET", Target: "/ws?key=abc"}},
		Said: Said{Done: true, Secrets: []Secret{{"HTTP credentials", Span{at, at + len("key=abc")}, "[HTTP credentials #1]"}}},
	}
	if got := Blank(e).Body.(HTTPRequest).Target; got != "/ws?[HTTP credentials #1]" {
		t.Errorf("the target is %q", got)
	}
}
