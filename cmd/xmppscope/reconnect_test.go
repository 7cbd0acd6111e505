package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"xmppscope/internal/inspect"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// TestRealLoginsAreJoined: what rules say of real logins is what the inspector joins sessions by.
func TestRealLoginsAreJoined(t *testing.T) {
	const begin = `*: tls
C: <stream:stream to='example.net' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>
S: <stream:stream id='ID' from='example.net' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>
`
	const plain = begin + `S: <stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>
C: <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AHRpbQB0YW5zdGFhZnRhbnN0YWFm</auth>
S: <success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>
C: <stream:stream to='example.net' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>
S: <stream:stream id='IDb' from='example.net' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>
`
	const bound = `C: <iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>
S: <iq type='result' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>tim@example.net/1</jid></bind></iq>
C: <enable xmlns='urn:xmpp:sm:3' resume='true'/>
S: <enabled xmlns='urn:xmpp:sm:3' id='some-id' resume='true'/>
`
	const agent = `<user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'/>`
	const sasl2 = begin + `S: <stream:features><authentication xmlns='urn:xmpp:sasl:2'><mechanism>PLAIN</mechanism><inline><fast xmlns='urn:xmpp:fast:0'><mechanism>HT-SHA-256-NONE</mechanism></fast><sm xmlns='urn:xmpp:sm:3'/></inline></authentication></stream:features>
`
	m, index := inspect.NewModel(), 0
	for i, dialogue := range []string{
		plain + bound,
		plain + "C: <resume xmlns='urn:xmpp:sm:3' h='5' previd='some-id'/>\nS: <resumed xmlns='urn:xmpp:sm:3' h='7' previd='some-id'/>\n",
		plain + "C: <resume xmlns='urn:xmpp:sm:3' h='5' previd='some-id'/>\nS: <failed xmlns='urn:xmpp:sm:3'/>\n",
		sasl2 + "C: <authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'><initial-response>AGFubgB0YW5zdGFhZnRhbnN0YWFm</initial-response>" + agent + "<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-NONE'/></authenticate>\n" +
			"S: <success xmlns='urn:xmpp:sasl:2'><authorization-identifier>ann@example.net</authorization-identifier><token xmlns='urn:xmpp:fast:0' token='secret-token' expiry='2036-01-01T00:00:00Z'/></success>\n",
		sasl2 + "C: <authenticate xmlns='urn:xmpp:sasl:2' mechanism='HT-SHA-256-NONE'><initial-response>YW5uAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=</initial-response>" + agent + "<fast xmlns='urn:xmpp:fast:0'/></authenticate>\n",
	} {
		for _, e := range xmpptest.Play(t, strings.ReplaceAll(dialogue, "ID", fmt.Sprint("s", i))) {
			e.Session = i + 1
			e.At = e.At.Add(time.Duration(i) * time.Hour)
			m.Add(index, &e, true)
			index++
		}
	}
	var got []string
	for _, c := range m.Sessions {
		said := fmt.Sprint(c.ID)
		if c.Of != nil {
			said += " " + c.Back()
		}
		got = append(got, said)
	}
	want := "1; 2 resumes session 1, counters carried over: 5 at the client, 7 at the server; 3 asked to resume session 2; 4; 5 token from session 4"
	if all := strings.Join(got, "; "); all != want {
		t.Errorf("%s, want\n%s", all, want)
	}
	if c := m.Sessions[1]; c.State != session.LoggedIn || !c.Resumed {
		t.Errorf("session 2: %v", c.State)
	}
}
