package xmpptest

import (
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// DNS is a name server on loopback for the length of a test, by UDP and TCP.
type DNS struct {
	Addr string // "127.0.0.1:PORT"

	mu      sync.Mutex
	records []dns.RR
	asked   []string
}

// StartDNS starts a name server with the records of a zone file, whose names are all
// absolute without a dot at the end:
//
//	_xmpp-client._tcp.example.test 300 IN SRV 10 0 5222 xmpp.example.test
//
// Of what is no record's name there is nothing (NXDOMAIN). A name below "broken.test" has no
// answer but SERVFAIL, one below "refused.test" REFUSED, one below "silent.test" none at all,
// and one below "long.test" comes whole by TCP alone.
func StartDNS(t testing.TB, zone string) *DNS {
	t.Helper()
	packets, streams := SamePort(t)
	return serveDNS(t, zone, packets, streams)
}

func serveDNS(t testing.TB, zone string, packets net.PacketConn, streams net.Listener) *DNS {
	t.Helper()
	d := new(DNS)
	d.Set(t, zone)
	d.Addr = packets.LocalAddr().String()
	for _, s := range []*dns.Server{{PacketConn: packets, Handler: d}, {Listener: streams, Handler: d}} {
		started, ended := make(chan struct{}), make(chan error, 1)
		s.NotifyStartedFunc = func() { close(started) }
		go func() { ended <- s.ActivateAndServe() }()
		<-started
		t.Cleanup(func() {
			s.Shutdown()
			<-ended
		})
	}
	return d
}

// SamePort listens on 127.0.0.1, on a port that is free for UDP and for TCP.
func SamePort(t testing.TB) (net.PacketConn, net.Listener) {
	t.Helper()
	for range 20 {
		packets, err := net.ListenPacket("udp", local(0))
		if err != nil {
			t.Fatal(err)
		}
		streams, err := net.Listen("tcp", packets.LocalAddr().String())
		if err == nil {
			return packets, streams
		}
		packets.Close()
	}
	t.Fatal("no port is free for UDP and TCP")
	return nil, nil
}

// Set replaces the zone.
func (d *DNS) Set(t testing.TB, zone string) {
	t.Helper()
	p := dns.NewZoneParser(strings.NewReader(zone), ".", "")
	var records []dns.RR
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		records = append(records, rr)
	}
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	d.records = records
	d.mu.Unlock()
}

// Asked is what was asked for, in order: "SRV _xmpp-client._tcp.example.test".
func (d *DNS) Asked() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.asked...)
}

// ServeDNS implements dns.Handler.
func (d *DNS) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := new(dns.Msg).SetReply(q)
	m.RecursionAvailable = true
	question := q.Question[0]
	d.asked = append(d.asked, dns.TypeToString[question.Qtype]+" "+strings.TrimSuffix(question.Name, "."))
	switch name := strings.ToLower(question.Name); {
	case strings.HasSuffix(name, ".silent.test."):
		return
	case strings.HasSuffix(name, ".broken.test."):
		m.Rcode = dns.RcodeServerFailure
	case strings.HasSuffix(name, ".refused.test."):
		m.Rcode = dns.RcodeRefused
	case strings.HasSuffix(name, ".long.test.") && w.LocalAddr().Network() == "udp":
		m.Truncated = true
	default:
		d.answer(m, name, question.Qtype)
	}
	w.WriteMsg(m)
}

// answer puts in what there is, aliases followed.
func (d *DNS) answer(m *dns.Msg, name string, kind uint16) {
	known := false
	for _, rr := range d.records {
		h := rr.Header()
		if !strings.EqualFold(h.Name, name) {
			continue
		}
		known = true
		alias, ok := rr.(*dns.CNAME)
		if ok && kind != dns.TypeCNAME && len(m.Answer) < 20 {
			m.Answer = append(m.Answer, rr)
			d.answer(m, strings.ToLower(alias.Target), kind)
			return
		}
		if h.Rrtype == kind {
			m.Answer = append(m.Answer, rr)
		}
	}
	if !known {
		m.Rcode = dns.RcodeNameError
	}
}
