package decode

import (
	"strings"
	"testing"

	"xmppscope/session"
)

// TestUnreadCredentialsAreHidden feeds credentials that no rule can read, and
// looks for them in what is shown.
func TestUnreadCredentialsAreHidden(t *testing.T) {
	const secret = "AHUAUzNjcjN0UHc="
	for name, in := range map[string]string{
		"cut off":              hdr + "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + secret,
		"in an attribute":      hdr + "<token xmlns='urn:xmpp:fast:0' token='" + secret,
		"behind junk":          "junk <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + secret + "</auth><a/>",
		"indented":             "<a></b>\n  <auth mechanism='PLAIN'>" + secret + "</auth>\n",
		"over several blocks":  "junk <auth mechanism='PLAIN'>" + secret + strings.Repeat("A", 3000) + secret + "</auth>",
		"not well-formed":      hdr + "<auth mechanism=PLAIN>" + secret + "</auth>",
		"no namespace":         hdr + "<auth mechanism='PLAIN'>" + secret + "</auth>",
		"the wrong namespace":  hdr + "<stream:auth mechanism='PLAIN'>" + secret + "</stream:auth>",
		"HTTP":                 "GET / HTTP/1.1\r\nAuthorization: Basic " + secret + "\r\n\r\n",
		"a broken iq-auth":     hdr + "<iq type='set' a='1' a='2'><query xmlns='jabber:iq:auth'><password>" + secret + "</password></query></iq>",
		"a broken register iq": hdr + "<iq type='set'><query xmlns='jabber:iq:register'><password>" + secret,
	} {
		d := NewSession(nil, new(session.Book))
		var s Scanner
		show := func(f Frame) {
			e := session.Blank(d.Explain(f.Event(session.C2S)))
			if strings.Contains(string(e.Raw), secret) || strings.Contains(e.Summary, secret) {
				t.Errorf("%s: shown in %q", name, e.Raw)
			}
		}
		for p := []byte(in); len(p) > 0; {
			n, f, ok := s.Next(p)
			if ok {
				show(f)
			}
			p = p[n:]
		}
		if f, ok := s.Finish(); ok {
			show(f)
		}
	}
}

// TestOurWords: what xmppscope says itself is shown, unless it may be a credential.
func TestOurWords(t *testing.T) {
	for raw, shown := range map[string]bool{
		"<iq type='get' id='1' to='a.example'><ping xmlns='urn:xmpp:ping'/></iq>": true,
		"<a h='7' xmlns='urn:xmpp:sm:3'/>":                                        true,
		"<r xmlns='urn:xmpp:sm:2'/>":                                              true,
		"<resume h='7' previd='some-id' xmlns='urn:xmpp:sm:3'/>":                  false,
		"<a h='7' id='some-id' xmlns='urn:xmpp:sm:3'/>":                           false,
		"<a h='7' xmlns='urn:xmpp:sm:3'>some-id</a>":                              false,
		"<x xmlns='made:up'><pin>1234</pin></x>":                                  false,
		"<x xmlns='made:up'><ping/><pin>1234</pin></x>":                           false,
	} {
		d := NewSession(nil, new(session.Book))
		e := d.Explain(session.Seen{Dir: session.C2S, Body: session.RelaySent{}, Raw: []byte(raw)})
		if got := string(session.Blank(e).Raw) == raw; got != shown {
			t.Errorf("%s is shown as %s", raw, session.Blank(e).Raw)
		}
	}
}

// TestCredentialTag: each tag is looked at once, up to the ">" that ends it, and a "<"
// inside of one may begin another.
func TestCredentialTag(t *testing.T) {
	for raw, want := range map[string]string{
		"":                                      "no",
		"<a>text":                               "no",
		"<":                                     "no",
		"<auth":                                 "",
		"<auth mechanism='PLAIN":                "mechanism='PLAIN",
		"<auth>AHg=":                            "AHg=",
		"<a><sasl:auth x='y'>AHg=":              "AHg=",
		"<a b='<auth c='d'>AHg=</auth>":         "AHg=</auth>",
		"<a <b xmlns='jabber:iq:auth'>text":     "text",
		"jabber:iq:auth <a>text":                "no",
		strings.Repeat("<", 1<<20) + "auth>key": "key",
		strings.Repeat("<", 1<<20):              "no",
	} {
		got := "no"
		if at := credentialTag([]byte(raw)); at >= 0 {
			got = raw[at:]
		}
		if got != want {
			t.Errorf("%.60s: %.60q, want %q", raw, got, want)
		}
	}
}
