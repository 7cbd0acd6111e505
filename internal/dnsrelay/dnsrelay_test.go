package dnsrelay

import (
	"bytes"
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"xmppscope/internal/xmpptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func query(t testing.TB, kind uint16, name string) []byte {
	t.Helper()
	return packed(t, new(dns.Msg).SetQuestion(name, kind))
}

func packed(t testing.TB, m *dns.Msg) []byte {
	t.Helper()
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// answer is the answer to a query, with records as a zone file has them.
func answer(t testing.TB, query []byte, code int, records ...string) []byte {
	t.Helper()
	q := new(dns.Msg)
	if err := q.Unpack(query); err != nil {
		t.Fatal(err)
	}
	m := new(dns.Msg).SetRcode(q, code)
	for _, text := range records {
		m.Answer = append(m.Answer, rr(t, text))
	}
	return packed(t, m)
}

func rr(t testing.TB, text string) dns.RR {
	t.Helper()
	r, err := dns.NewRR(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// server answers over UDP and TCP with what answers gives.
func server(t *testing.T, answers func([]byte) []byte) netip.AddrPort {
	t.Helper()
	udp, tcp := xmpptest.SamePort(t)
	t.Cleanup(func() { udp.Close(); tcp.Close() })
	go func() {
		room := make([]byte, 4096)
		for {
			n, from, err := udp.ReadFrom(room)
			if err != nil {
				return
			}
			udp.WriteTo(answers(room[:n]), from)
		}
	}()
	go func() {
		for {
			c, err := tcp.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for m, err := readMessage(c); err == nil; m, err = readMessage(c) {
					writeMessage(c, answers(m))
				}
			}()
		}
	}()
	return netip.MustParseAddrPort(udp.LocalAddr().String())
}

// relaying is a socket at which queries are passed on.
func relaying(t *testing.T, r *Relay) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		r.Serve(c)
		close(done)
	}()
	t.Cleanup(func() { c.Close(); <-done })
	return c
}

func ask(t *testing.T, c *net.UDPConn, q []byte) []byte {
	t.Helper()
	from, err := net.Dial("udp", c.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	from.Write(q)
	room := make([]byte, 4096)
	n, err := from.Read(room)
	if err != nil {
		t.Fatal(err)
	}
	return room[:n]
}

// TestRelay: what is answered comes through byte for byte, and is told.
func TestRelay(t *testing.T) {
	q := query(t, dns.TypeSRV, "_xmpp-client._tcp.Example.net.")
	want := answer(t, q, dns.RcodeSuccess, "_xmpp-client._tcp.Example.net. 60 IN SRV 5 0 5222 xmpp.example.net.", "_xmpp-client._tcp.Example.net. 60 IN SRV 5 0 0 .")
	told := make(chan Exchange, 4)
	at := server(t, func([]byte) []byte { return want })
	r := &Relay{Tell: func(e Exchange) { told <- e }, Server: at}
	if got := ask(t, relaying(t, r), q); !bytes.Equal(got, want) {
		t.Errorf("the answer is %x, not %x", got, want)
	}
	check := func(e Exchange) {
		t.Helper()
		if e.Type != "SRV" || e.Name != "_xmpp-client._tcp.Example.net" || e.Server != at || e.Code != "" || e.Err != nil {
			t.Errorf("told is %+v", e)
		}
		if len(e.Records) != 2 || e.Records[0].Text != "5 0 5222 xmpp.example.net" || e.Records[1].Target != "." {
			t.Errorf("told are %+v", e.Records)
		}
	}
	check(<-told)

	// Over TCP, two at a time.
	ours, theirs := net.Pipe()
	up, err := net.Dial("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		r.Carry(t.Context(), theirs, up)
		close(done)
	}()
	for range 2 {
		writeMessage(ours, q)
		if got, err := readMessage(ours); err != nil || !bytes.Equal(got, want) {
			t.Errorf("over TCP the answer is %x (%v)", got, err)
		}
		check(<-told)
	}
	ours.Close()
	<-done
}

// TestNoAnswer: errors of a server are told by their names.
func TestNoAnswer(t *testing.T) {
	told := make(chan Exchange, 1)
	r := &Relay{Tell: func(e Exchange) { told <- e }, Server: server(t, func(q []byte) []byte { return answer(t, q, dns.RcodeNameError) })}
	ask(t, relaying(t, r), query(t, dns.TypeA, "nowhere.example."))
	if e := <-told; e.Code != "NXDOMAIN" || len(e.Records) > 0 {
		t.Errorf("%+v", e)
	}
}

// TestOurs: chosen names are answered by us, all others by the server.
func TestOurs(t *testing.T) {
	told := make(chan Exchange, 4)
	r := &Relay{
		Tell:   func(e Exchange) { told <- e },
		Server: server(t, func(q []byte) []byte { return answer(t, q, dns.RcodeSuccess, "other.example. 60 IN A 192.0.2.1") }),
		Answer: func(q dns.Question, at netip.Addr) ([]dns.RR, bool) {
			if q.Name != "chosen.example." {
				return nil, false
			}
			if q.Qtype != dns.TypeA {
				return nil, true
			}
			return []dns.RR{rr(t, "chosen.example. 1 IN A "+at.String())}, true
		},
	}
	c := relaying(t, r)
	for _, tt := range []struct {
		kind uint16
		name string
		want []string
		ours bool
	}{
		{dns.TypeA, "chosen.example.", []string{"127.0.0.1"}, true},
		{dns.TypeAAAA, "chosen.example.", nil, true}, // nor does the server's own get through
		{dns.TypeA, "other.example.", []string{"192.0.2.1"}, false},
	} {
		ask(t, c, query(t, tt.kind, tt.name))
		e := <-told
		var got []string
		for _, r := range e.Records {
			got = append(got, r.Text)
		}
		if !slices.Equal(got, tt.want) || e.Ours != tt.ours {
			t.Errorf("%s %s: %v, ours %v", dns.TypeToString[tt.kind], tt.name, got, e.Ours)
		}
	}
}

// TestBook: an address leads back to the names and the records that led to it.
func TestBook(t *testing.T) {
	var b Book
	at := netip.MustParseAddr("192.0.2.7")
	b.Learn(&Exchange{Type: "SRV", Name: "_xmpps-client._tcp.Example.net", Records: []Record{{Type: "SRV", Target: "Host.example.net", Port: 443}, {Type: "SRV", Target: "."}}})
	b.Learn(&Exchange{Type: "A", Name: "host.example.net", Records: []Record{
		{Name: "host.example.net", Type: "CNAME", Target: "box.example.net"}, {Name: "box.example.net", Type: "A", Addr: at},
	}})
	if got := b.Names(at); !slices.Equal(got, []string{"host.example.net", "box.example.net"}) {
		t.Errorf("names are %v", got)
	}
	if got := b.Services(netip.AddrPortFrom(at, 443)); len(got) != 1 || got[0].Name != "_xmpps-client._tcp.example.net" {
		t.Errorf("services are %v", got)
	}
	if got := b.Services(netip.AddrPortFrom(at, 5222)); len(got) != 0 {
		t.Errorf("services of another port are %v", got)
	}
}

// FuzzExchange: whatever a server answers, it is told of and no more.
func FuzzExchange(f *testing.F) {
	q := query(f, dns.TypeSRV, "_xmpp-client._tcp.example.net.")
	f.Add(q, answer(f, q, dns.RcodeSuccess, "_xmpp-client._tcp.example.net. 60 IN SRV 5 0 5222 xmpp.example.net."))
	f.Add(q, []byte{})
	f.Fuzz(func(t *testing.T, query, answer []byte) {
		var e Exchange
		if !e.read(query, answer) && e.Name != "" {
			t.Errorf("%+v", e)
		}
		new(Book).Learn(&e)
	})
}

// TestManyRecords: an answer whose compressed names unfold to many times its size is told of
// by its first records, and passed on as it is.
func TestManyRecords(t *testing.T) {
	q := query(t, dns.TypeA, "a.example.")
	m := new(dns.Msg)
	if err := m.Unpack(q); err != nil {
		t.Fatal(err)
	}
	m.SetReply(m.Copy())
	m.Compress = true
	for range 2000 {
		m.Answer = append(m.Answer, rr(t, "a.example. 60 IN A 192.0.2.1"))
	}
	var e Exchange
	e.read(q, packed(t, m))
	if len(e.Records) == 0 || len(e.Records) > mostRecords {
		t.Errorf("%d records are kept of one answer", len(e.Records))
	}
}

// TestManyStreams: clients that connect and say nothing do not use up the descriptors.
func TestManyStreams(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &Relay{Server: server(t, func(q []byte) []byte { return q })}
	done := make(chan struct{})
	go func() { defer close(done); r.ServeStreams(l) }()
	defer func() { l.Close(); <-done }()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	for range mostStreams { // each is under way when it has answered
		c := dial()
		writeMessage(c, query(t, dns.TypeA, "a.example."))
		if _, err := readMessage(c); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := dial().Read(make([]byte, 1)); err == nil {
		t.Errorf("one more is let in, and says %d bytes", n)
	}
}
