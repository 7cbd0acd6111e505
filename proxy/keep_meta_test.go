package proxy

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"xmppscope/session"
)

// TestKeepHostMeta: the links of a host-meta lead back here, to WebSocket and to BOSH, in both
// forms and however the answer comes; connections that follow are led to where they led, and who
// asks again is told the same.
func TestKeepHostMeta(t *testing.T) {
	const inXML = "<?xml version='1.0'?>\n<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'><Link rel='lrdd' href='https://x.test/'/><Link rel='urn:xmpp:alt-connections:websocket' href='ws://OTHER/ws?a=1&amp;b=2'/>" +
		"<Link href=\"http://OTHER/bosh\" rel='urn:xmpp:alt-connections:xbosh'/><Link rel='urn:xmpp:alt-connections:xbosh' href='http://third.test/b'/></XRD>"
	const inJSON = `{"links":[{"rel":"lrdd","href":"https://x.test/"},{"href":"ws:\/\/OTHER\/ws?a=1\u0026b=2","rel":"urn:xmpp:alt-connections:websocket"},{"rel":"urn:xmpp:alt-connections:xbosh","href":"http://OTHER/bosh"},{"rel":"urn:xmpp:alt-connections:xbosh","href":"http://third.test/b"}]}`
	for name, c := range map[string]struct{ document, body, as string }{
		"XML":            {"host-meta", inXML, "length"},
		"JSON":           {"host-meta.json", inJSON, "length"},
		"in chunks":      {"host-meta", inXML, "chunks"},
		"compressed":     {"host-meta.json", inJSON, "gzip"},
		"to the end":     {"host-meta.json", inJSON, "end"},
		"with a query":   {"host-meta.json?x", inJSON, "length"},
		"and one behind": {"host-meta", inXML, "behind"},
	} {
		t.Run(name, func(t *testing.T) {
			other, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			b := newUnstarted(t)
			b.keeps()
			b.start(t)
			ask := "GET /.well-known/" + c.document + " HTTP/1.1\r\nHost: a.test\r\n\r\n"
			client, server := b.begins(t, ask)
			body := strings.ReplaceAll(c.body, "OTHER", other.Addr().String())
			answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nEtag: x\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
			switch c.as {
			case "chunks":
				answer = fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", body[:5], len(body)-5, body[5:])
			case "gzip":
				var zipped bytes.Buffer
				z := gzip.NewWriter(&zipped)
				io.WriteString(z, body)
				z.Close()
				answer = fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", zipped.Len(), zipped.String())
			case "end":
				answer = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body
			case "behind":
				answer += "HTTP/1.1 204 No Content\r\n\r\n"
			}
			mustWrite(t, server, answer[:30])
			mustWrite(t, server, answer[30:])
			server.Close()
			all, _ := io.ReadAll(client)
			client.Close()
			got := string(all)
			for _, want := range []string{"ws://" + b.addr + "/ws?a=1", "http://" + b.addr + "/bosh", "https://x.test/", "http://third.test/b"} {
				if !strings.Contains(got, want) {
					t.Errorf("%q lacks %s", got, want)
				}
			}
			if strings.Contains(got, other.Addr().String()) || strings.Contains(got, "Etag") || strings.Contains(got, "204 No Content") != (c.as == "behind") {
				t.Errorf("the client is told %q", got)
			}

			b.isLed(t, other, wsAsk, strings.Replace(wsAsk, "a.example", other.Addr().String(), 1))
			bosh := "POST /bosh HTTP/1.1\r\nHost: HOST\r\nContent-Length: 0\r\n\r\n"
			b.isLed(t, other, strings.Replace(bosh, "HOST", b.addr, 1), strings.Replace(bosh, "HOST", other.Addr().String(), 1))
			again := b.dial(t)
			mustWrite(t, again, strings.Replace(ask, "a.test", b.addr, 1))
			if told := readTo(t, again, "xbosh"); !strings.Contains(told, "HTTP/1.1 200") || strings.Contains(told, other.Addr().String()) {
				t.Errorf("the second time it is told %q", told)
			}
			said := ""
			for _, e := range b.events() {
				if body, ok := e.Body.(session.RelayEdited); ok {
					said += body.Reason
				}
			}
			if strings.Count(said, "host-meta named ws://"+other.Addr().String()) != 1 || !strings.Contains(said, "past xmppscope by http://third.test/b") {
				t.Errorf("it is said that %q", said)
			}
		})
	}
}

// TestKeepHostMetaLeavesOthers: what leads nowhere, is none, or is too long, passes as it came.
func TestKeepHostMetaLeavesOthers(t *testing.T) {
	for name, answer := range map[string]string{
		"no links":  "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"links\":[]}",
		"not found": "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
		"no HTTP":   "SSH-2.0-x\r\n",
		"cut off":   "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"links",
		"too long":  "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + strings.Repeat(" ", 200000),
		"no scheme": "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n{\"links\":[{\"rel\":\"urn:xmpp:alt-connections:xbosh\",\"href\":\"ws://a.test/xxxx\"}]}",
	} {
		t.Run(name, func(t *testing.T) {
			b := newUnstarted(t)
			b.keeps()
			b.start(t)
			ask := "GET /.well-known/host-meta.json HTTP/1.1\r\nHost: a.test\r\n\r\n"
			client, server := b.begins(t, ask)
			go func() {
				io.WriteString(server, answer)
				server.Close()
			}()
			if got, _ := io.ReadAll(client); string(got) != answer {
				t.Errorf("the client is told %d bytes: %.200q", len(got), got)
			}
		})
	}
}

// TestKeepHostMetaInTLS: where the client has TLS its links have it too, and the server that they
// led to is asked for by its own name.
func TestKeepHostMetaInTLS(t *testing.T) {
	k := NewKeeper()
	const href = "wss://chat.test:443/ws"
	kept := k.meta(sender{server: "up.test:5281"}, "127.0.0.1:5222", true, true, []byte(`{"links":[{"rel":"urn:xmpp:alt-connections:websocket","href":"`+href+`"}]}`))
	if kept == nil || !strings.Contains(string(kept.body), `"wss://127.0.0.1:5222/ws"`) {
		t.Fatalf("%+v", kept)
	}
	r := &Resolver{Keep: k, Upstream: &Target{Host: "up.test", Port: 5281, Direct: true, Given: true}}
	led := k.first(Request{Direct: true}, []Target{*r.Upstream})
	if len(led) != 2 || led[0].Address() != "chat.test:443" || led[0].webHost() != "chat.test" || !led[0].Direct || led[1].webHost() != "" {
		t.Errorf("it is led to %+v", led)
	}
	if links := r.metaLinks("127.0.0.1:5222", false, "127.0.0.1:5222"); len(links) != 1 || links[0].Href != "ws://127.0.0.1:5222/ws" {
		t.Errorf("in the clear: %v", links)
	}
}
