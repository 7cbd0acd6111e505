package replay_test

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"xmppscope/decode"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// framedClear is clear in WebSocket.
var framedClear = func() string {
	var b strings.Builder
	b.WriteString("*: C http GET /xmpp-websocket?a=b HTTP/1.1|Host: x.test|Connection: Upgrade|Upgrade: websocket|Sec-WebSocket-Version: 13|Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==|Sec-WebSocket-Protocol: xmpp\n" +
		"*: S http HTTP/1.1 101 Switching Protocols|Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=|Sec-WebSocket-Protocol: xmpp\n")
	for line := range strings.Lines(clear) {
		line = strings.ReplaceAll(line, "<?xml version='1.0'?>", "")
		line = strings.ReplaceAll(line, " xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>", " xmlns='urn:ietf:params:xml:ns:xmpp-framing' version='1.0'/>")
		line = strings.ReplaceAll(line, "<stream:stream ", "<open ")
		line = strings.ReplaceAll(line, "<stream:features>", "<stream:features xmlns:stream='http://etherx.jabber.org/streams'>")
		for _, stanza := range []string{"<iq ", "<message ", "<presence "} {
			line = strings.ReplaceAll(line, stanza, stanza+"xmlns='jabber:client' ")
		}
		b.WriteString("*: " + line[:1] + " ws " + line[3:])
	}
	return b.String()
}()

// TestFramings: what was said in a stream is said again in WebSocket, what was said in WebSocket in
// a stream, and in WebSocket; and nothing but the framing is told as another one.
func TestFramings(t *testing.T) {
	for name, c := range map[string]struct {
		client, server, url string
		departs             []string
	}{
		"WebSocket":                   {framedClear, framedClear, "ws://x.test/ws", nil},
		"WebSocket in TLS":            {framedClear, framedClear, "wss://x.test/ws", []string{"the client begins with TLS, where the recording has none"}},
		"a stream in WebSocket":       {clear, framedClear, "ws://x.test/ws", nil},
		"WebSocket as a stream":       {framedClear, clear, "", nil},
		"WebSocket, met by a stream":  {framedClear, clear, "ws://x.test/ws", []string{"the client speaks WebSocket, where the recording has a stream of TCP"}},
		"a stream, met by WebSocket":  {clear, framedClear, "", []string{"the client begins a stream of TCP, where the recording has WebSocket"}},
		"STARTTLS in WebSocket's TLS": {xmpptest.Recording(t, "slixmpp-prosody"), xmpptest.Recording(t, "slixmpp-prosody"), "wss://lab.test/ws", []string{"the client speaks WebSocket, where the recording has a stream of TCP"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, server := scoreOf(t, c.client), scoreOf(t, c.server)
			for _, s := range []interface{ Ready() error }{client, server} {
				if err := s.Ready(); err != nil {
					t.Fatal(err)
				}
			}
			serverTLS, clientTLS := identity(t, client.Domain)
			a, b := xmpptest.Loopback(t)
			var departed told
			done := make(chan error, 1)
			go func() { done <- server.Server(t.Context(), b, options("sesame", serverTLS, &departed)) }()
			o := options("sesame", clientTLS, &departed)
			o.WebSocket, o.InClear = c.url, true
			w := &wired{Conn: a}
			if err := client.Client(t.Context(), w, o); err != nil {
				t.Errorf("the client: %v", err)
			}
			if err := <-done; err != nil {
				t.Errorf("the server: %v", err)
			}
			var want []string
			for _, d := range c.departs {
				want = append(want, "departs from the recording: "+d)
			}
			if !slices.Equal(departed.list, want) {
				t.Errorf("told:\n%s", strings.Join(departed.list, "\n"))
			}
			if asked := strings.HasPrefix(string(w.sent), "GET /ws HTTP/1.1\r\n"); strings.HasPrefix(c.url, "ws:") != asked {
				t.Errorf("it began with %.40q", w.sent)
			}
		})
	}
	if s := scoreOf(t, framedClear); !s.WebSocket || s.Path != "/xmpp-websocket?a=b" {
		t.Errorf("WebSocket %v at %q", s.WebSocket, s.Path)
	}
}

// TestNotInWebSocket: what WebSocket cannot carry is refused before it is said, and so is BOSH.
func TestNotInWebSocket(t *testing.T) {
	compressed := strings.Replace(clear, "C: <enable xmlns", "C: <compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>\nS: <compressed xmlns='http://jabber.org/protocol/compress'/>\nC: <enable xmlns", 1)
	compressed = compressed[:strings.Index(compressed, "C: <enable xmlns")]
	s := scoreOf(t, compressed)
	if err := s.Ready(); err != nil {
		t.Fatal(err)
	}
	a, b := xmpptest.Loopback(t)
	go scoreOf(t, framedClear).Server(t.Context(), b, options("sesame", nil, &told{}))
	o := options("sesame", nil, &told{})
	o.WebSocket = "ws://x.test/ws"
	if err := s.Client(t.Context(), a, o); err == nil || !strings.Contains(err.Error(), "XEP-0138") {
		t.Errorf("compressed: %v", err)
	}
	bosh := scoreOf(t, "*: C body <body xmlns='http://jabber.org/protocol/httpbind' to='a' rid='1'/>\n*: S body <body xmlns='http://jabber.org/protocol/httpbind' sid='a'/>\n")
	if err := bosh.Ready(); err == nil || !strings.Contains(err.Error(), "runs over BOSH") {
		t.Errorf("BOSH: %v", err)
	}
}

// TestHostileServers: whatever a server says in WebSocket, or in its place, the client's part ends
// and tells why.
func TestHostileServers(t *testing.T) {
	const open = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' from='x.test' id='1' version='1.0'/>"
	text := func(messages ...string) (frames string) {
		for _, m := range messages {
			frames += string(xmpptest.WebSocketFrame(session.S2C, 0x81, []byte(m)))
		}
		return frames
	}
	for name, c := range map[string]struct{ head, then, want string }{
		"not found":       {"HTTP/1.1 404 Not\x1b[2J Found\r\nContent-Length: 0\r\n\r\n", "", "the server answers 404 Not"},
		"elsewhere":       {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "", "the server answers 302 Found"},
		"no HTTP":         {"SSH-2.0-x\r\n\r\n", "", "does not switch to WebSocket"},
		"another key":     {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n", "", "does not switch to WebSocket"},
		"gone":            {"", string(xmpptest.WebSocketFrame(session.S2C, 0x88, []byte("\x03\xe8"))), "the server ends the connection"},
		"binary":          {"", string(xmpptest.WebSocketFrame(session.S2C, 0x82, []byte(open))), "a binary message"},
		"no XML":          {"", text("nothing"), "not well-formed"},
		"half an element": {"", text(open, "<iq><a>"), "not well-formed"},
		"a stream":        {"", text("<stream:stream xmlns:stream='http://etherx.jabber.org/streams'>"), "not well-formed"},
		"an end":          {"", text(open, "<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>"), "the server ends its stream"},
		"nothing at all":  {"", text("", " ", open+" "+"<message xmlns='jabber:client'/>"), "has not sent <features>"},
		"proceed":         {"", text(open, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"), "has not sent <features>"},
		"too much":        {"", text(strings.Repeat("x", decode.MaxFrame+1)), "a message of more than"},
		"no subprotocol":  {"", text(open), "does not agree to the subprotocol"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := scoreOf(t, framedClear)
			if err := s.Ready(); err != nil {
				t.Fatal(err)
			}
			a, b := xmpptest.Loopback(t)
			go hostile(b, c.head, c.then, true)
			var departed told
			o := options("sesame", nil, &departed)
			o.WebSocket, o.Wait = "ws://x.test/ws", 300*time.Millisecond
			if err := s.Client(t.Context(), a, o); err != nil {
				t.Fatal(err)
			}
			if all := strings.Join(departed.list, "\n"); !strings.Contains(all, c.want) || strings.Contains(all, "\x1b") {
				t.Errorf("told:\n%q", departed.list)
			}
		})
	}
}

// hostile answers a request for WebSocket with a head, or as it should where that is "", and goes
// on with some bytes. It stays until the other side goes, or goes first.
func hostile(c net.Conn, head, then string, stays bool) {
	req, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	if head == "" {
		sum := sha1.Sum([]byte(req.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		head = fmt.Sprintf("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
	}
	heard := make(chan struct{})
	go func() {
		io.Copy(io.Discard, c)
		close(heard)
	}()
	io.WriteString(c, head+then)
	if stays {
		<-heard
	}
	c.Close()
}

// TestHostileClients: whatever a client says in HTTP, the server's part ends and tells why.
func TestHostileClients(t *testing.T) {
	for name, c := range map[string]struct{ says, want, answer string }{
		"BOSH":    {"POST /http-bind HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "asks for no WebSocket", "HTTP/1.1 426 Upgrade Required\r\n"},
		"no HTTP": {"HELO\r\n\r\n", "cannot be read", ""},
		"no end":  {"GET / HTTP/1.1\r\n", "cannot be read", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := scoreOf(t, framedClear)
			if err := s.Ready(); err != nil {
				t.Fatal(err)
			}
			a, b := xmpptest.Loopback(t)
			io.WriteString(a, c.says)
			var departed told
			o := options("sesame", nil, &departed)
			o.Wait = 300 * time.Millisecond
			if err := s.Server(t.Context(), b, o); err != nil {
				t.Fatal(err)
			}
			got, _ := io.ReadAll(a)
			if len(departed.list) != 1 || !strings.Contains(departed.list[0], c.want) || !strings.HasPrefix(string(got), c.answer) {
				t.Errorf("told %q, and the client %q", departed.list, got)
			}
		})
	}
}
