package main

import (
	"strings"
	"testing"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

// BenchmarkExplain is everything that is said about a stanza: all rules, on a
// realistic piece of a stream after login.
func BenchmarkExplain(b *testing.B) {
	const one = `<message from='romeo@montague.example/orchard' to='juliet@capulet.example/balcony' id='ktx72v49' type='chat' xml:lang='en'><body>Art thou not Romeo, and a Montague? &lt;3</body><active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/><origin-id xmlns='urn:xmpp:sid:0' id='de305d54-75b4-431b-adb2-eb6b9e546013'/></message>` +
		`<presence from='nurse@capulet.example/chamber' to='juliet@capulet.example/balcony'><show>away</show><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://client.example' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/></presence>` +
		`<iq id='7d756bdddd6c4e83' to='alice@capulet.example/x' type='result' from='capulet.example'><query xmlns='http://jabber.org/protocol/disco#info'><identity category='server' type='im' name='Prosody'/><feature var='urn:xmpp:ping'/><feature var='jabber:iq:roster'/></query></iq>`
	header := "<stream:stream from='capulet.example' id='1' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
	var events []session.Event
	var scanner decode.Scanner
	for p := []byte(header + strings.Repeat(one, 16)); len(p) > 0; {
		n, f, ok := scanner.Next(p)
		if ok {
			e := f.Event(session.S2C)
			e.At = time.Unix(0, 0)
			events = append(events, e)
		}
		p = p[n:]
	}
	d := decode.NewSession(rules(), new(session.Book))
	d.Explain(events[0])
	b.SetBytes(int64(16 * len(one)))
	b.ReportAllocs()
	for b.Loop() {
		for _, e := range events[1:] {
			d.Explain(e)
		}
	}
}
