package session_test

import (
	"fmt"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// everyday is a stream after login, explained: stanzas of everyday kinds, no two alike.
func everyday(t testing.TB, n int) []session.Event {
	const header = "<stream:stream from='capulet.example' id='1' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>\n"
	var b strings.Builder
	b.WriteString("C: " + header + "S: " + header)
	for i := range n {
		switch i % 4 {
		case 0:
			fmt.Fprintf(&b, "S: <message from='romeo%d@montague.example/orchard' to='juliet@capulet.example/balcony' id='ktx72v%d' type='chat' xml:lang='en'><body>Art thou not Romeo, and a Montague? &lt;%d</body><active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/><origin-id xmlns='urn:xmpp:sid:0' id='de305d54-75b4-431b-adb2-%d'/></message>\n", i%50, i, i, i)
		case 1:
			fmt.Fprintf(&b, "S: <presence from='nurse%d@capulet.example/chamber' to='juliet@capulet.example/balcony'><show>away</show><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://client.example' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/></presence>\n", i%50)
		case 2:
			fmt.Fprintf(&b, "C: <iq id='7d756bddd%d' to='capulet.example' type='get'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>\n", i)
		case 3:
			fmt.Fprintf(&b, "S: <iq id='7d756bddd%d' to='alice@capulet.example/x' type='result' from='capulet.example'><query xmlns='http://jabber.org/protocol/disco#info'><identity category='server' type='im' name='Prosody'/><feature var='urn:xmpp:ping'/><feature var='jabber:iq:roster'/></query></iq>\n", i-1)
		}
	}
	return xmpptest.Play(t, b.String())
}

// TestLogKeepsTranscripts: every event of every transcript and recording comes back
// from the file as it was.
func TestLogKeepsTranscripts(t *testing.T) {
	files, err := filepath.Glob("../decode/*/testdata/*/*.txtar")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d transcripts, %v", len(files), err)
	}
	var dialogues []string
	for _, file := range files {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range ar.Files {
			if part.Name == "dialogue" {
				dialogues = append(dialogues, string(part.Data))
			}
		}
	}
	for _, name := range xmpptest.Recordings(t) {
		dialogues = append(dialogues, xmpptest.Recording(t, name))
	}
	l := session.NewLogOf(t, 1<<18)
	defer l.Close()
	var want []session.Event
	for _, dialogue := range dialogues {
		events := xmpptest.Play(t, dialogue)
		want = append(want, events...)
		l.AppendAll(events)
	}
	l.End()
	at := 0
	for at < len(want) {
		events, next := l.Read(at)
		for i := range events {
			if !reflect.DeepEqual(events[i], want[at+i]) {
				t.Fatalf("event %d:\n got %+v\nwant %+v", at+i, events[i], want[at+i])
			}
		}
		at = next
	}
	if at != l.Len() || l.InFile() < at*9/10 {
		t.Errorf("%d events of %d, %d of them from the file", at, l.Len(), l.InFile())
	}
}

// TestLogCost: what the window is said to take is about what it takes.
func TestLogCost(t *testing.T) {
	l := session.NewLogOf(t, 1<<30)
	defer l.Close()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	l.AppendAll(everyday(t, 4000))
	text := func() string { return strings.Repeat("x", 200) }
	for range 400 {
		l.Append(session.Event{Body: session.WirePacket{Remarks: session.Remarks{Comments: []string{text(), text(), text()}}}})
		l.Append(session.Event{Body: session.TLSFailed{TLSFacts: session.TLSFacts{
			Hello: &session.ClientHello{Suites: []string{text(), text()}}, Verdict: &session.Verification{Problem: text()},
			Chain: []session.Certificate{{Subject: text(), DNS: []string{text()}}, {Issuer: text()}}, Bindings: map[string]string{text(): text()},
		}}})
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	took, said := int(after.HeapAlloc)-int(before.HeapAlloc), l.Cost()
	if said < took*3/4 || said > took*5/4 {
		t.Errorf("%d events are said to take %d bytes, and take %d", l.Len(), said, took)
	}
}
