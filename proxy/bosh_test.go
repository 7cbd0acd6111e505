package proxy

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"xmppscope/session"
)

const (
	boshAsks  = "<body xmlns='http://jabber.org/protocol/httpbind' rid='10' to='example.net' xmpp:version='1.0' xmlns:xmpp='urn:xmpp:xbosh'/>"
	boshMakes = "<body xmlns='http://jabber.org/protocol/httpbind' sid='s1' requests='2' inactivity='30' authid='a1'/>"
	boshBody  = "<body xmlns='http://jabber.org/protocol/httpbind' rid='%d' sid='%s'>%s</body>"
	boshEmpty = "<body xmlns='http://jabber.org/protocol/httpbind'/>"
)

func httpAsks(body string) string {
	return fmt.Sprintf("POST /http-bind HTTP/1.1\r\nHost: example.net\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

func httpAnswers(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// passes says something at one end, and expects it at the other.
func passes(t *testing.T, from, to net.Conn, text string) {
	t.Helper()
	mustWrite(t, from, text)
	mustRead(t, to, text)
}

// boshWords say events in a word: session, connection, what; those of HTTP are left out, and how
// connections end, which depends on how fast.
func boshWords(events []session.Seen) (out []string) {
	for _, e := range events {
		if strings.HasPrefix(e.Kind(), "http:") || strings.HasSuffix(e.Kind(), "closed") || e.Session == 0 {
			continue
		}
		word := fmt.Sprintf("%d.%d %s", e.Session, e.Conn, e.Kind())
		if e.Beside {
			word = "beside " + word
		}
		out = append(out, word)
	}
	return out
}

func checkWords(t *testing.T, events []session.Seen, want ...string) {
	t.Helper()
	if got := boshWords(events); !slices.Equal(got, want) {
		t.Errorf("told\n%s\nand not\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// checkEnds checks that the end of one connection is not the session's, and that of the last is:
// which that is, and how their legs' ends mingle, is for the goroutines that close them.
func checkEnds(t *testing.T, events []session.Seen) {
	t.Helper()
	var beside []bool
	for _, e := range events {
		if e.Kind() == "tcp:closed" {
			beside = append(beside, e.Beside)
		}
	}
	if len(beside) != 4 || !beside[0] || beside[3] {
		t.Errorf("ends that are beside the session: %v", beside)
	}
}

// leaves closes the client's end, and waits for that to come to the server.
func leaves(t *testing.T, client, server net.Conn) {
	t.Helper()
	client.Close()
	if n, err := io.Copy(io.Discard, server); n > 0 || err != nil {
		t.Errorf("%d bytes more, %v", n, err)
	}
	server.Close()
}

// TestBOSHIsOneSession: the connections of a session of BOSH are one session, whichever goes
// first; one that names another session is its own, and so is what is no HTTP at all.
func TestBOSHIsOneSession(t *testing.T) {
	b := webBench(t, "http")
	b.start(t)
	first, server := b.begins(t, httpAsks(boshAsks))
	passes(t, server, first, httpAnswers(boshMakes))

	second := b.dial(t)
	body := fmt.Sprintf(boshBody, 11, "s1", "<presence xmlns='jabber:client'/>")
	mustWrite(t, second, httpAsks(body))
	server2 := b.accept(t)
	mustRead(t, server2, httpAsks(body))
	passes(t, server2, second, httpAnswers(boshEmpty))

	other := b.dial(t)
	body = fmt.Sprintf(boshBody, 7, "s2", "")
	mustWrite(t, other, httpAsks(body))
	server3 := b.accept(t)
	mustRead(t, server3, httpAsks(body))

	leaves(t, first, server)
	passes(t, second, server2, httpAsks(fmt.Sprintf(boshBody, 12, "s1", "")))
	leaves(t, other, server3)
	leaves(t, second, server2)

	var mine, others []session.Seen
	for _, e := range b.events() {
		if e.Session == 1 {
			mine = append(mine, e)
		} else {
			others = append(others, e)
		}
	}
	checkWords(t, mine, "1.0 tcp:opened", "1.0 tcp:opened", "1.0 stream:opened", "1.0 stream:opened",
		"beside 1.2 tcp:opened", "beside 1.2 tcp:opened", "1.2 bosh:body", "1.2 stream:element", "1.2 bosh:body", "1.2 bosh:body")
	for i, e := range mine {
		if e.Seq != uint64(i+1) {
			t.Fatalf("event %d has number %d", i+1, e.Seq)
		}
	}
	checkEnds(t, mine)
	checkWords(t, others, "3.0 tcp:opened", "3.0 tcp:opened", "3.0 bosh:body")
}

// TestBOSHIsJoinedByItsOwn: who names the sid of others is told as one of them only where he comes
// from the same host or the server accepts him, and is connected to the same server.
func TestBOSHIsJoinedByItsOwn(t *testing.T) {
	elsewhere := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 7)}}
	at := func(b *bench, server boshName, from string) bool {
		s, wait := b.options.bosh.join(server, from, false, nil)
		return s != nil || wait
	}
	const refusal = "<body xmlns='http://jabber.org/protocol/httpbind' type='terminate' condition='item-not-found'/>"
	for name, c := range map[string]struct {
		dialer *net.Dialer
		answer string
		want   string
	}{
		"the same host, refused":      {new(net.Dialer), httpAnswers(refusal), "1.2"},
		"another host, accepted":      {elsewhere, httpAnswers(boshEmpty), "1.2"},
		"another host, refused":       {elsewhere, httpAnswers(refusal), "2.0"},
		"another host, not found":     {elsewhere, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "2.0"},
		"another host, not answered":  {elsewhere, "", "2.0"},
		"another host, something odd": {elsewhere, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "2.0"},
	} {
		t.Run(name, func(t *testing.T) {
			b := webBench(t, "http")
			b.start(t)
			first, server := b.begins(t, httpAsks(boshAsks))
			passes(t, server, first, httpAnswers(boshMakes))
			second, err := c.dialer.DialContext(t.Context(), "tcp", b.addr)
			if err != nil {
				t.Fatal(err)
			}
			ask := httpAsks(fmt.Sprintf(boshBody, 11, "s1", "<presence xmlns='jabber:client'/>"))
			mustWrite(t, deadline(t, second), ask)
			server2 := b.accept(t)
			mustRead(t, server2, ask)
			passes(t, server2, second, c.answer)
			leaves(t, second, server2)
			leaves(t, first, server)
			for _, e := range b.events() {
				if got := fmt.Sprintf("%d.%d", e.Session, e.Conn); e.Kind() == "stream:element" && got != c.want {
					t.Errorf("it is told as %s, want %s", got, c.want)
				}
			}
		})
	}
	b := &bench{options: Options{bosh: new(boshSessions)}}
	spool := session.NewSpool(session.SpoolOptions{})
	defer spool.Close()
	trail := spool.Begin(1)
	b.options.bosh.opened(boshName{"a.test:80", "s1"}, "127.0.0.1", trail, 0)
	if at(b, boshName{"b.test:80", "s1"}, "127.0.0.9") || !at(b, boshName{"a.test:80", "s1"}, "127.0.0.9") {
		t.Error("a sid is taken for that of another server, or not for its own")
	}
	b.options.bosh.opened(boshName{"b.test:80", "s1"}, "127.0.0.9", trail, 0)
	if !at(b, boshName{"a.test:80", "s1"}, "127.0.0.9") {
		t.Error("another server has taken the session away")
	}
	b.options.bosh.close()
}

// TestBOSHCountsAnew: where a server that was started anew gives out a sid once more, connections
// join the session that it means, and the one before ends with its own.
func TestBOSHCountsAnew(t *testing.T) {
	b := webBench(t, "http")
	b.start(t)
	var clients, servers []net.Conn
	for _, body := range []string{boshAsks, boshAsks, fmt.Sprintf(boshBody, 11, "s1", "<presence xmlns='jabber:client'/>")} {
		client, server := b.begins(t, httpAsks(body))
		if body == boshAsks {
			passes(t, server, client, httpAnswers(boshMakes))
		}
		clients, servers = append(clients, client), append(servers, server)
	}
	for i := range clients {
		leaves(t, clients[i], servers[i])
	}
	for _, e := range b.events() {
		if e.Kind() == "stream:element" && (e.Session != 2 || e.Conn != 2) {
			t.Errorf("what names the sid is told of session %d, connection %d", e.Session, e.Conn)
		}
	}
}

// TestBOSHStorm: connections that come and go at once, name sessions that there are and that
// there are not, and say half of it, lose nothing of each other, and leave nothing behind.
func TestBOSHStorm(t *testing.T) {
	b := webBench(t, "http")
	b.start(t)
	var all sync.WaitGroup
	const many = 60
	all.Go(func() {
		for range many {
			server := b.accept(t)
			all.Go(func() {
				defer server.Close()
				in := bufio.NewReader(server)
				for {
					req, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					body, _ := io.ReadAll(req.Body)
					answer := boshEmpty
					if string(body) == boshAsks {
						answer = boshMakes
					}
					io.WriteString(server, httpAnswers(answer))
				}
			})
		}
	})
	for i := range many {
		all.Go(func() {
			client := b.dial(t)
			defer client.Close()
			for n, text := range []string{boshAsks, fmt.Sprintf(boshBody, 11+i, "s1", fmt.Sprintf("<iq xmlns='jabber:client' id='%d'/>", i)), fmt.Sprintf(boshBody, 1, "s2", "")} {
				if n == 0 && i%5 != 0 {
					continue
				}
				text = httpAsks(text)
				if i%7 == 6 {
					text = text[:len(text)/2]
				}
				if _, err := io.WriteString(client, text); err != nil || i%3 == 2 || i%7 == 6 {
					return
				}
				if _, err := http.ReadResponse(bufio.NewReader(client), nil); err != nil {
					return
				}
			}
		})
	}
	all.Wait()
	told := map[string]int{}
	seqs := map[int]uint64{}
	for _, e := range b.events() {
		if e.Session > 0 && session.Numbered(e.Body) {
			if seqs[e.Session]++; e.Seq != seqs[e.Session] {
				t.Fatalf("session %d: event %d has number %d", e.Session, seqs[e.Session], e.Seq)
			}
		}
		if e.Kind() == "stream:element" {
			told[string(e.Raw)]++
		}
	}
	for i := range many {
		want := 1
		if i%7 == 6 || i%5 == 0 && i%3 == 2 {
			want = 0
		}
		if got := told[fmt.Sprintf("<iq xmlns='jabber:client' id='%d'/>", i)]; got != want {
			t.Errorf("element %d was told %d times, want %d", i, got, want)
		}
	}
}

// TestBOSHInTLS: so it is where each connection has its own handshake.
func TestBOSHInTLS(t *testing.T) {
	b := webBench(t, "tls")
	b.start(t)
	dial := func() (client, server net.Conn) {
		up := make(chan net.Conn)
		go func() {
			c, err := b.upstream.Accept()
			if err != nil {
				t.Error(err)
				close(up)
				return
			}
			up <- tls.Server(deadline(t, c), b.serverTLS(t))
		}()
		inside := tls.Client(b.dial(t), b.clientTLS())
		mustHandshake := make(chan error, 1)
		go func() { mustHandshake <- inside.HandshakeContext(t.Context()) }()
		server = <-up
		if err := server.(*tls.Conn).HandshakeContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-mustHandshake; err != nil {
			t.Fatal(err)
		}
		return inside, server
	}
	first, server := dial()
	passes(t, first, server, httpAsks(boshAsks))
	passes(t, server, first, httpAnswers(boshMakes))
	second, server2 := dial()
	passes(t, second, server2, httpAsks(fmt.Sprintf(boshBody, 11, "s1", "")))
	leaves(t, second, server2)
	leaves(t, first, server)
	tlsOf := map[string]int{}
	for _, w := range boshWords(b.events()) {
		tlsOf[w]++
	}
	for w, n := range map[string]int{"1.0 tls:established": 2, "beside 1.2 tls:established": 2, "1.2 bosh:body": 1} {
		if tlsOf[w] != n {
			t.Errorf("%q is told %d times, want %d", w, tlsOf[w], n)
		}
	}
	checkEnds(t, b.events())
}

// TestBOSHWithoutKeepAlive: a client that has a connection for each request has one session.
func TestBOSHWithoutKeepAlive(t *testing.T) {
	b := webBench(t, "http")
	b.start(t)
	for i := range 4 {
		body, answer := fmt.Sprintf(boshBody, 10+i, "s1", ""), boshEmpty
		if i == 0 {
			body, answer = boshAsks, boshMakes
		}
		client, server := b.begins(t, httpAsks(body))
		passes(t, server, client, httpAnswers(answer))
		leaves(t, client, server)
	}
	beside, end := 0, 0
	for _, e := range b.events() {
		switch {
		case e.Session > 1:
			t.Errorf("session %d: %s", e.Session, e.Kind())
		case e.Kind() != "tcp:closed":
		case e.Beside:
			beside++
		default:
			end++
		}
	}
	if beside+end != 8 || end == 0 || end > 2 {
		t.Errorf("%d legs were closed beside the session, and %d at its end", beside, end)
	}
}

// TestBOSHIsFree: what is no BOSH is not looked at for long; a connection of a session is looked
// at as long as it lasts, so that somebody may want to later.
func TestBOSHIsFree(t *testing.T) {
	for name, c := range map[string]struct {
		asks, answers string
		free          bool
	}{
		"asked":          {httpAsks(boshAsks), "", false},
		"made":           {httpAsks(boshAsks), httpAnswers(boshMakes), false},
		"refused":        {httpAsks(boshAsks), httpAnswers("<body xmlns='http://jabber.org/protocol/httpbind' type='terminate' condition='host-unknown'/>"), true},
		"joined":         {httpAsks(fmt.Sprintf(boshBody, 11, "s1", "")), "", false},
		"something else": {httpAsks("{}"), "", true},
		"many questions": {strings.Repeat("OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n", maxLooked+1), "", true},
		"one question":   {"OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n", false},
	} {
		r := NewRelay(true, Limits{})
		r.Handle(Data{session.C2S, []byte(c.asks)})
		r.Handle(Connected{})
		r.Handle(Data{session.S2C, []byte(c.answers)})
		if r.Free() != c.free {
			t.Errorf("%s: free is %v", name, r.Free())
		}
	}
	r := NewRelay(true, Limits{})
	r.Handle(Data{session.C2S, []byte(httpAsks("<body"))[:70]})
	r.Handle(Connected{})
	r.Handle(Waited{For: waitTime, Age: waitTime})
	if !r.Free() {
		t.Error("half a request is looked at for ever")
	}
}

// TestBOSHPipelined: several requests at once come whole, and in order.
func TestBOSHPipelined(t *testing.T) {
	b := webBench(t, "http")
	b.start(t)
	client := b.dial(t)
	go func() {
		text := httpAsks(boshAsks)
		for i := range 20 {
			text += httpAsks(fmt.Sprintf(boshBody, 11+i, "s1", ""))
		}
		io.WriteString(client, text)
	}()
	server := b.accept(t)
	in := bufio.NewReader(server)
	for i := range 21 {
		req, err := http.ReadRequest(in)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(req.Body)
		if want := fmt.Sprintf("rid='%d'", 10+i); !strings.Contains(string(body), want) {
			t.Fatalf("request %d is %s", i, body)
		}
		answer := boshEmpty
		if i == 0 {
			answer = boshMakes
		}
		passes(t, server, client, httpAnswers(answer))
	}
	leaves(t, client, server)
}
