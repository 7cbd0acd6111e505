package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
	"xmppscope/tlsintercept"
)

// Transit is for connections that were going elsewhere when the system took them to us.
// Each is connected to where it was going at once, and whoever speaks first decides: a
// client that opens a stream of XMPP, or begins TLS for it, makes a session; all else
// passes as it is, and is counted.
type Transit struct {
	// To is where a connection was going; an error where it was going to us.
	To func(net.Conn) (netip.AddrPort, error)
	// Direct has those that were going to us relayed as without a Transit; else they are
	// closed.
	Direct bool
	// Via says what is known of an address: the name of the host, and who named it; ""
	// where nothing is.
	Via func(at netip.AddrPort) (host, via string)
	// Ends says whether TLS to an address is for XMPP although the client does not say so
	// (ALPN), but names this server (SNI, which may be "").
	Ends func(at netip.AddrPort, sni string) bool
	// Aside takes a connection that is neither for XMPP nor any business of a relay, and
	// says whether it has. It closes both ends then.
	Aside func(ctx context.Context, at netip.AddrPort, client, server net.Conn) bool
	// Unreachable is told where nothing answers.
	Unreachable func(netip.AddrPort)

	passed, failed atomic.Int64
}

// Passed is how many connections have gone past us as they are, and how many of others
// than XMPP's have reached nobody.
func (t *Transit) Passed() (passed, failed int) { return int(t.passed.Load()), int(t.failed.Load()) }

// transitTime bounds how long connecting may take, as the client's own system would.
const transitTime = 2 * time.Minute

// take sees to a connection, until it is over.
func (t *Transit) take(ctx context.Context, o *Options, client net.Conn, begin func() *session.Trail) {
	at, err := t.To(client)
	if err != nil {
		if !t.Direct {
			client.Close()
			return
		}
		trail := begin()
		defer trail.Close()
		newPump(ctx, o, client, trail).run()
		return
	}
	dialer := net.Dialer{Timeout: transitTime}
	server, err := dialer.DialContext(ctx, "tcp", at.String())
	if err != nil {
		t.notReached(at, client, err, begin)
		return
	}
	defer server.Close()
	if t.Aside != nil && t.Aside(ctx, at, client, server) {
		return
	}
	stop := context.AfterFunc(ctx, func() { client.SetDeadline(time.Unix(1, 0)); server.SetDeadline(time.Unix(1, 0)) })
	early, xmpp := t.first(at, client, server)
	if !stop() { // the run is over, and so were the reads
		client.Close()
		return
	}
	if !xmpp {
		t.passed.Add(1)
		pass(ctx, client, server, early)
		return
	}
	trail := begin()
	defer trail.Close()
	own := *o
	own.Resolver = &Resolver{reached: &reached{conn: server, target: t.target(at)}}
	if c, ok := client.(*net.TCPConn); ok {
		client = arrived{c, net.TCPAddrFromAddrPort(at)}
	}
	p := newPump(ctx, &own, client, trail)
	p.legs[session.ClientLeg].heard(early)
	p.legs[session.ClientLeg].unread(early)
	p.run()
}

// target is an address as far as its name is known.
func (t *Transit) target(at netip.AddrPort) Target {
	target := Target{Host: at.Addr().String(), Port: int(at.Port()), Via: "the client, which connected there"}
	if t.Via != nil {
		if host, via := t.Via(at); host != "" {
			target.Host = host
			if via != "" {
				target.Via = via
			}
		}
	}
	return target
}

// notReached passes on that nothing answers, as a reset: the client is taken to be
// connected already. It is a session where the address is one of XMPP.
func (t *Transit) notReached(at netip.AddrPort, client net.Conn, err error, begin func() *session.Trail) {
	if t.Unreachable != nil {
		t.Unreachable(at)
	}
	if c, ok := client.(*net.TCPConn); ok {
		c.SetLinger(0)
	}
	defer client.Close()
	target := t.target(at)
	if !strings.HasPrefix(target.Via, session.ViaSRV) && at.Port() != portClient && at.Port() != portDirect {
		t.failed.Add(1)
		return
	}
	reason, _ := explainDial(err)
	trail := begin()
	defer trail.Close()
	trail.Event(session.Seen{Leg: session.ClientLeg, Body: session.TCPOpened{Local: at.String(), Peer: client.RemoteAddr().String()}})
	trail.Event(session.Seen{Leg: session.ServerLeg, Body: session.TCPFailed{
		Target: target.Address(), Reason: reason, Hint: "check that the server runs, and what the domain's SRV records name",
	}})
	trail.Event(session.Seen{Leg: session.ClientLeg, Body: session.TCPClosed{By: ourselves, Reason: "reset, as nothing answers where the client has connected to"}})
}

// first waits for the first bytes of either side, and says whether they are for XMPP.
// Early is what the client has said; what the server has said has been passed on.
func (t *Transit) first(at netip.AddrPort, client, server net.Conn) (early []byte, xmpp bool) {
	spoken := make(chan bool, 1)
	go func() {
		var room [4 << 10]byte
		n, err := server.Read(room[:])
		if n > 0 {
			client.SetReadDeadline(time.Unix(1, 0))
			client.Write(room[:n])
		} else if !errors.Is(err, os.ErrDeadlineExceeded) {
			client.SetReadDeadline(time.Unix(1, 0)) // it has gone, and pass will find that again
		}
		spoken <- n > 0 || !errors.Is(err, os.ErrDeadlineExceeded)
	}()
	room := make([]byte, 4<<10) // most say no more, however long they last
	n, wait := 0, true
	for wait && n < maxHeld {
		if n == len(room) {
			room = append(room, make([]byte, n)...)
		}
		k, err := client.Read(room[n:])
		n += k
		if err != nil {
			break
		}
		xmpp, wait = t.looksLikeXMPP(at, room[:n])
	}
	server.SetReadDeadline(time.Unix(1, 0))
	if <-spoken { // nothing of XMPP begins so
		xmpp = false
	}
	client.SetReadDeadline(time.Time{})
	server.SetReadDeadline(time.Time{})
	return room[:n:n], xmpp
}

// looksLikeXMPP says whether p, a client's first bytes, are for XMPP. Where they are too
// few to tell, it says wait.
func (t *Transit) looksLikeXMPP(at netip.AddrPort, p []byte) (yes, wait bool) {
	switch tlsintercept.Sniff(p[0]) {
	case tlsintercept.TLS:
		hello, more := tlsintercept.ReadHello(p)
		if hello == nil {
			return false, more
		}
		return slices.ContainsFunc(hello.SupportedProtos, isALPN) || t.Ends != nil && t.Ends(at, hello.ServerName), false
	case tlsintercept.XML:
		switch decode.SniffHeader(p) {
		case decode.IsHeader:
			return true, false
		case decode.MayBeHeader:
			return false, true
		}
	}
	return false, false
}

// pass carries the bytes of a connection that is none of ours, as they are.
func pass(ctx context.Context, client, server net.Conn, early []byte) {
	stop := context.AfterFunc(ctx, func() { client.Close(); server.Close() })
	defer stop()
	defer client.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		carry(client, server)
	}()
	if _, err := server.Write(early); err == nil {
		carry(server, client)
	}
	<-done
}

// carry copies until from has finished sending, and passes that on as what it was.
func carry(to, from net.Conn) {
	if _, err := io.Copy(to, from); err == nil {
		closeWrite(to)
		return
	}
	for _, c := range []net.Conn{to, from} {
		if tcp, ok := c.(*net.TCPConn); ok {
			tcp.SetLinger(0)
		}
		c.Close()
	}
}

// arrived is a client's connection with the address that the client has connected to.
type arrived struct {
	*net.TCPConn
	local net.Addr
}

func (a arrived) LocalAddr() net.Addr { return a.local }

// reached is a server that is connected before anybody has asked for it.
type reached struct {
	conn   net.Conn
	target Target
}

func (r *reached) take(q Request, push func(session.Seen)) (net.Conn, Target, error) {
	t := r.target
	t.Direct = q.Direct
	push(session.Seen{Leg: session.ServerLeg, Body: session.TCPOpened{
		Local: r.conn.LocalAddr().String(), Peer: r.conn.RemoteAddr().String(),
		Target: t.Address(), Via: t.Via, Direct: t.Direct,
	}})
	return r.conn, t, nil
}

// RunEvents takes events of the run from whoever serves it otherwise, as long as it goes on.
type RunEvents struct {
	mu  sync.Mutex
	run *session.Trail // nil before and after
}

// open says where the events go; nil: nowhere.
func (r *RunEvents) open(run *session.Trail) {
	if r != nil {
		r.mu.Lock()
		r.run = run
		r.mu.Unlock()
	}
}

// Record records an event of the run.
func (r *RunEvents) Record(body session.Body) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.run != nil {
		r.run.Event(session.Seen{Body: body})
	}
}
