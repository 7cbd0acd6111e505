package verdict_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// said is a text of a server as texts.json has it.
type said struct{ Server, Where, Condition, Text, Like, Means string }

const (
	opened = "C: <stream:stream xmlns='%s' xmlns:stream='http://etherx.jabber.org/streams' to='a.example' version='1.0'>\n" +
		"S: <stream:stream xmlns='%[1]s' xmlns:stream='http://etherx.jabber.org/streams' from='a.example' id='1' version='1.0' xml:lang='en'>\n"
	over    = "*: {\"kind\":\"tcp:closed\",\"leg\":\"client\",\"detail\":{\"by\":\"server\"}}\n"
	streams = "urn:ietf:params:xml:ns:xmpp-streams"
	stanzas = "urn:ietf:params:xml:ns:xmpp-stanzas"
)

// dialogue is a login that ends with the text.
func (s *said) dialogue() string {
	text := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s.Text)
	content := "jabber:client"
	switch s.Where {
	case "s2s":
		content = "jabber:server"
	case "component":
		content = "jabber:component:accept"
	}
	head := fmt.Sprintf(opened, content)
	secure := "*: tls\n" + head
	plain := secure + "S: <stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>\n" +
		"C: <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AHRpbQB0YW5zdGFhZnRhbnN0YWFm</auth>\n"
	switch s.Where {
	case "sasl":
		return plain + fmt.Sprintf("S: <failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><%s/><text>%s</text></failure>\n", s.Condition, text) + over
	case "bind":
		return plain + "S: <success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>\n" + head + "S: <stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>\n" +
			"C: <iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>\n" +
			fmt.Sprintf("S: <iq type='error' id='b'><error type='cancel'><%s xmlns='%s'/><text xmlns='%[2]s'>%s</text></error></iq>\n", s.Condition, stanzas, text) + over
	case "register":
		return secure + "S: <stream:features><register xmlns='http://jabber.org/features/iq-register'/></stream:features>\n" +
			"C: <iq type='set' id='r'><query xmlns='jabber:iq:register'><username>tim</username><password>tanstaaftanstaaf</password></query></iq>\n" +
			fmt.Sprintf("S: <iq type='error' id='r'><error type='cancel'><%s xmlns='%s'/><text xmlns='%[2]s'>%s</text></error></iq>\n", s.Condition, stanzas, text) + over
	}
	return secure + fmt.Sprintf("S: <stream:error><%s xmlns='%s'/><text xmlns='%[2]s'>%s</text></stream:error></stream:stream>\n", s.Condition, streams, text) + over
}

// TestServersAreUnderstood: a login that ends with one of the texts is explained by what
// the server means with it, or by what else it may mean.
func TestServersAreUnderstood(t *testing.T) {
	file, err := os.ReadFile("texts.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []said
	if err := json.Unmarshal(file, &all); err != nil {
		t.Fatal(err)
	}
	asked, missed := 0, 0
	for _, s := range all {
		if s.Text == "" {
			continue
		}
		asked++
		value := ""
		for _, e := range xmpptest.Play(t, s.dialogue()) {
			for _, n := range e.Notes {
				if n.Rule == session.RuleVerdict {
					value = n.Value
				}
			}
		}
		if !strings.Contains(value, s.Means) {
			missed++
			t.Logf("%s, %s, %s, %q\n  means %s\n  told  %s", s.Server, s.Where, s.Condition, s.Text, s.Means, value)
		}
	}
	if missed*20 > asked { // some say the same for several reasons, and the login tells which
		t.Errorf("%d of %d texts are not understood", missed, asked)
	}
}
