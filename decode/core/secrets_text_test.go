package core

import (
	"strings"
	"testing"

	"xmppscope/decode"
)

// FuzzSecretText: where an expression finds a secret, the look before it must not
// have said that there is none.
func FuzzSecretText(f *testing.F) {
	for _, text := range []string{
		"-----BEGIN RSA PRIVATE KEY-----\nMIIC\n-----END RSA PRIVATE KEY-----", "-----BEGIN PGP PRIVATE KEY BLOCK-----x",
		"see eyJhbGciOi.eyJzdWIiOi.c2ln", "aesgcm://example.org/a#0123456789abcdef0123",
		"https://user:pw@example.org/", "see//x://:pw@y", "@/://a:b@c",
		`{"access_token" : "x"}`, "{\"paſſword\"\n:\t\"x\\\"y\"}", "{\"api\u212aey\":\"x\"}",
	} {
		f.Add(text)
	}
	words := strings.Split(textWords, "|")
	for _, k := range decode.SecretKinds {
		words = append(words, strings.Split(k.Words, " ")...)
	}
	for _, word := range words {
		for _, spelt := range []string{word, strings.ToUpper(word), strings.ReplaceAll(word, "s", "ſ")} {
			f.Add(spelt + "=x")
			f.Add("a== &" + spelt + "==")
			f.Add(`{"` + spelt + `":"x"}`)
			f.Add("<x-" + spelt + ">x</x>")
			f.Add(spelt + ": x")
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range secretPatterns() {
			if p.where.MatchString(text) && signsOf(text)&p.sign == 0 {
				t.Errorf("a %s in %q is not looked for", p.kind, text)
			}
		}
	})
}
