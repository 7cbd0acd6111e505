package compare_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"xmppscope/decode/compare"
	"xmppscope/internal/columns"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

func lab(t *testing.T, name string) []session.Event {
	t.Helper()
	return xmpptest.Play(t, xmpptest.Recording(t, name))
}

// linesOf is a comparison as plain text.
func linesOf(r compare.Result, o compare.Layout) (out []string) {
	for _, l := range compare.Render(r, o) {
		out = append(out, l.Text)
	}
	return out
}

// TestRealPairs says of logins of real clients at real servers what made the
// difference.
func TestRealPairs(t *testing.T) {
	pairs := [][2]string{
		{"slixmpp-prosody", "slixmpp-prosody-badpw"},
		{"slixmpp-prosody-badpw", "slixmpp-prosody"},
		{"profanity-prosody", "profanity-prosody-badpw"},
		{"go-sendxmpp-prosody-badpw", "slixmpp-prosody-badpw"},
		{"slixmpp-prosody", "slixmpp-ejabberd"},
		{"slixmpp-prosody", "profanity-prosody"},
		{"slixmpp-prosody", "slixmpp-prosody-tls"},
		{"slixmpp-prosody", "slixmpp-prosody-tls12"},
		{"slixmpp-prosody", "slixmpp-prosody-trunk"},
		{"slixmpp-prosody", "slixmpp-prosody-badca"},
		{"slixmpp-prosody", "slixmpp-prosody-badhost"},
		{"slixmpp-ejabberd-badhost", "slixmpp-prosody-badhost"},
		{"slixmpp-ejabberd-badhost", "slixmpp-prosody-badpw"},
		{"go-sendxmpp-ejabberd", "go-sendxmpp-prosody"},
	}
	var b strings.Builder
	for _, p := range pairs {
		r := compare.Sessions(lab(t, p[0]), lab(t, p[1]), compare.Options{A: p[0], B: p[1]})
		fmt.Fprintf(&b, "A %s\nB %s\nsame: %v; %s\n\n", p[0], p[1], r.Same, r.Sentence)
	}
	xmpptest.Golden(t, "testdata/lab.txt", b.String())
	for _, p := range pairs[:8] {
		r := compare.Sessions(lab(t, p[0]), lab(t, p[1]), compare.Options{})
		xmpptest.Golden(t, "testdata/"+p[0]+"_"+p[1]+".txt", strings.Join(linesOf(r, compare.Layout{Details: true}), "\n")+"\n")
	}
}

// digestLogin is a login by DIGEST-MD5, with nonces of its own.
func digestLogin(nonce, cnonce string) string {
	code := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	return `*: tls
C: <stream:stream to='a.example' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>
S: <stream:stream from='a.example' id='` + nonce + `' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>
S: <stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>DIGEST-MD5</mechanism></mechanisms></stream:features>
C: <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='DIGEST-MD5'/>
S: <challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>` + code(`realm="a.example",nonce="`+nonce+`",qop="auth",charset=utf-8,algorithm=md5-sess`) + `</challenge>
C: <response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>` + code(`username="u",realm="a.example",nonce="`+nonce+`",cnonce="`+cnonce+`",nc=00000001,qop=auth,digest-uri="xmpp/a.example",response=d388dad90d4bbd760a152321f2143af7,charset=utf-8`) + `</response>
S: <failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>
`
}

// TestNoncesDoNotCount: a login is the same as another that differs in its nonces.
func TestNoncesDoNotCount(t *testing.T) {
	a, b := xmpptest.Play(t, digestLogin("4f5ab1", "OA6MHXh6VqTrRk")), xmpptest.Play(t, digestLogin("9c02de", "Zm9vYmFyYmF6cXV4"))
	if r := compare.Sessions(a, b, compare.Options{}); !r.Same {
		t.Errorf("they differ: %s", r.Sentence)
	}
}

// TestSameRecording: every login is the same as itself, ids included.
func TestSameRecording(t *testing.T) {
	for _, name := range xmpptest.Recordings(t) {
		events := lab(t, name)
		r := compare.Sessions(events, events, compare.Options{IDs: true})
		if !r.Same || !strings.Contains(r.Sentence, "no difference that matters") {
			t.Errorf("%s: %s", name, r.Sentence)
		}
		for _, row := range r.Rows {
			if row.Mark != compare.Same || len(row.Differences) > 0 {
				t.Errorf("%s: %+v", name, row)
			}
		}
	}
}

// TestPairs plays two dialogues and compares what is said of them. Nothing that
// is shown may speak to a terminal.
func TestPairs(t *testing.T) {
	n := xmpptest.Archives(t, "testdata/pairs/*.txtar", 2, func(t *testing.T, given []string) string {
		a, b := xmpptest.Play(t, given[0]), xmpptest.Play(t, given[1])
		r := compare.Sessions(a, b, compare.Options{})
		got := strings.Join(linesOf(r, compare.Layout{}), "\n") + "\n"
		checkSafe(t, got)
		if back := compare.Sessions(b, a, compare.Options{}); back.Same != r.Same {
			t.Errorf("turned round: same is %v", back.Same)
		}
		return got
	})
	if n < 10 {
		t.Errorf("%d pairs", n)
	}
}

func checkSafe(t *testing.T, text string) {
	t.Helper()
	if session.Safe(text) != text {
		t.Errorf("not safe to print: %q", text)
	}
	for _, line := range strings.Split(text, "\n") {
		if n := columns.Of(line); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	for _, secret := range []string{"wonderland", "cHJvb2Y", "AGFsaWNl"} {
		if strings.Contains(text, secret) {
			t.Errorf("it shows %q", secret)
		}
	}
}

// TestIDs: ids count only if that was asked for.
func TestIDs(t *testing.T) {
	a, b := lab(t, "slixmpp-prosody"), lab(t, "slixmpp-prosody-tls12")
	count := func(o compare.Options) (n int) {
		for _, row := range compare.Sessions(a, b, o).Rows {
			for _, d := range row.Differences {
				if d.What == "stream's id" || d.What == "nonce" {
					n++
				}
			}
		}
		return n
	}
	if n := count(compare.Options{}); n != 0 {
		t.Errorf("%d ids are compared unasked", n)
	}
	if n := count(compare.Options{IDs: true}); n < 3 {
		t.Errorf("%d ids are compared when asked", n)
	}
}

// TestJSON: the result of a comparison keeps its documented names.
func TestJSON(t *testing.T) {
	r := compare.Sessions(lab(t, "slixmpp-prosody"), lab(t, "slixmpp-ejabberd-tls12"), compare.Options{})
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`{"same":false,"sentence":"`, `"a":{"session":1,"domain":"lab.test","jid":"alice@lab.test/slixmpp","state":"logged in"`,
		`"steps":[{"mark":"same","kind":"stream-open","phase":"in the clear","title":"client opens the stream","a":{"n":1,"id":"stream-open-1","seq":1}`,
		`"what":"mechanisms"`, `"weight":"change"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("it lacks %s", want)
		}
	}
}

// TestLegs: a capture with one leg can be compared with one that has both.
func TestLegs(t *testing.T) {
	dialogue := "C: <stream:stream to='x.example' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>\n*: tls%s\n"
	both, one := xmpptest.Play(t, fmt.Sprintf(dialogue, "")), xmpptest.Play(t, fmt.Sprintf(dialogue, " server"))
	if r := compare.Sessions(both, one, compare.Options{}); !r.Same {
		t.Errorf("%s %+v", r.Sentence, r.Rows)
	}
	other := xmpptest.Play(t, fmt.Sprintf(dialogue, " server TLS 1.2"))
	if r := compare.Sessions(both, other, compare.Options{}); r.Same {
		t.Error("the version of TLS is not compared")
	}
}

// TestLongSessions: thousands of attempts are compared in bounded time and space.
func TestLongSessions(t *testing.T) {
	attempt := "C: <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>\nS: <failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>\n"
	a := xmpptest.Play(t, strings.Repeat(attempt, 600))
	b := xmpptest.Play(t, strings.Repeat(attempt, 3))
	r := compare.Sessions(a, b, compare.Options{})
	if r.Beyond != 700 || len(r.Rows) != 500 || r.Same {
		t.Errorf("beyond %d, %d rows, same %v", r.Beyond, len(r.Rows), r.Same)
	}
}

// TestNothing: an empty session can be compared too.
func TestNothing(t *testing.T) {
	if r := compare.Sessions(nil, nil, compare.Options{}); !r.Same || len(linesOf(r, compare.Layout{Times: true, Width: 30})) == 0 {
		t.Errorf("%+v", r)
	}
	if r := compare.Sessions(lab(t, "slixmpp-prosody"), nil, compare.Options{}); r.Same {
		t.Error("a login is the same as nothing")
	}
}
