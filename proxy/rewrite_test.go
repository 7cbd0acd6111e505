package proxy

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"xmppscope/session"
)

// TestRewriter: the line and the host of each request are the server's, however it comes; what
// is no head goes as it came.
func TestRewriter(t *testing.T) {
	target, err := ParseTarget("wss://chat.example/ws?a", "--upstream")
	if err != nil {
		t.Fatal(err)
	}
	const body = "GET /no HTTP/1.1\r\nHost: body\r\n\r\n"
	post := func(path, host string) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nAccept: */*\r\nhost: %s\r\nContent-Length: %d\r\n\r\n%s", path, host, len(body), body)
	}
	chunked := func(path, host string) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: %s\r\n\r\n5;x=y\r\n\n\r\nGE\r\n%X\r\n%s\r\n0\r\nTrailer: x\r\n\r\n", path, host, len(body), body)
	}
	upgrade := func(path, host string) string {
		return "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n" + body + "\x81\x00"
	}
	for name, c := range map[string][2]string{
		"several":   {post("/", "127.0.0.1:5222") + post("/b", "x") + upgrade("/c", "y"), post("/ws?a", "chat.example") + post("/ws?a", "chat.example") + upgrade("/ws?a", "chat.example")},
		"no HTTP":   {"\x16\x03\x01\r\n\r\n" + body, "\x16\x03\x01\r\n\r\n" + body},
		"chunked":   {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body, "POST /ws?a HTTP/1.1\r\nHost: chat.example\r\nTransfer-Encoding: chunked\r\n\r\n" + body},
		"in chunks": {chunked("/", "x") + post("/b", "y") + chunked("/c", "z"), chunked("/ws?a", "chat.example") + post("/ws?a", "chat.example") + chunked("/ws?a", "chat.example")},
		"too long":  {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcdefgh\r\n0\r\n\r\n" + post("/b", "y"), "POST /ws?a HTTP/1.1\r\nHost: chat.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcdefgh\r\n0\r\n\r\n" + post("/b", "y")},
		"no end":    {strings.Repeat("x", maxHeld+1), strings.Repeat("x", maxHeld+1)},
		"no head's": {"GET /", ""},
		"bare LF":   {"GET / HTTP/1.1\nHost: x\n\n", "GET / HTTP/1.1\nHost: x\n\n"},
		"lengths":   {"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n" + body, "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n" + body},
	} {
		for _, size := range []int{1, 7, len(c[0])} {
			if size == 1 && len(c[0]) > maxHeld {
				continue
			}
			r, got := newRewriter(&target), ""
			for p := c[0]; p != ""; {
				n := min(size, len(p))
				got += string(r.out([]byte(p[:n])))
				p = p[n:]
			}
			if got != c[1] {
				t.Errorf("%s, in pieces of %d:\n%q\nwant\n%q", name, size, got, c[1])
			}
		}
	}
	secret, _ := ParseTarget("wss://chat.example/ws?token=s3cr3t", "--upstream")
	if told := newRewriter(&secret).told().Body.(session.RelayBent); !strings.Contains(told.Reason, "/ws?… at") {
		t.Errorf("it is told that %s", told.Reason)
	}
	plain, _ := ParseTarget("ws://chat.example:5280", "--upstream")
	if newRewriter(&plain) != nil || newRewriter(nil) != nil {
		t.Error("requests are changed where no path is given")
	}
}

// TestUpstreamPath: requests on one connection, in the clear and with TLS to the server, ask
// for the path that was given, at the server's own name; the client's are kept as they were,
// and that they were changed is told once.
func TestUpstreamPath(t *testing.T) {
	b := webBench(t, "http")
	b.options.Resolver.Upstream.Path = "/there"
	b.start(t)
	go http.Serve(b.upstream, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		said, _ := io.ReadAll(q.Body)
		fmt.Fprintf(w, "%s %s %s", q.URL, q.Host, said)
	}))
	client := &http.Client{Transport: new(http.Transport)}
	for _, text := range []string{"one", "two"} {
		answer, err := client.Post("http://"+b.addr+"/here", "text/xml", struct{ io.Reader }{strings.NewReader(text)}) // in chunks
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if want := "/there " + b.upstream.Addr().String() + " " + text; string(got) != want {
			t.Errorf("the server was asked for %q, not %q", got, want)
		}
	}
	client.CloseIdleConnections()
	told, here := 0, 0
	for _, e := range b.events() {
		switch body := e.Body.(type) {
		case session.RelayBent:
			told++
		case session.HTTPRequest:
			if _, port, _ := net.SplitHostPort(b.addr); strings.HasPrefix(body.Target, "/here") && strings.Contains(body.Host, port) {
				here++
			}
		}
	}
	if told != 1 || here != 2 {
		t.Errorf("told %d times; %d requests are kept as they came", told, here)
	}
}
