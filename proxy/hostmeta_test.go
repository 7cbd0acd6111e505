package proxy

import (
	"crypto/tls"
	"encoding/json"
	"encoding/xml"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"xmppscope/decode"
	"xmppscope/internal/idn"
	"xmppscope/session"
)

// webBench is a bench whose server was given as a URL.
func webBench(t *testing.T, scheme string) *bench {
	b := newUnstarted(t)
	target, err := ParseTarget(scheme+"://"+b.upstream.Addr().String(), "test")
	if err != nil {
		t.Fatal(err)
	}
	b.options.Resolver.Upstream = &target
	return b
}

// TestHostMeta: a web client that asks us is led back to us, in both forms, and pages of any
// origin may read it.
func TestHostMeta(t *testing.T) {
	for scheme, want := range map[string]decode.MetaLink{
		"ws":   {Rel: decode.RelWebSocket, Href: "ws://OUR/xmpp-websocket"},
		"wss":  {Rel: decode.RelWebSocket, Href: "ws://OUR/xmpp-websocket"},
		"http": {Rel: decode.RelBOSH, Href: "http://OUR/http-bind"},
	} {
		t.Run(scheme, func(t *testing.T) {
			b := webBench(t, scheme)
			b.start(t)
			want.Href = strings.ReplaceAll(want.Href, "OUR", b.addr)
			client := &http.Client{Transport: new(http.Transport)}
			get := func(method, name string) (*http.Response, []byte) {
				req, _ := http.NewRequestWithContext(t.Context(), method, "http://"+b.addr+"/.well-known/"+name, nil)
				answer, err := client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer answer.Body.Close()
				body, err := io.ReadAll(answer.Body)
				if err != nil || answer.Header.Get("Access-Control-Allow-Origin") != "*" {
					t.Errorf("%s %s: %v, %v", method, name, err, answer.Header)
				}
				return answer, body
			}
			var xrd struct {
				XMLName xml.Name          `xml:"http://docs.oasis-open.org/ns/xri/xrd-1.0 XRD"`
				Links   []decode.MetaLink `xml:"Link"`
			}
			if answer, body := get(http.MethodGet, "host-meta"); xml.Unmarshal(body, &xrd) != nil || len(xrd.Links) != 1 || xrd.Links[0] != want || answer.Header.Get("Content-Type") != "application/xrd+xml" {
				t.Errorf("%v, %s", answer.Header, body)
			}
			var jrd struct{ Links []decode.MetaLink }
			if answer, body := get(http.MethodGet, "host-meta.json"); json.Unmarshal(body, &jrd) != nil || len(jrd.Links) != 1 || jrd.Links[0] != want || answer.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%v, %s", answer.Header, body)
			}
			if answer, _ := get(http.MethodOptions, "host-meta.json"); answer.StatusCode != http.StatusNoContent || !strings.Contains(answer.Header.Get("Access-Control-Allow-Methods"), "GET") {
				t.Errorf("OPTIONS: %d %v", answer.StatusCode, answer.Header)
			}
			ours, asked := 0, 0
			for _, e := range b.events() {
				switch body := e.Body.(type) {
				case session.RelaySent:
					if e.Origin == session.OriginSelf && strings.Contains(body.Reason, want.Href) {
						ours++
					}
				case session.HTTPRequest:
					asked++
				case session.TCPOpened:
					if e.Leg == session.ServerLeg {
						t.Error("the server was asked")
					}
				}
			}
			if ours != 3 || asked != 3 {
				t.Errorf("%d requests are told, and %d answers of ours", asked, ours)
			}
		})
	}
}

// TestHostMetaInTLS: the same where the client has TLS, whose links are with TLS; and other
// requests pass as they came.
func TestHostMetaInTLS(t *testing.T) {
	for _, c := range []struct{ request, answer string }{
		{"GET /.well-known/host-meta.json HTTP/1.1\r\nHost: wire.example\r\n\r\n", ""},
		{"GET /.well-known/host-meta-of-others HTTP/1.1\r\nHost: wire.example\r\n\r\n", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"},
		{"GET /xmpp-websocket HTTP/1.1\r\nHost: wire.example\r\n\r\n", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"},
	} {
		b := webBench(t, "wss")
		b.domain = "127.0.0.1"
		b.start(t)
		served := make(chan string, 1)
		go func() {
			defer close(served)
			raw, err := b.upstream.Accept()
			if err != nil {
				return
			}
			defer raw.Close()
			server := tls.Server(raw, b.serverTLS(t))
			got := make([]byte, len(c.request))
			n, _ := io.ReadFull(server, got)
			served <- string(got[:n])
			io.WriteString(server, c.answer)
			io.Copy(io.Discard, server)
		}()
		client := tls.Client(b.dial(t), &tls.Config{RootCAs: b.ours, ServerName: "127.0.0.1", NextProtos: []string{"http/1.1"}})
		for _, part := range []string{c.request[:1], c.request[1:30], c.request[30:]} {
			if _, err := io.WriteString(client, part); err != nil {
				t.Fatal(err)
			}
		}
		if c.answer != "" {
			mustRead(t, client, c.answer)
			client.Close()
			if got := <-served; got != c.request {
				t.Errorf("the server got %q", got)
			}
			continue
		}
		said, err := io.ReadAll(client)
		if err != nil || !strings.Contains(string(said), `"href":"wss://`+b.addr+`/xmpp-websocket"`) {
			t.Errorf("%q, %v", said, err)
		}
		client.Close()
		if got := <-served; got != "" {
			t.Errorf("the server got %q", got)
		}
	}
}

// TestHostMetaPasses: where no server in HTTP is known the request passes as it came.
func TestHostMetaPasses(t *testing.T) {
	b := newBench(t, false, false)
	client := b.dial(t)
	request := "GET /.well-known/host-meta HTTP/1.1\r\nHost: " + b.addr + "\r\n\r\n"
	mustWrite(t, client, request)
	mustRead(t, b.accept(t), request)
	client.Close()
	b.events()
}

// TestHostMetaLinks: the name that the client has found us by is kept, and no other.
func TestHostMetaLinks(t *testing.T) {
	web := Target{Web: true}
	d, err := idn.Parse("web.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		r          *Resolver
		host, want string
	}{
		{&Resolver{Upstream: &web}, "web.example:5222", "wss://web.example:5222/xmpp-websocket"},
		{&Resolver{Upstream: &web}, "web.example", "wss://127.0.0.1:5222/xmpp-websocket"},
		{&Resolver{Upstream: &web}, "<>:5222", "wss://127.0.0.1:5222/xmpp-websocket"},
		{&Resolver{Overrides: map[idn.Domain]Target{d: web}}, "web.example:5222", "wss://web.example:5222/xmpp-websocket"},
		{&Resolver{Overrides: map[idn.Domain]Target{d: web}}, "other.example:5222", ""},
		{&Resolver{Overrides: map[idn.Domain]Target{d: {}}}, "web.example:5222", ""},
		{&Resolver{}, "web.example:5222", ""},
	} {
		got := ""
		for _, l := range c.r.metaLinks(c.host, true, net.JoinHostPort("127.0.0.1", "5222")) {
			got += l.Href
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.host, got, c.want)
		}
	}
}
