package xep_test

import (
	"testing"
	"time"

	"xmppscope/decode"
	"xmppscope/decode/xep"
	"xmppscope/session"
)

// BenchmarkRules is what the rules of this package cost on everyday stanzas. Beside
// it, the same stanzas without rules.
func BenchmarkRules(b *testing.B) {
	var events []session.Event
	size := 0
	for _, raw := range []string{
		`<message from='romeo@montague.example/orchard' to='juliet@capulet.example/balcony' id='ktx72v49' type='chat' xml:lang='en'><body>Art thou not Romeo, and a Montague? &lt;3</body><active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/><origin-id xmlns='urn:xmpp:sid:0' id='de305d54-75b4-431b-adb2-eb6b9e546013'/></message>`,
		`<presence from='nurse@capulet.example/chamber' to='juliet@capulet.example/balcony'><show>away</show><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://client.example' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/></presence>`,
		`<message from='room@muc.example/nick' to='juliet@capulet.example/balcony' type='groupchat'><body>hello</body></message>`,
	} {
		size += len(raw)
		events = append(events, session.Event{Seen: session.Seen{Session: 1, Seq: 1, At: time.Unix(0, 0), Leg: session.ServerLeg, Dir: session.S2C,
			Body: session.StreamElement{}, Raw: []byte(raw), Size: int64(len(raw))}})
	}
	for name, rules := range map[string][]decode.Rule{"rules": xep.Rules(), "none": nil} {
		b.Run(name, func(b *testing.B) {
			d := decode.NewSession(rules, new(session.Book))
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				for _, e := range events {
					d.Explain(e.Seen)
				}
			}
		})
	}
}
