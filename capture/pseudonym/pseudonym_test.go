package pseudonym

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"xmppscope/session"
)

func TestPseudonymsAreConsistent(t *testing.T) {
	n := New()
	for _, c := range []struct{ got, want string }{
		{n.jid("alice@example.com/phone"), "user1@domain1.example/resource1"},
		{n.jid("Alice@Example.COM"), "user1@domain1.example"},
		{n.user("alice"), "user1"},
		{n.user("bob@example.com"), "user2@domain1.example"},
		{n.host("conference.example.com"), "conference.domain1.example"},
		{n.host("node7.example.com:5222"), "host1.domain1.example:5222"},
		{n.host("_xmpp-client._tcp.example.com"), "_xmpp-client._tcp.domain1.example"},
		{n.host("*.example.com"), "*.domain1.example"},
		{n.host("xmpp.other.net"), "xmpp.domain2.example"},
		{n.host("other.net"), "domain2.example"},
		{n.host("localhost"), "domain3.example"},
		{n.host("10.1.2.3:5222"), "192.0.2.1:5222"},
		{n.host("[fe80::1%eth0]:5222"), "[2001:db8::1]:5222"},
		{n.host("10.1.2.3"), "192.0.2.1"},
		{n.jid("room@conference.example.com/Alice"), "user3@conference.domain1.example/resource2"},
		{n.text("body", "hi there"), "[body #1, 8 characters]"},
		{n.text("body", "hi there"), "[body #1, 8 characters]"},
		{n.text("body", "ü"), "[body #2, 1 characters]"},
		{n.text("a\x1b]b", "x"), "[text #1, 1 characters]"},
		{n.distinguished(`CN=mail.example.com,O=Foo\, Inc.,C=DE`), "CN=mail.domain1.example,O=name1,C=name2"},
		{n.namespace("urn:xmpp:ping"), "urn:xmpp:ping"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	if a, b := n.id("abc"), n.id("abc"); a != b || a == n.id("abd") || len(a) != 11 {
		t.Errorf("ids are %q, %q", a, b)
	}
	if a, b := New().id("abc"), n.id("abc"); a == b {
		t.Error("another recording has the same ids")
	}
	if got := n.namespace("http://secret.corp/ns"); strings.Contains(got, "corp") {
		t.Errorf("namespace is %q", got)
	}
}

func TestPseudonymsInSentences(t *testing.T) {
	n := New()
	n.jid("alice@example.com/phone")
	n.host("10.0.0.9")
	n.keep("mechanisms")
	n.pairs = nil
	n.text("body", "the cat\nsat on the mat, and nobody saw it but me")
	n.user("server") // someone's name is a word of ours
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"logged in as alice@example.com/phone by PLAIN", "logged in as user1@domain1.example/resource1 by PLAIN"},
		{"PLAIN as alice", "PLAIN as user1"},
		{"PLAIN as server", "PLAIN as user2"},
		{"the server lets alice in", "the server lets user1 in"},
		{`"alice" and "server"`, `"user1" and "user2"`},
		{`it offers "mechanisms" and "SCRAM-SHA-1" and "my secret"`, `it offers "mechanisms" and "SCRAM-SHA-1" and "[text #1, 9 characters]"`},
		{`message "the cat\nsat on the …" to x@y.example`, `message "[body #1, 48 characters]" to user3@domain2.example`},
		{"connected to 10.0.0.9:5222 (other.host.net)", "connected to 192.0.2.1:5222 (domain3.example)"},
		{"RFC 6120 §6.4.2, XEP-0368, TLS 1.3, 8.5ms, xmpp/example.com", "RFC 6120 §6.4.2, XEP-0368, TLS 1.3, 8.5ms, xmpp/domain1.example"},
		{"install /home/alice/.config/xmppscope/ca.pem there", "install [path #1, 36 characters] there"},
		{"[password #1, 4 characters] is what alices has", "[password #1, 4 characters] is what alices has"},
		{"an odd \" quote", "an odd \" quote"},
		{"see urn:xmpp:carbons:2 and http://jabber.org/protocol/muc", "see urn:xmpp:carbons:2 and http://jabber.org/protocol/muc"},
	} {
		in, want := c.in, c.want
		got := n.sentence(in)
		if got != want {
			t.Errorf("%s\nbecomes %s\nwant    %s", in, got, want)
		}
	}
}

func TestPseudonymsInXML(t *testing.T) {
	n := New()
	n.jid("alice@example.com")
	n.user("bob")
	hide := func(in string) string {
		e := session.Event{Seen: session.Seen{Raw: []byte(in), Body: session.StreamElement{}}, Said: session.Said{Done: true}}
		n.raw(&e)
		return string(e.Raw)
	}
	for _, c := range []struct{ in, want string }{
		{"<?xml version='1.0'?><stream:stream to='example.com' from=\"alice@example.com\" version='1.0' xml:lang='de' xmlns='jabber:client'>", "<?xml version='1.0'?><stream:stream to='domain1.example' from=\"user1@domain1.example\" version='1.0' xml:lang='de' xmlns='jabber:client'>"},
		{"<presence><show>away</show><priority>5</priority></presence>", "<presence><show>away</show><priority>5</priority></presence>"},
		{"<presence><status>in the bath</status></presence>", "<presence><status>[status #1, 11 characters]</status></presence>"},
		{"<a name='x&quot;y' b='true' seconds='12'/>", "<a name='[a name #1, 3 characters]' b='true' seconds='12'/>"},
		{"<p phone='0170 1234567'/>", "<p phone='[p phone #1, 12 characters]'/>"},
		{"<v>4711</v>", "<v>[v #1, 4 characters]</v>"},
		{"<message to='bob@example.com'><nick>Bob</nick></message>", "<message to='user2@domain1.example'><nick>resource1</nick></message>"},
		{"<a><!-- bob was here --></a>", "<a>[markup #1, 21 characters]</a>"},
		{"<b><![CDATA[<all>]]></b>", "<b>[b #1, 5 characters]</b>"},
		{"plain words", "[text #1, 11 characters]"},
		{"<a></a bob='x'><t", ""},
	} {
		in, want := c.in, c.want
		got := hide(in)
		if want == "" {
			if strings.Contains(got, "bob") {
				t.Errorf("%s becomes %s", in, got)
			}
			continue
		}
		if got != want {
			t.Errorf("%s\nbecomes %s\nwant    %s", in, got, want)
		}
	}
}

// TestPseudonymsMoveSpans: notes and secrets point at what came in the place of
// what they pointed at.
// TestPseudonymsOfPublicNames: what is public as a namespace is somebody's as an
// address, and a text that begins like a namespace is a text.
func TestPseudonymsOfPublicNames(t *testing.T) {
	raw := `<message to="alice@jabber.org/jabber:home" from='conference.jabber.org'><body>jabber: alice lives here</body><status>google:bob</status>` +
		`<subject>http://jabber.org/alice</subject><nick xmlns='http://jabber.org/protocol/nick'>urn:xmpp:carol</nick>` +
		`<q node='http://jabber.org/protocol/commands' desc='p1:dave'/><candidate foundation='3771912845' ip='10.9.8.7' rel-addr='10.9.8.6'/></message>`
	e := New().Event(session.Event{Seen: session.Seen{Body: session.StreamElement{}, Raw: []byte(raw)}, Said: session.Said{Done: true, Notes: []session.Note{
		{Name: "to", Value: "alice@jabber.org/jabber:home"}, {Text: "sent to \"alice@jabber.org\" at jabber.org, in http://jabber.org/protocol/nick"},
	}}})
	got := string(e.Raw) + e.Notes[0].Value + e.Notes[1].Text
	for _, bad := range []string{"alice", "bob", "carol", "dave", "home", "@jabber.org", "'conference.jabber.org", "at jabber.org", "3771912845", "10.9.8"} {
		if strings.Contains(got, bad) {
			t.Errorf("%q is left in %s", bad, got)
		}
	}
	for _, good := range []string{"xmlns='http://jabber.org/protocol/nick'", "node='http://jabber.org/protocol/commands'", "in http://jabber.org/protocol/nick"} {
		if !strings.Contains(got, good) {
			t.Errorf("%q is missing in %s", good, got)
		}
	}
}

func TestPseudonymsMoveSpans(t *testing.T) {
	raw := "<m to='alice@example.com' password='zz'>hello</m>"
	span := func(s string) session.Span {
		at := strings.Index(raw, s)
		return session.Span{Start: at, End: at + len(s)}
	}
	e := session.Event{
		Seen: session.Seen{Raw: []byte(raw), Body: session.StreamElement{}},
		Said: session.Said{Done: true, Secrets: []session.Secret{{Kind: "password", Span: span("zz"), Mark: "[password #1, 2 characters]"}},
			Notes: []session.Note{
				{Text: "a", Span: span("alice@example.com")}, {Text: "b", Span: span("hello")}, {Text: "c", Span: span("<m")},
				{Text: "d", Span: span("alice")}, {Text: "e", Span: session.Span{End: len(raw)}},
			}},
	}
	out := New().Event(e)
	var got []string
	for _, n := range out.Notes {
		got = append(got, string(out.Raw[n.Span.Start:n.Span.End]))
	}
	got = append(got, string(out.Raw[out.Secrets[0].Span.Start:out.Secrets[0].Span.End]))
	want := []string{"user1@domain1.example", "[m #1, 5 characters]", "<m", "user1@domain1.example", string(out.Raw), "[password #1, 2 characters]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n%s", out.Raw, diff)
	}
	if string(e.Raw) != raw || e.Notes[0].Span != span("alice@example.com") {
		t.Error("the event that was given has changed")
	}
}

func TestPseudonymsHideTLS(t *testing.T) {
	facts := session.TLSFacts{
		Version: "TLS 1.3", SNI: "im.corp.test", Domain: "corp.test",
		Bindings: map[string]string{"tls-exporter": strings.Repeat("ab", 32)}, Hello: &session.ClientHello{SNI: "im.corp.test", Suites: []string{"X"}},
		Chain:   []session.Certificate{{Subject: "CN=corp.test,O=Corp GmbH", Issuer: "CN=Corp CA", Serial: "0badcafe", DNS: []string{"im.corp.test"}, IP: []string{"10.9.8.7"}, XMPP: []string{"corp.test"}, SHA256: strings.Repeat("cd", 32), NotAfter: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)}},
		Verdict: &session.Verification{Problem: `the certificate is for "im.corp.test", issued by "Corp CA"`}, Unminted: []string{"intern.corp.test"},
	}
	out := New().Event(session.Event{Seen: session.Seen{Body: session.TLSFailed{TLSFacts: facts, Reason: `no "corp.test" at 10.9.8.7`, Err: "x509: corp.test is not it"}}, Said: session.Said{Done: true}})
	shown := fmt.Sprintf("%+v %+v %+v", out.Body, out.Body.(session.TLSFailed).Verdict, out.Body.(session.TLSFailed).Hello)
	for _, bad := range []string{"corp", "Corp", "10.9", "abab", "cdcd", "badcafe", "14:00:00"} {
		if strings.Contains(shown, bad) {
			t.Errorf("%q is in %s", bad, shown)
		}
	}
	if facts.Chain[0].Serial != "0badcafe" || facts.Bindings["tls-exporter"][0] != 'a' || facts.Hello.SNI != "im.corp.test" {
		t.Error("the facts that were given have changed")
	}
}

// TestPseudonymsKnowEveryBody: a kind of event that is new keeps nothing.
func TestPseudonymsKnowEveryBody(t *testing.T) {
	n := New()
	for _, b := range session.Bodies {
		if _, unknown := n.body(b).(session.Unknown); unknown && session.Numbered(b) {
			t.Errorf("%s loses its detail: add it to body", b.Name())
		}
	}
	if got := n.body(session.Unknown{Kind: "relay:future", Detail: []byte(`{"who":"alice"}`)}).(session.Unknown); got.Detail != nil || got.Kind != "relay:future" {
		t.Errorf("%+v", got)
	}
}

func TestPseudonymsAreBounded(t *testing.T) {
	n := New()
	for i := range maxNames + 50 {
		n.user(fmt.Sprint("u", i))
		n.pairs = n.pairs[:0]
	}
	if len(n.tables[tableUser]) != maxNames {
		t.Errorf("%d names", len(n.tables[tableUser]))
	}
}
