package decode

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"time"

	"xmppscope/session"
)

// stanzas is a realistic piece of a stream after login, about 16 KiB.
func stanzas() []byte {
	one := `<message from='romeo@montague.example/orchard' to='juliet@capulet.example/balcony' id='ktx72v49' type='chat' xml:lang='en'><body>Art thou not Romeo, and a Montague? &lt;3</body><active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/><origin-id xmlns='urn:xmpp:sid:0' id='de305d54-75b4-431b-adb2-eb6b9e546013'/></message>` +
		`<presence from='nurse@capulet.example/chamber' to='juliet@capulet.example/balcony'><show>away</show><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://client.example' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/></presence>` +
		`<iq id='7d756bdddd6c4e83' to='alice@capulet.example/x' type='result' from='capulet.example'><query xmlns='http://jabber.org/protocol/disco#info'><identity category='server' type='im' name='Prosody'/><feature var='urn:xmpp:ping'/><feature var='jabber:iq:roster'/><feature var='urn:xmpp:blocking'/></query></iq><r xmlns='urn:xmpp:sm:3'/>`
	return []byte(strings.Repeat(one, 16))
}

// BenchmarkScan is the hot path: splitting and classifying. Beside it, encoding/xml
// on the same bytes, in the same run.
func BenchmarkScan(b *testing.B) {
	data := stanzas()
	b.Run("scanner", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		var s Scanner
		s.Next([]byte(hdr))
		for b.Loop() {
			for p := data; len(p) > 0; {
				n, f, _ := s.Next(p)
				s.TurnAfter(session.S2C, &f)
				p = p[n:]
			}
		}
	})
	b.Run("encoding-xml", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			d := xml.NewDecoder(bytes.NewReader(data))
			for {
				if _, err := d.Token(); err == io.EOF {
					break
				} else if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// frames are the elements of data as events.
func frames(data []byte) (out []session.Event) {
	var s Scanner
	for p := append([]byte(hdr), data...); len(p) > 0; {
		n, f, ok := s.Next(p)
		if ok {
			out = append(out, f.Event(session.S2C))
		}
		p = p[n:]
	}
	return out
}

func BenchmarkTree(b *testing.B) {
	data := stanzas()
	events := frames(data)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	var trees Trees
	for b.Loop() {
		for i := range events {
			trees.parse(string(events[i].Raw), nil, false)
			trees.Reset()
		}
	}
}

// BenchmarkLadder is naming, pairing and placing, without rules.
func BenchmarkLadder(b *testing.B) {
	data := stanzas()
	events := frames(data)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	d := NewSession(nil, new(session.Book))
	at := time.Unix(0, 0)
	for b.Loop() {
		for i := range events {
			e := events[i]
			e.At = at
			d.Explain(e)
		}
	}
}
