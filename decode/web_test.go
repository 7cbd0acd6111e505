package decode_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xmppscope/decode"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// said is what one side says next.
type said struct {
	dir  session.Dir
	text string
}

// webPlayed cuts a conversation into events, fed in pieces of the size that size returns.
func webPlayed(t testing.TB, talk []said, size func() int) (told []string) {
	t.Helper()
	cutter := decode.NewCutter(func(e session.Seen) {
		told = append(told, fmt.Sprintf("%s %s %+v %q (%d)", e.Dir, e.Kind(), e.Body, e.Raw, e.Size))
	})
	for _, s := range talk {
		for rest := []byte(s.text); len(rest) > 0; {
			n := min(max(1, size()), len(rest))
			cutter.Take(session.Seen{Dir: s.dir, Body: session.StreamBytes{}, Raw: bytes.Clone(rest[:n])})
			rest = rest[n:]
		}
	}
	for _, dir := range []session.Dir{session.C2S, session.S2C} {
		cutter.Finish(dir)
	}
	for piece, ok := cutter.Rest(); ok; piece, ok = cutter.Rest() {
		piece.Events(func(e session.Seen) {
			told = append(told, fmt.Sprintf("%s %s %+v %q (%d)", e.Dir, e.Kind(), e.Body, e.Raw, e.Size))
		})
	}
	return told
}

const (
	wsAsk   = "GET /ws HTTP/1.1\r\nHost: example.net\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: xmpp\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
	wsAgree = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: xmpp\r\n"
	wsOpen  = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='example.net' version='1.0'/>"
	wsClose = "<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>"
)

func frame(dir session.Dir, first byte, payload string) string {
	return string(xmpptest.WebSocketFrame(dir, first, []byte(payload)))
}

// packer compresses messages (RFC 7692 §7.2.1).
type packer struct {
	out bytes.Buffer
	w   *flate.Writer
}

func (p *packer) pack(text string) string {
	if p.w == nil {
		p.w, _ = flate.NewWriter(&p.out, flate.BestCompression)
	}
	p.out.Reset()
	p.w.Write([]byte(text))
	p.w.Flush()
	return strings.TrimSuffix(p.out.String(), "\x00\x00\xff\xff")
}

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(text))
	w.Close()
	return b.String()
}

// TestWeb: what is told of HTTP, WebSocket and BOSH, and that it does not depend on how
// the bytes came.
func TestWeb(t *testing.T) {
	const c2s, s2c = session.C2S, session.S2C
	message := "<message xmlns='jabber:client'><body>" + strings.Repeat("again and ", 300) + "</body></message>"
	var up, down packer
	bosh := "<body xmlns='http://jabber.org/protocol/httpbind' sid='s1' authid='a1' xmlns:stream='http://etherx.jabber.org/streams'><stream:features/></body>"
	for name, c := range map[string]struct {
		talk []said
		want []string // parts of what is told, in order
	}{
		"messages, fragments and control frames": {
			[]said{{c2s, wsAsk}, {s2c, wsAgree + "\r\n"}, {c2s, frame(c2s, 0x81, wsOpen)}, {s2c, frame(s2c, 0x81, wsOpen) + frame(s2c, 0x89, "hi")},
				{c2s, frame(c2s, 0x8a, "hi") + frame(c2s, 0x01, "<presence xmlns='jab") + frame(c2s, 0x89, "") + frame(c2s, 0x80, "ber:client'/>") + frame(c2s, 0x81, wsClose) + frame(c2s, 0x88, "\x03\xe8bye")}},
			[]string{"http:request", "WebSocket:true", "http:response", "c2s stream:opened", "s2c stream:opened", "websocket:frame {Op:ping", "Op:pong", "Op:ping", "a message comes in 2 fragments",
				"c2s stream:element {} \"<presence xmlns='jabber:client'/>\"", "c2s stream:closed", "Op:close Code:1000 Reason:bye"},
		},
		"compressed, with what came before": {
			[]said{{c2s, wsAsk}, {s2c, wsAgree + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"}, {c2s, frame(c2s, 0xc1, up.pack(wsOpen)) + frame(c2s, 0xc1, up.pack(message)) + frame(c2s, 0x81, "<presence/>") + frame(c2s, 0xc1, up.pack(message))},
				{s2c, frame(s2c, 0x41, down.pack(message)[:20]) + frame(s2c, 0x80, down.pack("")[:0])}},
			[]string{"http:request", "http:response", "c2s stream:opened", "again and again", "c2s stream:element {} \"<presence/>\"", "again and again", "relay:opaque"},
		},
		"the client speaks ahead": {
			[]said{{c2s, wsAsk + frame(c2s, 0x81, wsOpen)}, {s2c, wsAgree + "\r\n" + frame(s2c, 0x81, wsOpen)}},
			[]string{"http:request", "http:response", "c2s stream:opened", "s2c stream:opened"},
		},
		"refused, and BOSH on the same connection": {
			[]said{{c2s, wsAsk}, {s2c, "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno!"}, {c2s, "POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<body\r\n2d;x=1\r\n xmlns='http://jabber.org/protocol/httpbind'/\r\n1\r\n>\r\n0\r\nA: b\r\n\r\n"},
				{s2c, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", len(zipped(bosh)), zipped(bosh))}},
			[]string{"WebSocket:true", "Status:404", "http:body", "no!", "Method:POST", "c2s stream:opened {} \"<body xmlns", "Status:200", "s2c stream:opened {} \"<body", "<stream:features/>"},
		},
		"frames that are wrong": {
			[]said{{c2s, wsAsk}, {s2c, wsAgree + "\r\n"}, {c2s, frame(s2c, 0x81, wsOpen)}, {s2c, frame(c2s, 0x81, wsOpen)}, {c2s, frame(c2s, 0x80, "x") + frame(c2s, 0x82, "<a/>") + frame(c2s, 0xb1, "<r/>") + frame(c2s, 0x81, "not XML") + frame(c2s, 0x81, "<b/>")}, {s2c, frame(s2c, 0x83, "")}},
			[]string{"frames are not masked", "c2s stream:opened", "frames are masked", "s2c stream:opened", "has not begun", "a binary message", "<a/>", "a bit is set", "<r/>", "ot XML", "<b/>", "opcode 3"},
		},
		"no HTTP after all": {[]said{{c2s, "GET lost\r\n\r\n"}, {s2c, "<stream:stream xmlns:stream='http://etherx.jabber.org/streams'>"}}, []string{"c2s relay:opaque", "c2s stream:raw", "s2c stream:opened"}},
		"almost HTTP":       {[]said{{c2s, "GE"}, {c2s, "E"}}, []string{"c2s relay:opaque", "c2s stream:raw"}},
		"until the end":     {[]said{{c2s, "GET / HTTP/1.0\r\n\r\n"}, {s2c, "HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<html>"}}, []string{"http:request", "http:response", "http:body {Type:text/html", "<html>"}},
	} {
		t.Run(name, func(t *testing.T) {
			whole := webPlayed(t, c.talk, func() int { return 1 << 20 })
			rest := strings.Join(whole, "\n")
			for _, w := range c.want {
				_, after, ok := strings.Cut(rest, w)
				if !ok {
					t.Fatalf("%q is not told, or not then, in\n%s", w, strings.Join(whole, "\n"))
				}
				rest = after
			}
			rnd := rand.New(rand.NewPCG(1, 2))
			for what, size := range map[string]func() int{"byte by byte": func() int { return 1 }, "at random": func() int { return rnd.IntN(40) }} {
				if d := cmp.Diff(whole, webPlayed(t, c.talk, size)); d != "" {
					t.Errorf("%s (-whole +cut):\n%s", what, d)
				}
			}
		})
	}
}

// FuzzWeb: whatever two sides say in HTTP, it is told the same however it came.
func FuzzWeb(f *testing.F) {
	const c2s, s2c = session.C2S, session.S2C
	f.Add([]byte(wsAsk+frame(c2s, 0x81, wsOpen)), []byte(wsAgree+"\r\n"+frame(s2c, 0x81, wsOpen)+frame(s2c, 0x88, "\x03\xe8")), uint8(7))
	f.Add([]byte(wsAsk+frame(c2s, 0xc1, new(packer).pack(wsOpen))), []byte(wsAgree+"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"), uint8(1))
	f.Add([]byte("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n<a/>GET / HTTP/1.1\r\nHost: a\r\n\r\n"), []byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n<a>\r\n0\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"), uint8(2))
	f.Add([]byte("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n<body xmlns='http://jabber.org/protocol/httpbind'/>"), []byte("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 No\r\n\r\nrest"), uint8(3))
	f.Fuzz(func(t *testing.T, up, down []byte, size uint8) {
		if len(up)+len(down) > 32<<10 {
			return
		}
		talk := []said{{c2s, string(up)}, {s2c, string(down)}}
		whole := webPlayed(t, talk, func() int { return 1 << 20 })
		if d := cmp.Diff(whole, webPlayed(t, talk, func() int { return int(size) + 1 })); d != "" {
			t.Errorf("in pieces of %d (-whole +cut):\n%s", size+1, d)
		}
	})
}
