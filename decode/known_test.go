package decode

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"xmppscope/session"
)

// secretElement is a rule that takes the text of <secret/> for one.
var secretElement = Rule{
	ID: "test-secret", Title: "secrets of the test", Ref: "none", Match: AnyElement(),
	New: Stateless(func(s *Seen) []session.Note {
		if s.Root.Name.Local != "secret" {
			return nil
		}
		return []session.Note{{Name: "secret", Value: s.Root.Text(), Span: s.Root.TextSpan(), Secret: "password"}}
	}),
}

// shown is what is shown of events of a session, one after the other.
func shown(t *testing.T, xml ...string) (out []string) {
	t.Helper()
	d := NewSession([]Rule{secretElement}, new(session.Book))
	d.Explain(session.Seen{Body: session.TCPOpened{}})
	for _, raw := range xml {
		seen := session.Seen{Dir: session.S2C, Body: session.StreamElement{}, Raw: []byte(raw), Size: int64(len(raw))}
		if !strings.HasSuffix(raw, ">") {
			seen.Body = session.StreamPartial{}
		}
		e := session.Blank(d.Explain(seen))
		out = append(out, string(e.Raw))
		for _, n := range e.Notes {
			if n.Span.End > len(e.Raw) {
				t.Errorf("%s: a note points at %v of %d bytes", raw, n.Span, len(e.Raw))
			}
		}
	}
	return out
}

// TestQuotedSecrets: what was marked once is marked wherever it comes again.
func TestQuotedSecrets(t *testing.T) {
	const secret = "<secret>Hot&amp;Pot-1871</secret>"
	const mark = "[password #1, 12 characters]"
	for quote, want := range map[string]string{
		"<a>it is Hot&amp;Pot-1871, it is Hot&amp;Pot-1871</a>":  "<a>it is " + mark + ", it is " + mark + "</a>",
		"<a b='Hot&amp;Pot-1871'/>":                              "<a b='" + mark + "'/>",
		"<a>it is <![CDATA[Hot&Pot-1871]]></a>":                  "<a>" + mark + "</a>",
		"<a>&#x48;ot&amp;Pot-1871</a>":                           "<a>" + mark + "</a>",
		"<a b='&#x48;ot&amp;Pot-1871'/>":                         "<a b='" + mark + "'/>",
		"<a>and Hot&amp;Pot-18":                                  "<a>and " + mark,
		"<secret b='Hot&amp;Pot-1872'>Hot&amp;Pot-1872</secret>": "<secret b='[password #2, 12 characters]'>[password #2, 12 characters]</secret>",
		"<a>and Hot":                        "<a>and Hot",
		"<a>Hot&amp;Pot-18</a>":             "<a>Hot&amp;Pot-18</a>",
		"<secret>Hot&amp;Pot-1871</secret>": "<secret>" + mark + "</secret>",
		"<a xmlns:b='u' b:c='x'>of Hot&amp;Pot-1871<b>Hot&amp;Pot-1871</b></a>": "<a xmlns:b='u' b:c='x'>of " + mark + "<b>" + mark + "</b></a>",
	} {
		if got := shown(t, secret, quote)[1]; got != want {
			t.Errorf("%s is shown as\n%s, want\n%s", quote, got, want)
		}
	}
}

// TestQuotedWords: what may be said by chance is not looked for, and of bytes that could
// not be read no address is.
func TestQuotedWords(t *testing.T) {
	for said, quote := range map[string]string{
		"<secret>mother</secret>":      "<a>my mother</a>",
		"<secret>motherinlaw</secret>": "<a>my motherinlaw</a>",
		"<query xmlns='jabber:iq:register'><username>alice@a.example</username><password>x":   "<a>from alice@a.example</a>",
		"<query xmlns='jabber:iq:register'><instructions>choose www.a.example</instructions>": "<a>www.a.example</a>",
	} {
		if got := shown(t, said, quote)[1]; got != quote {
			t.Errorf("after %s, %s is shown as %s", said, quote, got)
		}
	}
	if got := shown(t, "<auth>AGFsaWNlAEhvdFBvdC0xODcx", "<a>HotPot-1871</a>")[1]; strings.Contains(got, "HotPot") {
		t.Errorf("the password of a message that was cut off is shown: %s", got)
	}
}

// TestKnownIsBounded: the newest are known.
func TestKnownIsBounded(t *testing.T) {
	var said []string
	for i := range 3 * maxKnown {
		said = append(said, fmt.Sprintf("<secret>secret-number-%d</secret>", i))
	}
	said = append(said, fmt.Sprintf("<a>secret-number-%d</a>", 3*maxKnown-1), "<a>secret-number-1</a>")
	got := shown(t, said...)
	if last := got[len(got)-2]; strings.Contains(last, "number") {
		t.Errorf("the newest is shown: %s", last)
	}
	if first := got[len(got)-1]; !strings.Contains(first, "number") {
		t.Errorf("one that was forgotten long ago is hidden: %s", first)
	}
}

// TestLines: logins of protocols of lines, whole and in pieces.
func TestLines(t *testing.T) {
	for in, want := range map[string]string{
		"a1 LOGIN alice word\r\n":              "alice word\r\n",
		"PASS word\r\n":                        "word\r\n",
		"pass :word":                           ":word",
		"AUTH PLAIN AHg=\r\n":                  "PLAIN AHg=\r\n",
		"APOP alice 0123\r\n":                  "alice 0123\r\n",
		"PRIVMSG NickServ :IDENTIFY word\r\n":  "word\r\n",
		"EHLO x\r\n":                           "",
		"PASSIVE\r\n":                          "",
		"the compass points north\r\n":         "",
		strings.Repeat("x ", 40) + "PASS word": "",
	} {
		var whole lines
		if at := whole.login([]byte(in)); want == "" && at >= 0 || want != "" && (at < 0 || in[at:] != want) {
			t.Errorf("%q: a secret begins at %d, want %q", in, at, want)
		}
		var l lines
		got := -1
		for i := range len(in) {
			if at := l.login([]byte(in[i : i+1])); at >= 0 && got < 0 {
				got = i
			}
		}
		// The sign is complete with its space: what comes behind it is the caller's to hide.
		if at := strings.LastIndex(in, want); want != "" && got != at && got != at-1 {
			t.Errorf("%q byte by byte: at %d, want %d", in, got, at)
		}
	}
	var l lines
	for _, step := range []struct {
		line   string
		secret bool
	}{
		{"AUTH LOGIN\r\n", true}, {"dXNlcg==\r\n", true}, {"d29yZA==\r\n", true}, {"NOOP\r\n", false},
		{"a1 AUTHENTICATE PLAIN\r\n", true}, {"AHg=\r\n", true}, {"a2 SELECT INBOX\r\n", false}, {"DONE\r\n", false},
	} {
		if at := l.login([]byte(step.line)); (at >= 0) != step.secret {
			t.Errorf("%q: at %d", step.line, at)
		}
	}
}

// BenchmarkQuoted is the look for secrets that are known in a stanza that has none.
func BenchmarkQuoted(b *testing.B) {
	d := NewSession([]Rule{secretElement}, new(session.Book))
	for i := range 6 {
		d.Explain(session.Seen{Dir: session.S2C, Body: session.StreamElement{}, Raw: fmt.Appendf(nil, "<secret>secret-number-%d</secret>", i)})
	}
	events, root := frames(stanzas()), new(session.Element)
	b.SetBytes(int64(len(stanzas())))
	for b.Loop() {
		for i := range events {
			s := Seen{Event: &events[i], Root: root}
			d.hideKnown(&s)
		}
	}
}

// TestManyKnown: a secret is found when it has just been shown, and when many have been since,
// as long as it is among the newest.
func TestManyKnown(t *testing.T) {
	k := new(known)
	value := func(i int) string { return fmt.Sprintf("aB3dE6gH9-%04d", i) }
	for i := range 3 * maxKnown {
		k.learn("token", value(i), "", false)
		for _, back := range []int{0, 1, maxFresh, maxFresh + 1, maxKnown - 1} {
			if i < back {
				continue
			}
			raw := []byte("<a>" + value(i-back) + " and " + value(i-back) + "</a>")
			got := k.quotesIn(&Seen{Event: &session.Event{Seen: session.Seen{Raw: raw}}})
			if len(got) != 1 || got[0].as != value(i-back) || len(got[0].places) != 2 {
				t.Fatalf("of %d secrets the one before the last %d is found as %v", i+1, back, got)
			}
		}
	}
}

// BenchmarkUnread: a direction of which nothing can be read, so that each event may hold secrets
// of its own.
func BenchmarkUnread(b *testing.B) {
	k := new(known)
	random := rand.New(rand.NewPCG(1, 2))
	raw := make([]byte, 1000)
	for b.Loop() {
		for i := range raw {
			raw[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[random.IntN(36)]
		}
		copy(raw[100:], "<value>")
		copy(raw[140:], "</value>")
		k.learnUnread(raw, func(string) string { return "" })
		k.learn("token", string(raw[200:240]), "", false)
		k.quotesIn(&Seen{Event: &session.Event{Seen: session.Seen{Raw: raw}}})
	}
}
