package passive

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xmppscope/capture/packet"
	"xmppscope/decode"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// dump is a capture of a real client at a real server, and the secrets of its TLS.
type dump struct {
	capture []byte
	keys    string
}

// dumps are all in testdata, by name.
func dumps(t *testing.T) map[string]dump {
	t.Helper()
	files, err := filepath.Glob("testdata/*.pcap")
	if err != nil || len(files) == 0 {
		t.Fatalf("no captures: %v", err)
	}
	all := map[string]dump{}
	for _, file := range files {
		name := strings.TrimSuffix(file, ".pcap")
		capture, err1 := os.ReadFile(file)
		keys, err2 := os.ReadFile(name + ".keys")
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(name)] = dump{capture, string(keys)}
	}
	return all
}

// TestRealCaptures: dumps of real clients at real servers, with and without the
// secrets of their TLS connections.
func TestRealCaptures(t *testing.T) {
	for name, c := range dumps(t) {
		t.Run(name, func(t *testing.T) {
			var got strings.Builder
			for _, secrets := range []bool{true, false} {
				keys := ""
				if secrets {
					keys = c.keys
				}
				events, report := read(t, c.capture, keys)
				if report.Sessions != 1 || (report.Locked == 0) != secrets {
					t.Errorf("%+v", report)
				}
				fmt.Fprintf(&got, "secrets: %v\n", secrets)
				for i := range events {
					e := session.Blank(events[i])
					step := ""
					if e.Step != nil {
						step = e.Step.ID
					}
					fmt.Fprintln(&got, strings.Join(strings.Fields(fmt.Sprintf("%d %s %s %s %s", e.Seq, e.Dir, e.Kind(), step, session.SafeLine(e.Summary))), " "))
					if v, ok := e.Field(session.FieldVerdict); ok {
						fmt.Fprintln(&got, "  "+v)
					}
				}
			}
			xmpptest.Golden(t, filepath.Join("testdata", name+".txt"), got.String())
		})
	}
}

// TestConnections is what connections can hold, and what is seen of it.
func TestConnections(t *testing.T) {
	const opened = "1.1 tcp:opened 10.0.0.1:40000 > 10.0.0.2:%d joined=%v\n"
	begin := func(port int, joined bool) string { return fmt.Sprintf(opened, port, joined) }
	const hello = "1.2 c2s stream:opened " + header + "\n1.3 s2c stream:opened " + reply + "\n"
	streams := func(port uint16) *talk { return newTalk(40000, port, true).say(c2s, header).say(s2c, reply) }
	for _, c := range []struct {
		name   string
		talk   *talk
		want   string
		report Report
	}{
		{"any port", streams(80).say(c2s, "<presence/>").bye(),
			begin(80, false) + hello + "1.4 c2s stream:element <presence/>\n1.5 c2s tcp:half-closed\n1.6 s2c tcp:half-closed\n1.7 tcp:closed client\n",
			Report{Sessions: 1}},
		{"in pieces", newTalk(40000, 5222, true).say(c2s, "<").say(c2s, "?xm").say(c2s, "l version='1.0'?>\n<stre").say(c2s, "am:str").say(c2s, "eam>"),
			begin(5222, false) + "1.2 c2s stream:opened <?xml version='1.0'?> <stream:stream>\n", Report{Sessions: 1}},
		{"another prefix", newTalk(40000, 5222, true).say(c2s, "<s:stream xmlns:s='http://etherx.jabber.org/streams'>"),
			begin(5222, false) + "1.2 c2s stream:opened <s:stream xmlns:s='http://etherx.jabber.org/streams'>\n", Report{Sessions: 1}},
		{"a comment in front", newTalk(40000, 5222, true).say(c2s, "<!").say(c2s, "-- c").say(c2s, " --><?xml version='1.0'?><!-- d -->").say(c2s, header),
			begin(5222, false) + "1.2 c2s stream:raw <!-- c -->\n1.3 c2s stream:opened <?xml version='1.0'?><!-- d -->" + header + "\n", Report{Sessions: 1}},
		{"an element with a comment in front", newTalk(40000, 5222, true).say(c2s, " <!-- c --> <?d?><message to='b'/>"),
			begin(5222, false) + "1.2 c2s stream:raw <!-- c -->\n1.3 c2s stream:raw <?d?>\n1.4 c2s stream:element <message to='b'/>\n", Report{Sessions: 1}},
		{"other XML with a comment in front", newTalk(40000, 5222, true).say(c2s, "<!-- c --><methodCall>"), "", Report{Others: 1}},
		{"a comment without an end", newTalk(40000, 5222, true).say(c2s, "<!-- "+strings.Repeat("c", 5000)), "", Report{Others: 1}},
		{"other XML", newTalk(40000, 5222, true).say(c2s, "<?xml version='1.0'?><methodCall>"), "", Report{Others: 1}},
		{"HTTP", newTalk(40000, 5222, true).say(c2s, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").say(s2c, "HTTP/1.1 200 OK\r\n\r\n<message to='x'/>"), "", Report{Others: 1}},
		{"WebSocket of another protocol", newTalk(40000, 80, true).say(c2s, "GET / HTTP/1.1\r\nSec-Websocket-").say(c2s, "Protocol: mqtt\r\n\r\n"), "", Report{Others: 1}},
		{"a banner", newTalk(40000, 5222, true).say(s2c, "220 mail.example.net ESMTP\r\n"), "", Report{Others: 1}},
		{"nothing", newTalk(40000, 5222, true).bye(), "", Report{Others: 1}},
		{"reset by the server", streams(5222).flags(s2c, 4), begin(5222, false) + hello + "1.4 tcp:closed server connection reset\n", Report{Sessions: 1}},
		{"in the middle", newTalk(40000, 5222, false).say(s2c, "dy></message><message from='a'><body>hi</body></message><r xmlns='urn:xmpp:sm:3'/>").say(c2s, "<iq type='get' id='1'/> "),
			begin(5222, true) + "1.2 s2c stream:raw dy></message>\n1.3 s2c stream:element <message from='a'><body>hi</body></message>\n1.4 s2c stream:element <r xmlns='urn:xmpp:sm:3'/>\n" +
				"1.5 c2s stream:element <iq type='get' id='1'/>\n1.6 c2s stream:whitespace\n", Report{Sessions: 1}},
		{"in the middle, inside a forwarded stanza", newTalk(40000, 5222, false).say(s2c, "<message to='b'/></forwarded></result></message><presence from='c'/>"),
			begin(5222, true) + "1.2 s2c stream:element <message to='b'/>\n1.3 s2c stream:raw </forwarded>\n1.4 s2c stream:raw </result></message>\n1.5 s2c stream:element <presence from='c'/>\n", Report{Sessions: 1}},
		{"no SYN, and ports that tell nothing", newTalk(80, 40000, false).say(c2s, reply).say(s2c, header),
			"1.1 tcp:opened 10.0.0.2:40000 > 10.0.0.1:80 joined=true\n1.2 s2c stream:opened " + reply + "\n1.3 c2s stream:opened " + header + "\n", Report{Sessions: 1}},
		{"no SYN, and ports that mislead", newTalk(443, 40000, false).say(c2s, header).say(s2c, reply),
			"1.1 tcp:opened 10.0.0.1:443 > 10.0.0.2:40000 joined=true\n1.2 c2s stream:opened " + header + "\n1.3 s2c stream:opened " + reply + "\n", Report{Sessions: 1}},
		{"bytes are missing", streams(5222).say(s2c, "<message from='a'><bo").lose(s2c, 100).say(s2c, "st</body></message><iq type='result' id='2'/>"),
			begin(5222, false) + hello + "1.4 s2c stream:partial <message from='a'><bo\n1.5 s2c log:lost 100\n1.6 s2c stream:raw st</body></message>\n1.7 s2c stream:element <iq type='result' id='2'/>\n", Report{Sessions: 1}},
		{"TLS is refused", streams(5222).say(c2s, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>").say(s2c, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>").say(c2s, "</stream:stream>"),
			begin(5222, false) + hello + "1.4 c2s stream:element <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>\n1.5 s2c stream:element <failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>\n1.6 c2s stream:closed </stream:stream>\n", Report{Sessions: 1}},
		{"not well-formed", streams(5222).say(c2s, "<a></b>"), begin(5222, false) + hello +
			"1.4 c2s relay:opaque not well-formed: an end tag that does not match <a>\n1.5 c2s stream:raw <a></b\n1.6 c2s stream:raw >\n", Report{Sessions: 1}},
		{"compressed", streams(5222).say(c2s, "<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>").
			say(s2c, "<compressed xmlns='http://jabber.org/protocol/compress'/>").say(c2s, deflated(header)).say(s2c, deflated(reply)),
			begin(5222, false) + hello + "1.4 c2s stream:element <compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>\n" +
				"1.5 s2c stream:element <compressed xmlns='http://jabber.org/protocol/compress'/>\n1.6 c2s stream:opened " + header + "\n1.7 s2c stream:opened " + reply + "\n", Report{Sessions: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			events, report := read(t, pcap(c.talk), "")
			if d := cmp.Diff(c.want, told(events)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			report.Stats = packet.Stats{}
			if d := cmp.Diff(c.report, report); d != "" {
				t.Errorf("report (-want +got):\n%s", d)
			}
		})
	}
}

func deflated(text string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	w.Write([]byte(text))
	w.Flush()
	return b.String()
}

// TestOneWire: what is said of a capture of one wire speaks of no xmppscope in it.
func TestOneWire(t *testing.T) {
	for _, name := range []string{"slixmpp-ejabberd-tls12", "profanity-ejabberd"} {
		capture, err := os.ReadFile("testdata/" + name + ".pcap")
		if err != nil {
			t.Fatal(err)
		}
		keys, err := os.ReadFile("testdata/" + name + ".keys")
		if err != nil {
			t.Fatal(err)
		}
		events, _ := read(t, capture, string(keys))
		var o session.Overview
		for i := range events {
			e := &events[i]
			o.Apply(e)
			text := e.Summary
			for _, n := range e.Notes {
				text += "\n" + n.Text
			}
			for _, word := range []string{"xmppscope", "man in the middle", "WITHOUT TLS", "without TLS"} {
				if strings.Contains(text, word) {
					t.Errorf("%s: event %d speaks of %q: %s", name, e.Seq, word, text)
				}
			}
		}
		if o.State != session.LoggedIn || o.TLS[session.ClientLeg] == "" || o.Server == "" || !o.Captured || o.Domain != "lab.test" {
			t.Errorf("%s: %+v", name, o)
		}
	}
}

// TestCuts: events do not depend on how segments were cut, doubled and reordered.
func TestCuts(t *testing.T) {
	said := []struct {
		dir  session.Dir
		text string
	}{
		{c2s, "<?xml version='1.0'?>" + header}, {s2c, reply + "<stream:features/>"}, {c2s, "<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq> "},
		{s2c, "<iq type='result' id='1'/>" + strings.Repeat("<message from='a'><body>ü</body></message>", 30)}, {c2s, "</stream:stream>"}, {s2c, "</stream:stream>"},
	}
	whole := newTalk(40000, 5222, true)
	for _, s := range said {
		whole.say(s.dir, s.text)
	}
	events, _ := read(t, pcap(whole.bye()), "")
	want := told(events)
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		k := newTalk(40000, 5222, true)
		for _, s := range said {
			first := len(k.packets)
			for text := s.text; text != ""; {
				n := 1 + random.IntN(len(text))
				k.say(s.dir, text[:n])
				text = text[n:]
			}
			part := k.packets[first:]
			random.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
			k.packets = append(k.packets, part[random.IntN(len(part))])
		}
		events, _ := read(t, pcap(k.bye()), "")
		if d := cmp.Diff(want, told(events)); d != "" {
			t.Fatalf("(-want +got):\n%s", d)
		}
	}
}

// TestManySmallPackets: what cannot be told is given up after some chunks, however
// small they are.
func TestManySmallPackets(t *testing.T) {
	k := newTalk(40000, 1883, false)
	for range 4 * maxChunks {
		k.say(c2s, "\xc0\x00").say(s2c, "\xd0\x00")
	}
	if _, report := read(t, pcap(k), ""); report.Others != 1 || report.Sessions != 0 {
		t.Errorf("got %+v", report)
	}
}

// TestBackwards: of real captures in reverse order everything is the same.
func TestBackwards(t *testing.T) {
	for name, c := range dumps(t) {
		backwards := bytes.Clone(c.capture[:pcapHeader])
		packets := cut(c.capture)
		for i := len(packets) - 1; i >= 0; i-- {
			backwards = append(backwards, packets[i]...)
		}
		want, _ := read(t, c.capture, c.keys)
		got, report := read(t, backwards, c.keys)
		if d := cmp.Diff(want, got); d != "" || report.Late > 0 {
			t.Errorf("%s: %d packets late (-in order +backwards)\n%.1000s", name, report.Late, d)
		}
	}
}

func TestEmitCanStop(t *testing.T) {
	stop := errors.New("enough")
	calls := 0
	capture := pcap(newTalk(40000, 5222, true).say(c2s, header).say(s2c, reply).bye())
	_, err := Read(bytes.NewReader(capture), Options{Explain: explainers()}, func(session.Event, *decode.Session) error { calls++; return stop })
	if err != stop || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

func TestFindStart(t *testing.T) {
	for text, want := range map[string]int{
		"<presence/>": 0, "<presence>": 0, "x <message to='a'>": 2, "<message>": -1, "<messages to='a'/>": -1, "<iq  type='get'": 0,
		"</stream:stream>": 0, "<r/>": -1, "<r xmlns='urn:xmpp:sm:3'/>": 0, "<body><a xmlns=\"urn:xmpp:sm:2\" h='1'/>": 6, "<?xml version='1.0'?>": -1, "x<?xml version='1.0'?><stream:stream>": 1, "<?xml version='1.0'?><a/>": -1,
		"<auth mechanism='X'": -1, "<b><<iq id='1'/>": 4, "": -1, "<": -1, "<message data-to='a' xto='b'>": -1, "<db:result to='x'>": 0,
	} {
		if at, ok := decode.FindStart([]byte(text)); ok != (want >= 0) || ok && at != want {
			t.Errorf("%q: %d, %v, want %d", text, at, ok, want)
		}
	}
}

func FuzzPassive(f *testing.F) {
	f.Add(pcap(newTalk(40000, 5222, true).say(c2s, header).say(s2c, reply).say(c2s, "<presence/>").bye()))
	f.Add(pcap(newTalk(40000, 5222, false).say(s2c, "dy><message to='a'></b>").lose(s2c, 9).say(s2c, "<iq type='x'/>")))
	f.Add(pcap(newTalk(40000, 5222, true).say(c2s, header).say(c2s, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>\x16\x03\x01")))
	explain := explainers()
	f.Fuzz(func(t *testing.T, file []byte) {
		seq := map[int]uint64{}
		Read(bytes.NewReader(file), Options{Explain: explain}, func(e session.Event, by *decode.Session) error {
			e = by.Explain(e.Seen)
			if seq[e.Session]++; session.Numbered(e.Body) && e.Seq != seq[e.Session] {
				t.Errorf("event %d.%d comes as number %d", e.Session, e.Seq, seq[e.Session])
			}
			if _, err := session.EncodeJSON(e); err != nil {
				t.Error(err)
			}
			return nil
		})
	})
}

// TestSessionsTakeLittle: what a session needs is made when it is needed, and let go of
// when its connection is closed, whose last packets may still come.
func TestSessionsTakeLittle(t *testing.T) {
	const sessions = 1000
	for name, c := range map[string]struct {
		end  func(*talk) *talk
		last session.Body // event of each
		each uint64
	}{
		"open":   {func(k *talk) *talk { return k }, session.StreamOpened{}, 12 << 10},
		"closed": {(*talk).bye, session.TCPClosed{By: "client"}, 4 << 10},
	} {
		var talks []*talk
		for i := range sessions {
			talks = append(talks, c.end(newTalk(uint16(20000+i), 5222, true).say(c2s, header).say(s2c, reply)))
		}
		capture, explain := pcap(talks...), explainers()
		var before, after uint64
		_, err := Read(bytes.NewReader(capture), Options{Explain: explain}, func(e session.Event, by *decode.Session) error {
			by.Explain(e.Seen)
			switch {
			case e.Body != c.last:
			case e.Session == 1:
				before = held()
			case e.Session == sessions:
				after = held()
			}
			return nil
		})
		if err != nil || after <= before || after-before > sessions*c.each {
			t.Errorf("%s: %d bytes with one session, %d with %d; %v", name, before, after, sessions, err)
		}
		runtime.KeepAlive(capture)
	}
}

// held is how many bytes of memory are in use.
func held() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// hello is the beginning of a ClientHello without ALPN, as far as it matters here.
const hello = "\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03" + "0123456789abcdef0123456789abcdef" + "\x00\x00\x02\x00\x2f\x01\x00\x00\x00"

// TestTLSOnAPortForSTARTTLS: a client that begins TLS where the server expects XML is a
// session, whatever the port, and it is told what the server said.
func TestTLSOnAPortForSTARTTLS(t *testing.T) {
	const answer = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1' version='1.0'><stream:error><not-well-formed xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>"
	for port, says := range map[uint16]string{5222: answer, 7000: answer, 5223: ""} {
		k := newTalk(40000, port, true).say(c2s, hello)
		if says != "" {
			k.say(s2c, says)
		}
		k.flags(s2c, 0x11).flags(c2s, 0x11)
		events, report := read(t, pcap(k), "")
		reason := ""
		for _, e := range events {
			if f, ok := e.Body.(session.TLSFailed); ok {
				reason = f.Reason
			}
		}
		want := "XML in the clear"
		if says == "" {
			want = "hung up on the ClientHello"
		}
		if report.Sessions != 1 || !strings.Contains(reason, want) {
			t.Errorf("on port %d: %d sessions, failed with %q, want %q", port, report.Sessions, reason, want)
		}
	}
}
