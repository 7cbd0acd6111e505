// Package dnsrelay passes DNS queries on as they are, and tells what was asked and
// answered: so it is known which name an address came from.
package dnsrelay

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// Exchange is a question, and what came of it.
type Exchange struct {
	Type    string         // of record: "A", "SRV"
	Name    string         // without the dot at the end
	Server  netip.AddrPort // who was asked
	Records []Record       // of the answer, with the aliases (CNAME) that lead there
	Code    string         // of an answer that is an error: "NXDOMAIN"; "" if it is none
	Err     error          // why there is no answer
	Took    time.Duration
	Ours    bool // we have answered in the server's place
}

// Record is one record of an answer.
type Record struct {
	Name   string // whose it is
	Type   string
	Addr   netip.Addr // A, AAAA
	Target string     // CNAME, SRV; "." is none
	Port   uint16     // SRV
	Text   string     // as a zone file has it: "10 0 5222 xmpp.example.net"
}

// Bounds.
const (
	patience    = 10 * time.Second // for an answer
	mostAtOnce  = 256              // queries under way
	maxMessage  = 64 << 10
	mostStreams = 64                     // connections under way of ServeStreams
	mostRecords = 100                    // that are told of an answer
	acceptPause = 100 * time.Millisecond // after accepting has failed
	idle        = 30 * time.Second       // that such a client may say nothing (RFC 7766 §6.2.3)
)

// Relay passes queries on.
type Relay struct {
	// Tell is told of each exchange, of queries that are understood; in any goroutine.
	Tell func(Exchange)
	// Server is who is asked; not valid: whoever the query was sent to.
	Server netip.AddrPort
	// Answer says what a question is answered with in the server's place, and whether it is:
	// a name that is ours has no other records than Answer gives. At is the address that the
	// query was sent to. nil: all are passed on.
	Answer func(q dns.Question, at netip.Addr) (records []dns.RR, ours bool)
}

// packetConn is the part of ipv4.PacketConn and ipv6.PacketConn that is needed.
type packetConn interface {
	read(b []byte) (n int, to netip.Addr, from net.Addr, err error)
	write(b []byte, from netip.Addr, to net.Addr) error
}

type conn4 struct{ *ipv4.PacketConn }

func (c conn4) read(b []byte) (int, netip.Addr, net.Addr, error) {
	n, cm, from, err := c.ReadFrom(b)
	var to netip.Addr
	if cm != nil {
		to, _ = netip.AddrFromSlice(cm.Dst)
	}
	return n, to.Unmap(), from, err
}

func (c conn4) write(b []byte, from netip.Addr, to net.Addr) error {
	_, err := c.WriteTo(b, &ipv4.ControlMessage{Src: from.AsSlice()}, to)
	return err
}

type conn6 struct{ *ipv6.PacketConn }

func (c conn6) read(b []byte) (int, netip.Addr, net.Addr, error) {
	n, cm, from, err := c.ReadFrom(b)
	var to netip.Addr
	if cm != nil {
		to, _ = netip.AddrFromSlice(cm.Dst)
	}
	return n, to, from, err
}

func (c conn6) write(b []byte, from netip.Addr, to net.Addr) error {
	_, err := c.WriteTo(b, &ipv6.ControlMessage{Src: from.AsSlice()}, to)
	return err
}

// Serve takes the queries that arrive at a socket, until that is closed. Answers come from
// the address that the query was sent to.
func (r *Relay) Serve(c *net.UDPConn) error {
	local := netip.MustParseAddrPort(c.LocalAddr().String())
	var pc packetConn
	if local.Addr().Unmap().Is4() {
		p := ipv4.NewPacketConn(c)
		if err := p.SetControlMessage(ipv4.FlagDst, true); err != nil {
			return err
		}
		pc = conn4{p}
	} else {
		p := ipv6.NewPacketConn(c)
		if err := p.SetControlMessage(ipv6.FlagDst, true); err != nil {
			return err
		}
		pc = conn6{p}
	}
	room := make([]byte, maxMessage)
	free := make(chan struct{}, mostAtOnce)
	for {
		n, to, from, err := pc.read(room)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil || n == 0 {
			continue // of a packet before: "nothing listens there"
		}
		select {
		case free <- struct{}{}:
		default:
			continue // who asks will ask again
		}
		query := append([]byte(nil), room[:n]...)
		go func() {
			defer func() { <-free }()
			if answer := r.ask(query, netip.AddrPortFrom(to, local.Port())); answer != nil {
				pc.write(answer, to, from)
			}
		}()
	}
}

// ask asks a server, and tells.
func (r *Relay) ask(query []byte, at netip.AddrPort) []byte {
	if answer := r.ours(query, at); answer != nil {
		return answer
	}
	server := at
	if r.Server.IsValid() {
		server = r.Server
	}
	begun := time.Now()
	answer, err := exchange(query, server)
	r.tell(query, answer, server, time.Since(begun), err)
	return answer
}

func exchange(query []byte, server netip.AddrPort) ([]byte, error) {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write(query); err != nil {
		return nil, err
	}
	room := make([]byte, maxMessage)
	for {
		n, err := c.Read(room)
		if err != nil {
			return nil, err
		}
		if n >= 2 && len(query) >= 2 && room[0] == query[0] && room[1] == query[1] {
			return room[:n], nil
		}
	}
}

// Carry carries queries over TCP (RFC 7766), between a client and the server it has
// connected to, until either ends.
func (r *Relay) Carry(ctx context.Context, client, server net.Conn) {
	at, _ := netip.ParseAddrPort(server.RemoteAddr().String())
	r.carry(ctx, client, server, at, 0)
}

// ServeStreams takes queries over TCP, for Server, until the listener is closed.
func (r *Relay) ServeStreams(l net.Listener) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	free := make(chan struct{}, mostStreams)
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // no descriptor is left, say
			<-time.After(acceptPause)
			continue
		}
		select {
		case free <- struct{}{}:
		default:
			c.Close()
			continue
		}
		go func() {
			defer func() { <-free }()
			at, _ := netip.ParseAddrPort(c.LocalAddr().String())
			server, err := net.DialTimeout("tcp", r.Server.String(), patience)
			if err != nil {
				c.Close()
				return
			}
			r.carry(ctx, c, server, at, idle)
		}()
	}
}

// carry carries queries. A client that says nothing for as long as idle is done with; 0: never.
func (r *Relay) carry(ctx context.Context, client, server net.Conn, at netip.AddrPort, idle time.Duration) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { client.Close(); server.Close() })
	defer stop()
	defer cancel()
	asks := at
	if r.Server.IsValid() {
		asks = r.Server
	}
	type asked struct {
		query []byte
		when  time.Time
	}
	pending := make(chan asked, mostAtOnce)
	go func() {
		defer cancel()
		for {
			if idle > 0 {
				client.SetDeadline(time.Now().Add(idle))
			}
			m, err := readMessage(client)
			if err != nil {
				return
			}
			if answer := r.ours(m, at); answer != nil {
				if writeMessage(client, answer) != nil {
					return
				}
				continue
			}
			select {
			case pending <- asked{m, time.Now()}:
			default:
			}
			if writeMessage(server, m) != nil {
				return
			}
		}
	}()
	waiting := map[uint16]asked{}
	for {
		m, err := readMessage(server)
		if err != nil {
			return
		}
		for more := true; more; {
			select {
			case a := <-pending:
				if len(waiting) == mostAtOnce { // they have got no answers
					clear(waiting)
				}
				waiting[id(a.query)] = a
			default:
				more = false
			}
		}
		if a, ok := waiting[id(m)]; ok {
			delete(waiting, id(m))
			r.tell(a.query, m, asks, time.Since(a.when), nil)
		}
		if writeMessage(client, m) != nil {
			return
		}
	}
}

func id(m []byte) uint16 {
	if len(m) < 2 {
		return 0
	}
	return binary.BigEndian.Uint16(m)
}

func readMessage(c net.Conn) ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return nil, err
	}
	m := make([]byte, binary.BigEndian.Uint16(head[:]))
	_, err := io.ReadFull(c, m)
	return m, err
}

func writeMessage(c net.Conn, m []byte) error {
	_, err := c.Write(append(binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(m)), uint16(len(m))), m...))
	return err
}

// ours answers a query in the server's place; nil if that is not for us.
func (r *Relay) ours(query []byte, at netip.AddrPort) []byte {
	if r.Answer == nil {
		return nil
	}
	q := new(dns.Msg)
	if q.Unpack(query) != nil || q.Response || len(q.Question) != 1 {
		return nil
	}
	records, ours := r.Answer(q.Question[0], at.Addr().Unmap())
	if !ours {
		return nil
	}
	m := new(dns.Msg).SetReply(q)
	m.RecursionAvailable, m.Answer = true, records
	answer, err := m.Pack()
	if err != nil {
		return nil
	}
	if r.Tell != nil {
		e := Exchange{Server: at, Ours: true}
		e.read(query, answer)
		r.Tell(e)
	}
	return answer
}

// tell tells of an exchange.
func (r *Relay) tell(query, answer []byte, server netip.AddrPort, took time.Duration, err error) {
	if r.Tell == nil {
		return
	}
	e := Exchange{Server: server, Took: took, Err: err}
	if e.read(query, answer) {
		r.Tell(e)
	}
}

// read reads the messages of an exchange. It says whether there is anything to tell.
func (e *Exchange) read(query, answer []byte) bool {
	var m dns.Msg
	if m.Unpack(query) != nil || len(m.Question) == 0 {
		return false
	}
	e.Name, e.Type = plain(m.Question[0].Name), dns.TypeToString[m.Question[0].Qtype]
	if answer == nil {
		return true
	}
	if err := m.Unpack(answer); err != nil {
		e.Err = errors.New("the answer is no message of DNS")
		return true
	}
	if m.Rcode != dns.RcodeSuccess {
		e.Code = dns.RcodeToString[m.Rcode]
	}
	for _, rr := range m.Answer[:min(len(m.Answer), mostRecords)] {
		e.Records = append(e.Records, record(rr))
	}
	return true
}

func record(rr dns.RR) Record {
	h := rr.Header()
	out := Record{Name: plain(h.Name), Type: dns.TypeToString[h.Rrtype], Text: plain(strings.TrimPrefix(rr.String(), h.String()))}
	switch b := rr.(type) {
	case *dns.A:
		out.Addr, _ = netip.AddrFromSlice(b.A.To4())
	case *dns.AAAA:
		out.Addr, _ = netip.AddrFromSlice(b.AAAA)
	case *dns.CNAME:
		out.Target = plain(b.Target)
	case *dns.SRV:
		out.Target, out.Port = plain(b.Target), b.Port
	}
	return out
}

// plain is a name without the dot at its end; that of the root stays.
func plain(name string) string {
	if name == "." {
		return name
	}
	return strings.TrimSuffix(name, ".")
}
