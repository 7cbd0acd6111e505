package sasl

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"xmppscope/decode"
	"xmppscope/session"
)

// TestEveryMechanismHasAHome makes sure that a name finds the file that it is in.
func TestEveryMechanismHasAHome(t *testing.T) {
	for name, want := range map[string]string{
		"PLAIN": "sasl-plain", "plain": "sasl-plain", "SCRAM-SHA-1": "sasl-scram", "SCRAM-SHA3-512-PLUS": "sasl-scram",
		"X-GOOGLE-TOKEN": "sasl-token", "X-OAUTH2": "sasl-token", "EXTERNAL": "sasl-external", "ANONYMOUS": "sasl-anonymous",
		"DIGEST-MD5": "sasl-digest-md5", "CRAM-MD5": "sasl-cram-md5", "LOGIN": "sasl-login", "OAUTHBEARER": "sasl-oauth",
		"XOAUTH2": "sasl-oauth", "HT-SHA-256-NONE": "sasl-ht", "GSSAPI": "sasl-gssapi", "GSS-SPNEGO": "sasl-gssapi",
		"GS2-KRB5-PLUS": "sasl-gssapi", "NTLM": "sasl-ntlm", "X-FACEBOOK-PLATFORM": "sasl-facebook", "X-MESSENGER-OAUTH2": "sasl-messenger",
		"OAUTH10A": "sasl-oauth", "HT2-SHA-512-EXPR": "sasl-ht", "SRP": "sasl-named", "KERBEROS_V4": "sasl-named", "9798-U-RSA-SHA1-ENC": "sasl-named",
		"X-Riot-RSO-PAS": "sasl-named", "": "sasl-unknown",
	} {
		if m, _ := find(name); m.ID != want {
			t.Errorf("%q is decoded by %q, want %q", name, m.ID, want)
		}
	}
}

// TestMechanismsDoNotOverlap: a name belongs to one family, which declares what it must.
func TestMechanismsDoNotOverlap(t *testing.T) {
	for _, name := range everyMechanism() {
		var ids []string
		for _, m := range decode.Mechanisms() {
			if slices.Contains(m.Names, name) || m.Match != nil && m.Match(name) {
				ids = append(ids, m.ID)
			}
		}
		if len(ids) != 1 && name != "X-OTHER" || name != strings.ToUpper(name) {
			t.Errorf("%q belongs to %q, want one; names are in upper case", name, ids)
		}
	}
	for _, m := range decode.Mechanisms() {
		if m.ID == "" || m.Title == "" || m.Ref == "" || len(m.Names) == 0 || !slices.Contains([]string{"", "password", "token"}, m.Sends) {
			t.Errorf("%+v lacks something, or sends what nobody knows", m)
		}
	}
}

func TestUnbase64(t *testing.T) {
	for _, c := range []struct {
		text, payload, fault string
		at                   int
	}{
		{"AHRpbQ==", "\x00tim", "", 0},
		{"AHRpbQ", "\x00tim", "padding is missing", 5},
		{"AHRpbR==", "\x00tim", "spare bits", 5},
		{"AHRp\nbQ==", "\x00tim", "white space", 4},
		{"AHRpbQ==\r\n", "\x00tim", "white space", 8},
		{" AHRpbQ==", "\x00tim", "white space", 0},
		{"-_-_", "\xfb\xff\xbf", "URL-safe", 0},
		{"AHR", "\x00t", "padding is missing", 2},
		{"A", "", "missing or too many", 0},
		{"AH=pbQ==", "", "padding stands in the middle", 2},
		{"AHRp!Q==", "", "not in the alphabet", 4},
		{"AHRpbQ===", "\x00tim", "padding is missing or wrong", 8},
		{"====", "", "spare bits", 0},
	} {
		payload, notes := unbase64(c.text, session.Span{Start: 10, End: 10 + len(c.text)})
		if string(payload) != c.payload {
			t.Errorf("%q decodes to %q, want %q", c.text, payload, c.payload)
		}
		if (len(notes) > 0) != (c.fault != "") {
			t.Errorf("%q gives %d notes, want a fault: %t", c.text, len(notes), c.fault != "")
			continue
		}
		if c.fault == "" {
			continue
		}
		n := notes[0]
		if !strings.Contains(n.Text, c.fault) || n.Rule != "A06" || n.Severity != session.Error || n.Span.Start != 10+c.at {
			t.Errorf("%q: %s %s at %d: %q, want %q at %d", c.text, n.Rule, n.Severity, n.Span.Start-10, n.Text, c.fault, c.at)
		}
	}
}

func TestDirectives(t *testing.T) {
	got, ok := directives(`realm="a\"b\\c", nonce=x ,,QOP=auth,charset = utf-8,empty=""`)
	want := []directive{{"realm", `a"b\c`, true}, {"nonce", "x", false}, {"qop", "auth", false}, {"charset", "utf-8", false}, {"empty", "", true}}
	if !ok || len(got) != len(want) {
		t.Fatalf("got %+v, %t", got, ok)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("directive %d is %+v, want %+v", i, got[i], want[i])
		}
	}
	for _, bad := range []string{"", ",", "x", "=x", `a="b`, `a="b\`, "a b=c"} {
		if got, ok := directives(bad); ok {
			t.Errorf("%q is taken for %+v", bad, got)
		}
	}
}

// TestNoSecretInSentences plays every kind of login with one password that is
// found nowhere else, and looks for it wherever it must not be.
func TestNoSecretInSentences(t *testing.T) {
	const password = "tanstaaf-7f3a"
	for _, payload := range []string{
		"\x00tim\x00" + password, "tim\x00" + password, password, password + "\x00", "\x00\x00" + password, "\x00tim\x00" + password + "\xff",
		"n,,\x01auth=Bearer " + password + "\x01\x01", "user=tim\x01auth=Bearer " + password + "\x01\x01", "auth=" + password + "\x01\x01",
		"n,,n=tim,r=x," + password, "c=biws,r=x,p=" + password, "username=\"tim\",response=" + password, "tim " + password,
		"secret=" + password + ",nonce=",
	} {
		for _, name := range everyMechanism() {
			if name == "ANONYMOUS" || name == "EXTERNAL" { // what they send is an identity, no credential
				continue
			}
			checkHidden(t, name, base64.StdEncoding.EncodeToString([]byte(payload)), password)
			checkHidden(t, name, payload, password)
		}
	}
}

// everyMechanism are all that are declared, some of families that have more, and one that
// nobody knows.
func everyMechanism() []string {
	names := []string{"HT2-SHA-256-NONE", "HT2-SHA-256-EXPR", "GS2-OTHER", "9798-U-RSA-SHA1-ENC", "X-OTHER"}
	for _, m := range decode.Mechanisms() {
		names = append(names, m.Names...)
	}
	return names
}

func checkHidden(t *testing.T, mechanism, text, password string) {
	t.Helper()
	raw := "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='" + mechanism + "'>" + escape(text) + "</auth>"
	given := decode.Rule{ID: "given", New: decode.Stateless(func(s *decode.Seen) []session.Note {
		s.State.Passwords = func(string, string) (string, bool) { return password, true }
		return nil
	})}
	s := decode.NewSession(append([]decode.Rule{given}, Rules()...), new(session.Book))
	e := s.Explain(session.Seen{Session: 1, Seq: 1, Dir: session.C2S, Leg: session.ClientLeg, Body: session.StreamElement{}, Raw: []byte(raw), Size: int64(len(raw))})
	e = session.Blank(e)
	shown := string(e.Raw) + e.Summary
	for _, n := range e.Notes {
		shown += "\n" + n.Text + n.Value + n.Mark
	}
	if strings.Contains(shown, password) || strings.Contains(shown, base64.StdEncoding.EncodeToString([]byte(password))[:12]) {
		t.Errorf("%s with %q shows the secret:\n%s", mechanism, text, shown)
	}
	if base := escape(text); strings.Contains(shown, base) && visiblySecret(mechanism) {
		t.Errorf("%s with %q shows its payload:\n%s", mechanism, text, shown)
	}
}

// visiblySecret says whether any first message of the mechanism is secret.
func visiblySecret(mechanism string) bool {
	switch mechanism {
	case "PLAIN", "X-OAUTH2", "X-OTHER", "HT-SHA-256-NONE", "HT2-SHA-256-NONE", "OAUTHBEARER", "OAUTH10A", "XOAUTH2", "LOGIN", "X-MESSENGER-OAUTH2", "GSSAPI", "GSS-SPNEGO", "NTLM", "SRP":
		return true
	}
	return false
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", "\x00", "?", "\x01", "?", "\xff", "?").Replace(s)
}

// FuzzDecode feeds payloads to every decoder, in every place of the exchange.
func FuzzDecode(f *testing.F) {
	for _, p := range []string{"", "\x00a\x00b", "n,,n=user,r=x", "r=xy,s=QSXC,i=4096", "c=biws,r=xy,p=AAAA", "v=AAAA", `nonce="x",qop=auth`, "n,,\x01auth=Bearer x\x01\x01", "tim 0123456789abcdef0123456789abcdef",
		"NTLMSSP\x00\x03\x00\x00\x00aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "\x60\x06\x06\x02\x2a\x03\x6e\x00", "\xa1\x05\x30\x03\xa2\x01\x04", "\x05\x04\x00\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x10\x00x",
		"eyJhbGciOiJub25lIn0.eyJleHAiOjF9.x", "access_token=x&nonce=y", "\x00\x05alicexxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"} {
		f.Add(p, p, p)
	}
	f.Fuzz(func(t *testing.T, first, second, third string) {
		el := &session.Element{Name: session.Name{Space: decode.NSSASL, Local: "auth"}}
		for _, name := range everyMechanism() {
			_, d := find(name)
			for i, p := range []string{first, second, third, third, second} {
				kind := []Kind{Initial, Challenge, Response, Success, Response}[i]
				m := Message{Kind: kind, Payload: []byte(p), Present: true, Element: el, Span: session.Span{Start: 1, End: 2}, State: &decode.State{Run: new(decode.Run)}}
				for _, n := range d.Decode(m) {
					if n.Secret != "" && n.Span.Len() == 0 {
						t.Errorf("%s %q: the secret %q has no span", name, p, n.Name)
					}
				}
			}
		}
	})
}
