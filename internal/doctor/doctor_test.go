package doctor

import (
	"slices"
	"strings"
	"testing"

	"xmppscope/session"
)

// TestOffers reads features as servers of today send them; what is no XML harms nobody.
func TestOffers(t *testing.T) {
	o := offersIn([]byte(`<stream:features xmlns:stream='http://etherx.jabber.org/streams'><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-1-PLUS</mechanism><mechanism>PLAIN</mechanism></mechanisms>`+
		`<authentication xmlns='urn:xmpp:sasl:2'><mechanism>SCRAM-SHA-256</mechanism><inline><bind xmlns='urn:xmpp:bind:0'/><sm xmlns='urn:xmpp:sm:3'/><fast xmlns='urn:xmpp:fast:0'><mechanism>HT-SHA-256-NONE</mechanism></fast></inline></authentication>`+
		`<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'><channel-binding type='tls-exporter'/><channel-binding type='tls-server-end-point'/></sasl-channel-binding>`+
		`<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls><x xmlns='urn:example:new'/></stream:features>`), nil)
	for _, c := range []struct {
		got  []string
		want string
	}{
		{o.Mechanisms, "SCRAM-SHA-1-PLUS PLAIN"}, {o.SASL2, "SCRAM-SHA-256"}, {o.Inline, "bind2 stream management FAST"}, {o.FAST, "HT-SHA-256-NONE"},
		{o.Bindings, "tls-exporter tls-server-end-point"}, {o.Features, "sasl sasl2 channel binding starttls urn:example:new x"},
	} {
		if strings.Join(c.got, " ") != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	if !o.Required || !o.equal(o) || o.equal(new(Offers)) {
		t.Error("what is required, or the same, is not told")
	}
	turned := *o
	turned.Mechanisms = []string{"PLAIN", "SCRAM-SHA-1-PLUS"}
	if !o.equal(&turned) {
		t.Error("another order is taken for another offer")
	}
	for _, bad := range []string{"", "<", "<a", "\x00", "<a><b></a>", "<features/>"} {
		if o := offersIn([]byte(bad), nil); o == nil || len(o.Mechanisms) > 0 {
			t.Errorf("%q: %+v", bad, o)
		}
	}
}

func FuzzOffers(f *testing.F) {
	f.Add([]byte(`<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>`))
	f.Add([]byte(`<open xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>`))
	f.Fuzz(func(t *testing.T, text []byte) {
		offersIn(text, nil)
		webOffers(text)
	})
}

// TestWebOffers tells offers, what may come later, and what is neither.
func TestWebOffers(t *testing.T) {
	const features = `<features xmlns='http://etherx.jabber.org/streams'><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></features>`
	for text, want := range map[string]string{
		features: "PLAIN",
		`<body xmlns='http://jabber.org/protocol/httpbind' sid='x'>` + features + `</body>`:                                   "PLAIN",
		`<body xmlns='http://jabber.org/protocol/httpbind' sid='x'/>`:                                                         "later",
		`<open xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>`:                                                                 "later",
		`<body xmlns='http://jabber.org/protocol/httpbind' type='terminate' condition='host-unknown'/>`:                       "host-unknown",
		`<error xmlns='http://etherx.jabber.org/streams'><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></error>`: "host-unknown",
		`<html/>`: "<html/>, which is no XMPP",
		`hello`:   "no XMPP",
		`<!DOCTYPE html><html><body>404</body></html>`: "no XMPP",
	} {
		o, err := webOffers([]byte(text))
		got := "later"
		switch {
		case err != nil:
			got = err.Error()
		case o != nil:
			got = strings.Join(o.Mechanisms, " ")
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// TestPage: the worst stands first, clients before servers, one problem once; what a server
// says reaches no terminal as it is.
func TestPage(t *testing.T) {
	r := &Report{Domain: "lab.test"}
	r.wrong(session.Notice, "a", "", "", "a notice")
	r.wrong(session.Error, "x:5269 (STARTTLS for servers)", "", "", "no server comes in")
	r.wrong(session.Error, "x:5222 (STARTTLS for clients)", "RFC 6120 §5", "mend it", "no client \x1b[31mcomes in")
	r.wrong(session.Error, "y:5222 (STARTTLS for clients)", "RFC 6120 §5", "mend it", "no client \x1b[31mcomes in")
	r.wrong(session.Warning, "b", "", "", "a warning")
	r.Web = []Web{{Kind: "BOSH", URL: "https://lab.test/\x1b]0;title\x07", Offers: &Offers{Mechanisms: []string{"\u202ePLAIN"}}}}
	r.sort()
	var b strings.Builder
	if err := r.Print(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	order := []string{"2 errors, 1 warning, 1 notice", "no client", "at x:5222", "at y:5222", "next: mend it", "no server", "a warning", "a notice", "https://lab.test/"}
	at := 0
	for _, want := range order {
		i := strings.Index(page[at:], want)
		if i < 0 {
			t.Fatalf("%q does not come in its turn:\n%s", want, page)
		}
		at += i
	}
	if strings.ContainsAny(page, "\x1b\x07\u202e") || strings.Count(page, "no client") != 1 || r.Worst() != session.Error {
		t.Errorf("%q", page)
	}
	if len(r.Problems) != 4 || !slices.IsSortedFunc(r.Problems, func(a, b Problem) int { return int(b.Severity) - int(a.Severity) }) {
		t.Errorf("%+v", r.Problems)
	}
}
