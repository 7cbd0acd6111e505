package sasl_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"xmppscope/capture/pseudonym"
	"xmppscope/decode"
	"xmppscope/decode/compare"
	"xmppscope/decode/expect"
	"xmppscope/decode/sasl"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// All that is known of the mechanisms MADE-UP and MADE-UP-TIED stands here, as that
// of any other stands in its file.
func init() {
	sasl.Add(decode.Mechanism{
		ID: "sasl-made-up", Title: "MADE-UP", Ref: "RFC 9999 §1", Names: []string{"MADE-UP", "MADE-UP-TIED"},
		Sends: "password", Historic: "nobody has ever used it", Retry: "make up another",
		Binding: func(name string) string {
			return map[bool]string{true: session.BindingExporter}[name == "MADE-UP-TIED"]
		},
	}, func(string) sasl.Decoder { return madeUp{} })
}

type madeUp struct{}

// Decode takes user:password:serial apart.
func (madeUp) Decode(m sasl.Message) []session.Note {
	parts := strings.Split(string(m.Payload), ":")
	if len(parts) != 3 {
		secret := decode.Field("payload", string(m.Payload), m.Span)
		secret.Secret = "credentials"
		return []session.Note{secret}
	}
	password := decode.Field("pass", parts[1], m.Span)
	password.Secret = "password"
	return []session.Note{
		decode.Field("account", parts[0], m.Span).Is(session.User), password,
		decode.Field("serial", parts[2], m.Span).Is(session.ID).Classed(session.Identifier),
	}
}

// madeUpLogin is a login that is refused.
func madeUpLogin(tls, mechanism, message string) string {
	return fmt.Sprintf(`%sC: <stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='capulet.example' version='1.0'>
S: <stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' from='capulet.example' id='s1' version='1.0' xml:lang='en'>
S: <stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>MADE-UP</mechanism><mechanism>MADE-UP-TIED</mechanism></mechanisms></stream:features>
C: <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='%s'>%s</auth>
S: <failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>
*: {"kind":"tcp:closed","leg":"client","detail":{"by":"client"}}
`, tls, mechanism, base64.StdEncoding.EncodeToString([]byte(message)))
}

// TestMadeUpMechanism: a mechanism that is declared in one file is treated right by all
// that knows of mechanisms.
func TestMadeUpMechanism(t *testing.T) {
	const password = "Tybalt-Pw-1597"
	events := xmpptest.Play(t, madeUpLogin("", "MADE-UP", "romeo:"+password+":77001"))
	var rules []string
	for _, e := range events {
		for _, n := range e.Notes {
			rules = append(rules, n.Rule)
		}
	}
	for _, want := range []string{"A01", "A02", "A20", "sasl-made-up"} {
		if !slices.Contains(rules, want) {
			t.Errorf("nothing is said by %s: %q", want, rules)
		}
	}
	var o session.Overview
	for i := range events {
		o.Apply(&events[i])
	}
	if o.User != "romeo" || o.Mechanism != "MADE-UP" || o.Advice != "make up another" || !strings.Contains(o.Verdict, "romeo") {
		t.Errorf("user %q, mechanism %q, verdict %q, advice %q", o.User, o.Mechanism, o.Verdict, o.Advice)
	}
	if steps := o.Steps; len(steps) == 0 || steps[len(steps)-1].ID != "sasl-failure" {
		t.Errorf("the ladder is %+v", steps)
	}
	under := pseudonym.New()
	for _, e := range events {
		for _, shown := range []session.Event{session.Blank(e), under.Event(e)} {
			if b, err := session.EncodeJSON(shown); err != nil || strings.Contains(string(b), password) {
				t.Errorf("it shows the password, or fails with %v: %s", err, b)
			}
		}
		for _, n := range under.Event(e).Notes {
			if strings.Contains(n.Value+n.Text, "romeo") || strings.Contains(n.Value, "77001") {
				t.Errorf("a pseudonym would have been needed: %+v", n)
			}
			if n.Name == "account" && n.Value != "user1" {
				t.Errorf("the user is %q", n.Value)
			}
		}
	}
}

func TestMadeUpComparison(t *testing.T) {
	login := func(mechanism, message string) []session.Event {
		return xmpptest.Play(t, madeUpLogin("*: tls\n", mechanism, message))
	}
	plain, again := login("MADE-UP", "romeo:pw1:77001"), login("MADE-UP", "romeo:pw1:77002")
	if r := compare.Sessions(plain, again, compare.Options{}); !r.Same {
		t.Errorf("the serial makes a difference: %s", r.Sentence)
	}
	other := compare.Sessions(plain, login("MADE-UP", "paris:pw2:77001"), compare.Options{})
	if text := fmt.Sprint(compare.Render(other, compare.Layout{})); other.Same || !strings.Contains(text, "user") || !strings.Contains(text, "password") {
		t.Errorf("another user with another password is\n%s", text)
	}
	tied := login("MADE-UP-TIED", "romeo:pw1:77001")
	var o session.Overview
	for i := range tied {
		o.Apply(&tied[i])
	}
	if !strings.Contains(o.Advice, "channel binding cannot pass") || !strings.Contains(xmpptest.Describe(tied), "ends here: MADE-UP-TIED") {
		t.Errorf("the name that binds is not told: %q\n%s", o.Advice, xmpptest.Describe(tied))
	}
}

func TestMadeUpExpectation(t *testing.T) {
	f, err := expect.Parse("never_mechanism = [\"MADE-UQ\"]\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	if said := fmt.Sprint(f.Warnings); !strings.Contains(said, "MADE-UP") {
		t.Errorf("the slip is not seen: %s", said)
	}
}
