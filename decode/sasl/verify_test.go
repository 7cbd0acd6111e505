package sasl_test

import (
	"strings"
	"testing"

	"xmppscope/decode"
	"xmppscope/decode/sasl"
	"xmppscope/internal/xmpptest"
)

// TestRealLogins holds what real clients and servers computed against their
// passwords: "alicepw", and "wrong" where the client was given a wrong one.
func TestRealLogins(t *testing.T) {
	checked := map[string]int{}
	for _, name := range xmpptest.Recordings(t) {
		used := "alicepw"
		if strings.Contains(name, "-badpw") {
			used = "wrong"
		}
		for _, given := range []string{"alicepw", "wrong"} {
			want := map[bool]string{true: "fits", false: "does not fit"}[given == used]
			rules := append([]decode.Rule{xmpptest.Knowing(map[string]string{"alice@lab.test": given})}, sasl.Rules()...)
			for _, e := range xmpptest.Dialogue(t, xmpptest.Recording(t, name), rules, 0) {
				for _, n := range e.Notes {
					if n.Rule != "sasl-verify" || n.Name == "" {
						continue
					}
					checked[n.Name+" "+want]++
					if n.Value != want {
						t.Errorf("%s event %d, used %q, given %q: %s is %q: %s", name, e.Seq, used, given, n.Name, n.Value, n.Text)
					}
				}
			}
		}
	}
	for _, name := range []string{"proof-check fits", "proof-check does not fit", "signature-check fits", "password-check fits", "password-check does not fit"} {
		if checked[name] < 5 {
			t.Errorf("%s: %d times", name, checked[name])
		}
	}
}
