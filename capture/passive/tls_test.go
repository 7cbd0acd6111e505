package passive

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xmppscope/internal/demo"
	"xmppscope/session"
)

// tapped records what goes through one end of a connection.
type tapped struct {
	net.Conn
	mu *sync.Mutex
	k  *talk
}

func (c tapped) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > 0 {
		c.k.say(s2c, string(p[:n]))
	}
	return n, err
}

func (c tapped) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.k.say(c2s, string(p))
	c.mu.Unlock()
	return c.Conn.Write(p)
}

// line is what one side says.
type line struct {
	dir  session.Dir
	text string
}

var inside = []line{
	{c2s, "<?xml version='1.0'?>" + header}, {s2c, reply}, {s2c, "<stream:features/>"},
	{c2s, "<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>"}, {s2c, "<iq type='result' id='1'/>"},
	{c2s, "</stream:stream>"}, {s2c, "</stream:stream>"},
}

// encrypt says lines inside TLS on a connection, and returns the key log.
func encrypt(t *testing.T, k *talk, version uint16, alpn []string, lines []line) string {
	t.Helper()
	ca, err := demo.NewAuthority("CA of the passive tests")
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := ca.Issue("example.net")
	if err != nil {
		t.Fatal(err)
	}
	var keys bytes.Buffer
	near, far := net.Pipe()
	client := tls.Client(tapped{near, new(sync.Mutex), k}, &tls.Config{InsecureSkipVerify: true, ServerName: "example.net", NextProtos: alpn, KeyLogWriter: &keys, MinVersion: version, MaxVersion: version})
	server := tls.Server(far, &tls.Config{Certificates: []tls.Certificate{leaf}, NextProtos: alpn, SessionTicketsDisabled: true})
	done := make(chan error, 1)
	go func() { done <- server.Handshake() }()
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		from, to := client, server
		if l.dir == s2c {
			from, to = server, client
		}
		go func() { _, err := io.WriteString(from, l.text); done <- err }()
		if _, err := io.ReadFull(to, make([]byte, len(l.text))); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	near.Close()
	far.Close()
	k.bye()
	return keys.String()
}

func join(lines []line, dir session.Dir) (out string) {
	for _, l := range lines {
		if l.dir == dir {
			out += l.text
		}
	}
	return out
}

// plaintext is what the events of a direction hold from the TLS handshake on.
func plaintext(events []session.Event, dir session.Dir) (out string) {
	secured := false
	for _, e := range events {
		_, ok := e.Body.(session.TLSEstablished)
		if secured = secured || ok; secured && e.Dir == dir && session.IsPlaintext(e.Body) {
			out += string(e.Raw)
		}
	}
	return out
}

var starttls = []line{
	{c2s, header}, {s2c, reply}, {s2c, "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"},
	{c2s, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"}, {s2c, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"},
}

// TestTLS: STARTTLS and direct TLS, with the secrets in a key log and in the file,
// before the packets and behind them.
func TestTLS(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, direct := range []bool{false, true} {
			name := tls.VersionName(version)
			k := newTalk(40000, 443, true)
			if direct {
				name += " direct"
			} else {
				for _, l := range starttls {
					k.say(l.dir, l.text)
				}
			}
			keys := encrypt(t, k, version, nil, inside)
			t.Run(name, func(t *testing.T) {
				events, report := read(t, pcap(k), keys)
				if report.Sessions != 1 || report.Locked != 0 {
					t.Errorf("%+v", report)
				}
				for _, dir := range []session.Dir{c2s, s2c} {
					if d := cmp.Diff(join(inside, dir), plaintext(events, dir)); d != "" {
						t.Errorf("%v (-want +got):\n%s", dir, d)
					}
				}
				if opened := events[0].Body.(session.TCPOpened); opened.Direct != direct || !opened.Captured {
					t.Errorf("opened %+v", opened)
				}
				for _, behind := range []bool{false, true} {
					again, _ := read(t, pcapng(k, keys, behind), "")
					if d := cmp.Diff(told(events), told(again)); d != "" {
						t.Errorf("keys in the file, behind the packets: %v (-want +got):\n%s", behind, d)
					}
				}
			})
		}
	}
}

// pcapng is a file with the packets and their keys. The connection has no end in
// it: with that, secrets would come too late.
func pcapng(k *talk, keys string, behind bool) []byte {
	le := binary.LittleEndian
	var out []byte
	block := func(kind uint32, body []byte) {
		body = append(body, make([]byte, -len(body)&3)...)
		size := uint32(12 + len(body))
		out = le.AppendUint32(le.AppendUint32(out, kind), size)
		out = le.AppendUint32(append(out, body...), size)
	}
	secrets := func() {
		block(0x0A, append(le.AppendUint32(le.AppendUint32(nil, 0x544c534b), uint32(len(keys))), keys...))
	}
	block(0x0A0D0D0A, le.AppendUint64(le.AppendUint32(le.AppendUint32(nil, 0x1A2B3C4D), 1), 1<<64-1))
	block(1, le.AppendUint32(le.AppendUint32(nil, 101), 0))
	if !behind {
		secrets()
	}
	for i, p := range k.packets {
		if behind && i == len(k.packets)-2 {
			secrets()
		}
		stamp := uint64(start.UnixMicro()) + uint64(i)*1000
		body := le.AppendUint32(le.AppendUint32(le.AppendUint32(nil, 0), uint32(stamp>>32)), uint32(stamp))
		body = le.AppendUint32(le.AppendUint32(body, uint32(len(p))), uint32(len(p)))
		block(6, append(body, p...))
	}
	return out
}

// TestLocked: what is shown of TLS without its secrets depends on the ALPN and the
// port.
func TestLocked(t *testing.T) {
	for _, c := range []struct {
		name string
		port uint16
		alpn []string
		want string
	}{
		{"the port of XMPP", 5223, nil, "tcp:opened tls:established tls:locked tcp:half-closed tcp:half-closed tcp:closed"},
		{"another port, and the name of XMPP", 443, []string{"xmpp-client"}, "tcp:opened tls:established tls:locked tcp:half-closed tcp:half-closed tcp:closed"},
		{"another port", 443, nil, ""},
		{"another protocol", 443, []string{"h2"}, ""},
	} {
		k := newTalk(40000, c.port, true)
		encrypt(t, k, tls.VersionTLS13, c.alpn, inside)
		events, report := read(t, pcap(k), "")
		var kinds []string
		for _, e := range events {
			kinds = append(kinds, e.Kind())
		}
		if got := strings.Join(kinds, " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if shown := c.want != ""; (report.Locked == 1) != shown || (report.Others == 0) != shown {
			t.Errorf("%s: %+v", c.name, report)
		}
	}
}

// TestBare: TLS without its secrets, in which nothing was said, hides no login.
func TestBare(t *testing.T) {
	for lines, bare := range map[int]bool{0: true, len(inside): false} {
		k := newTalk(40000, 5223, true)
		encrypt(t, k, tls.VersionTLS13, nil, inside[:lines])
		events, _ := read(t, pcap(k), "")
		at := slices.IndexFunc(events, func(e session.Event) bool { _, ok := e.Body.(session.TLSLocked); return ok })
		if at < 0 || events[at].Body.(session.TLSLocked).Bare != bare {
			t.Errorf("%d lines inside: %+v", lines, told(events))
		}
	}
}

// TestOtherPlaintext: TLS that can be opened, and holds something else.
func TestOtherPlaintext(t *testing.T) {
	k := newTalk(40000, 5223, true)
	keys := encrypt(t, k, tls.VersionTLS13, nil, []line{{c2s, "GET / HTTP/1.1\r\n\r\n"}, {s2c, "HTTP/1.1 200 OK\r\n\r\n"}})
	if events, report := read(t, pcap(k), keys); len(events) > 0 || report.Others != 1 {
		t.Errorf("%+v\n%s", report, told(events))
	}
}

// TestLossInsideTLS: a record that the capture lacks costs what was in it, and what
// it was a part of.
func TestLossInsideTLS(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		k := newTalk(40000, 5222, true)
		lines := slices.Clone(inside[:5])
		for range 4 {
			lines = append(lines, line{s2c, "<message from='a' to='b'><body>" + strings.Repeat("x", 200) + "</body></message>"})
		}
		lines = append(lines, line{s2c, "<presence from='last'/>"})
		keys := encrypt(t, k, version, nil, lines)
		at := slices.IndexFunc(k.packets, func(p []byte) bool { return len(p) > 240 && len(p) < 330 && p[15] == 2 })
		if at < 0 {
			t.Fatal("no packet to lose")
		}
		k.packets = slices.Delete(k.packets, at, at+1)
		events, _ := read(t, pcap(k), keys)
		got := told(events)
		if strings.Count(got, "xxx</body></message>") != 3 || !strings.Contains(got, "log:lost") || !strings.Contains(got, "<presence from='last'/>") {
			t.Errorf("%s:\n%s", tls.VersionName(version), got)
		}
	}
}

// TestOwnPcap: the plaintext of a session that xmppscope has saved stands on two
// connections, and is one session.
func TestOwnPcap(t *testing.T) {
	first, second := newTalk(40000, 5222, true), newTalk(40001, 5222, true)
	for _, l := range starttls {
		first.say(l.dir, l.text)
	}
	ended := len(first.packets) - 1
	first.bye()
	for _, l := range inside {
		second.say(l.dir, l.text)
	}
	second.bye()
	capture := pcap(first, second)
	// The FINs of the first part have the time of <proceed/>.
	at := 24
	for i := 0; i < len(first.packets); i++ {
		if i > ended {
			binary.LittleEndian.PutUint32(capture[at+4:], uint32(ended)*1e6)
		}
		at += 16 + len(first.packets[i])
	}
	events, report := read(t, capture, "")
	if report.Sessions != 1 || strings.Count(told(events), "tcp:opened") != 1 || !strings.HasSuffix(told(events), "tcp:closed client\n") {
		t.Errorf("%+v\n%s", report, told(events))
	}
	if alone, report := read(t, capture[:24+sizeOf(first)], ""); report.Sessions != 1 || !strings.HasSuffix(told(alone), "tcp:closed client\n") {
		t.Errorf("without a sequel: %+v\n%s", report, told(alone))
	}
}

func sizeOf(k *talk) (n int) {
	for _, p := range k.packets {
		n += 16 + len(p)
	}
	return n
}

// TestLossBeforeTLS: the capture may begin with a loss, on what turns out to be TLS.
func TestLossBeforeTLS(t *testing.T) {
	record := "\x17\x03\x03\x00\x20" + strings.Repeat("x", 32)
	k := newTalk(40000, 5222, true).lose(c2s, 3000).say(c2s, record).bye()
	if _, report := read(t, pcap(k), ""); report.Connections != 1 {
		t.Errorf("got %+v", report)
	}
}

// TestOneDirection: a capture that has one direction alone tells of no failure, and
// says what it lacks.
func TestOneDirection(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, dir := range []session.Dir{c2s, s2c} {
			k := newTalk(40000, 5222, true)
			for _, l := range starttls {
				k.say(l.dir, l.text)
			}
			keylog := encrypt(t, k, version, nil, inside)
			k.packets = slices.DeleteFunc(k.packets, func(p []byte) bool {
				return (binary.BigEndian.Uint16(p[20:]) == 40000) != (dir == c2s)
			})
			events, report := read(t, pcap(k), keylog)
			text := told(events)
			if strings.Contains(text, "tls:failed") || !strings.Contains(text, "log:lost") {
				t.Errorf("TLS %x, only %v:\n%s", version, dir, text)
			}
			if report.Sessions != 1 || report.Locked != 1 || !strings.Contains(report.Hint, "both directions") {
				t.Errorf("TLS %x, only %v: %+v\n%s", version, dir, report, text)
			}
		}
	}
}
