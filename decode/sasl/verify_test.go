package sasl_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"xmppscope/decode"
	"xmppscope/decode/sasl"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

var labBlock = regexp.MustCompile(`(?m)^(>>>|<<<) \+[0-9.]+ (?:clear|tls) [0-9]+ bytes\n`)

// lab is a recording of real peers (see internal/xmpptest) as a dialogue.
func lab(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	heads := labBlock.FindAllSubmatchIndex(text, -1)
	for i, h := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		side := "C: "
		if string(text[h[2]:h[3]]) == "<<<" {
			side = "S: "
		}
		b.WriteString(side + strings.TrimRight(string(text[h[1]:end]), "\n") + "\n")
	}
	return b.String()
}

// telling is the rule that gives one password for every account.
func telling(password string) decode.Rule {
	return decode.Rule{ID: "test-password", Title: "a password", Ref: "none", New: decode.Stateless(func(s *decode.Seen) []session.Note {
		s.State.Passwords = func(user, domain string) (string, bool) { return password, user == "alice" && domain == "lab.test" }
		return nil
	})}
}

// TestRealLogins holds what real clients and servers computed against their
// passwords: "alicepw", and "wrong" where the client was given a wrong one.
func TestRealLogins(t *testing.T) {
	files, err := filepath.Glob("../../internal/xmpptest/testdata/lab/*.xml.txt")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	checked := map[string]int{}
	for _, file := range files {
		used := "alicepw"
		if strings.Contains(file, "-badpw") {
			used = "wrong"
		}
		for _, given := range []string{"alicepw", "wrong"} {
			want := map[bool]string{true: "fits", false: "does not fit"}[given == used]
			for _, e := range xmpptest.Dialogue(t, lab(t, file), append([]decode.Rule{telling(given)}, sasl.Rules()...), 0) {
				for _, n := range e.Notes {
					if n.Rule != "sasl-verify" || n.Name == "" {
						continue
					}
					checked[n.Name+" "+want]++
					if n.Value != want {
						t.Errorf("%s event %d, used %q, given %q: %s is %q: %s", filepath.Base(file), e.Seq, used, given, n.Name, n.Value, n.Text)
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
