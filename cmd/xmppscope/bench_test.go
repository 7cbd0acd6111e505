package main

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"time"

	"xmppscope/capture"
	"xmppscope/decode"
	"xmppscope/session"
)

// everyday is a realistic piece of a stream after login, as events that are not
// explained, and its size.
func everyday() (events []session.Seen, size int) {
	const one = `<message from='romeo@montague.example/orchard' to='juliet@capulet.example/balcony' id='ktx72v49' type='chat' xml:lang='en'><body>Art thou not Romeo, and a Montague? &lt;3</body><active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/><origin-id xmlns='urn:xmpp:sid:0' id='de305d54-75b4-431b-adb2-eb6b9e546013'/></message>` +
		`<presence from='nurse@capulet.example/chamber' to='juliet@capulet.example/balcony'><show>away</show><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://client.example' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/></presence>` +
		`<iq id='7d756bdddd6c4e83' to='alice@capulet.example/x' type='result' from='capulet.example'><query xmlns='http://jabber.org/protocol/disco#info'><identity category='server' type='im' name='Prosody'/><feature var='urn:xmpp:ping'/><feature var='jabber:iq:roster'/></query></iq>`
	header := "<stream:stream from='capulet.example' id='1' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
	var scanner decode.Scanner
	for p := []byte(header + strings.Repeat(one, 16)); len(p) > 0; {
		n, f, ok := scanner.Next(p)
		if ok {
			e := f.Event(session.S2C)
			e.Session, e.Seq, e.At = 1, uint64(len(events)+1), time.Unix(0, 0)
			events = append(events, e)
		}
		p = p[n:]
	}
	return events, 16 * len(one)
}

// BenchmarkExplain is everything that is said about a stanza: all rules. Beside it,
// encoding/xml on the same bytes, which says nothing.
func BenchmarkExplain(b *testing.B) {
	events, size := everyday()
	b.Run("all-rules", func(b *testing.B) {
		d := decode.NewSession(rules(), new(session.Book))
		d.Explain(events[0])
		b.SetBytes(int64(size))
		b.ReportAllocs()
		for b.Loop() {
			for _, e := range events[1:] {
				d.Explain(e)
			}
		}
	})
	b.Run("encoding-xml", func(b *testing.B) {
		b.SetBytes(int64(size))
		b.ReportAllocs()
		for b.Loop() {
			for _, e := range events[1:] {
				x := xml.NewDecoder(bytes.NewReader(e.Raw))
				for {
					if _, err := x.Token(); err == io.EOF {
						break
					} else if err != nil {
						b.Fatal(err)
					}
				}
			}
		}
	})
}

// BenchmarkRead is what print and check read: a .jsonl recording of explained
// events. Its bytes are those of the file.
func BenchmarkRead(b *testing.B) {
	events, _ := everyday()
	var file bytes.Buffer
	printer, err := eventPrinter(&file, &outputFlags{json: true}, false)
	if err != nil {
		b.Fatal(err)
	}
	d := decode.NewSession(rules(), new(session.Book))
	for _, e := range events {
		if err := printer.Write(d.Explain(e)); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(file.Len()))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		if _, err := capture.Read(bytes.NewReader(file.Bytes()), func(session.Event) error { n++; return nil }); err != nil || n != len(events) {
			b.Fatal(n, err)
		}
	}
}

// BenchmarkPrint is what print does with explained events.
func BenchmarkPrint(b *testing.B) {
	events, size := everyday()
	d := decode.NewSession(rules(), new(session.Book))
	var said []session.Event
	for _, e := range events {
		said = append(said, d.Explain(e))
	}
	for name, o := range map[string]*outputFlags{"text": {}, "json": {json: true}} {
		b.Run(name, func(b *testing.B) {
			printer, err := eventPrinter(bufio.NewWriter(io.Discard), o, false)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				for _, e := range said[1:] {
					if err := printer.Write(e); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
