package core

import (
	"strings"
	"testing"

	"xmppscope/decode"
	"xmppscope/session"
)

// TestManySecretsAreHiddenAtOnce: who sends very many gets few notes, whatever they
// look like, and none of them is shown.
func TestManySecretsAreHiddenAtOnce(t *testing.T) {
	const n = 3000
	body := func(s string) string { return "<message><body>" + s + "</body></message>" }
	for name, raw := range map[string]string{
		"in one text":              body(strings.Repeat("token=abcdefgh ", n)),
		"with references":          body("&amp; " + strings.Repeat("token=abcdefgh ", n)),
		"one, everywhere":          body("&amp; token=a " + strings.Repeat("a", n)),
		"in texts of their own":    "<message>" + strings.Repeat("<body>token=abcdefgh</body>", n) + "</message>",
		"in attributes":            "<message>" + strings.Repeat("<x password='abcdefgh'/>", n) + "</message>",
		"in elements":              "<message>" + strings.Repeat("<password>abcdefgh</password>", n) + "</message>",
		"in elements in elements":  "<message>" + strings.Repeat("<password>", 200) + "abcdefgh" + strings.Repeat("</password>", 200) + "</message>",
		"in elements with texts":   "<message>" + strings.Repeat("<pwd>abcdefgh", 200) + strings.Repeat("</pwd>", 200) + "</message>",
		"of two kinds, both often": "<message>" + strings.Repeat("<x password='abcdefgh'>token=abcdefgh</x>", n) + "</message>",
	} {
		d := decode.NewSession(Rules(), new(session.Book))
		d.Explain(session.Seen{Session: 1, Body: session.StreamOpened{}, Raw: []byte("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")})
		e := d.Explain(session.Seen{Session: 1, Body: session.StreamElement{}, Raw: []byte(raw)})
		if len(e.Notes) > 20 || len(e.Secrets) == 0 {
			t.Errorf("%s: %d notes and %d secrets", name, len(e.Notes), len(e.Secrets))
		}
		if out := string(session.Blank(e).Raw); strings.Contains(out, "abcdefgh") || strings.Contains(out, "token=a ") {
			t.Errorf("%s: shown in %.200s", name, out)
		}
	}
}
