package proxy_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"xmppscope/certs"
	"xmppscope/proxy"
	"xmppscope/session"
	"xmppscope/tlsintercept"
)

// Each run of the test makes so many connections, each with a seed of its own; for a
// thousand:
//
//	XMPPSCOPE_CHAOS=1000 go test ./proxy -run Chaos -timeout 30m
const chaosByDefault = 60

// chaosLimit bounds everything that one connection does: what lasts longer hangs.
const chaosLimit = 20 * time.Second

// finish is how a connection ends.
type finish string

const (
	inOrder finish = "in order" // close_notify and FIN, after everything was sent
	reset   finish = "reset"    // RST
	cutOff  finish = "cut off"  // FIN without close_notify; in the clear that is in order
	gone    finish = "gone"     // closed, while the other side goes on sending
)

// opening is how the streams begin.
type opening string

const (
	inTheClear opening = "in the clear"
	startTLS   opening = "STARTTLS"
	pipelined  opening = "pipelined STARTTLS" // up to the ClientHello in one write: XEP-0305
	direct     opening = "direct TLS"
	webSocket  opening = "WebSocket"
)

// plan is one connection's fate.
type plan struct {
	opening   opening
	door      string    // what the client says to a proxy first, "" if it comes to the point
	version   [2]uint16 // the newest TLS that client and server know
	finish    finish
	who       int  // that does it, or that finishes first: client or server
	early     int  // it happens after so many steps of the opening; -1: when streams flow
	settled   bool // all that was sent has arrived before
	text      [2]string
	stops     [2]int // how much of it is sent
	halfClose bool   // the one that finishes last still sends after the other's end
	fuse      int    // how many bytes of the handshakes are written, if early falls there
	tap       bool   // the proxy records what is below TLS
	grain     [2]int // bytes in a segment that a side writes, at most
	seed      [2]uint64
}

const (
	client = 0
	server = 1
)

// sides are what messages call them.
var sides = [2]string{"client", "server"}

func newPlan(rnd *rand.Rand) plan {
	p := plan{
		opening: one(rnd, inTheClear, startTLS, startTLS, startTLS, pipelined, direct, direct),
		finish:  one(rnd, inOrder, inOrder, reset, cutOff, gone),
		version: [2]uint16{one[uint16](rnd, tls.VersionTLS12, tls.VersionTLS13), one[uint16](rnd, tls.VersionTLS12, tls.VersionTLS13)},
		who:     rnd.IntN(2), early: -1,
		settled: rnd.IntN(2) == 0, halfClose: rnd.IntN(2) == 0, fuse: rnd.IntN(2000), tap: rnd.IntN(2) == 0,
		grain: [2]int{one(rnd, 20, 300, 5000, 70000), one(rnd, 20, 300, 5000, 70000)},
		seed:  [2]uint64{rnd.Uint64(), rnd.Uint64()},
	}
	if p.finish == cutOff && (p.opening == inTheClear || p.opening == webSocket) {
		p.finish = inOrder
	}
	if (p.finish == reset || p.finish == gone) && rnd.IntN(2) == 0 {
		p.early = rnd.IntN(6)
	}
	if p.opening == inTheClear && p.seed[1]%2 == 0 {
		p.opening = webSocket
	}
	p.door = chaosDoors[p.seed[0]%uint64(len(chaosDoors))]
	for side := range p.text {
		p.text[side] = chaosText(rnd, side)
		if p.opening == webSocket && p.seed[side]%4 != 0 { // else it is no WebSocket at all
			p.text[side] = inFrames(rnd, side, p.text[side])
		}
		p.stops[side] = len(p.text[side])
	}
	if p.finish != inOrder {
		p.stops[p.who] = rnd.IntN(len(p.text[p.who]) + 1)
	}
	return p
}

func one[T any](rnd *rand.Rand, of ...T) T { return of[rnd.IntN(len(of))] }

// TestChaos sends streams through the proxy, cut anywhere, over clear text and TLS of
// any kind, and ends them in every way at any time. What arrives is what was sent, or
// its beginning; the end arrives as it was made; and nothing is left open.
func TestChaos(t *testing.T) {
	runs := chaosByDefault
	if s := os.Getenv("XMPPSCOPE_CHAOS"); s != "" {
		var err error
		if runs, err = strconv.Atoi(s); err != nil {
			t.Fatalf("XMPPSCOPE_CHAOS=%q: want a number", s)
		}
	}
	ours, err1 := certs.NewMemory()
	theirs, err2 := certs.NewMemory()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	before := openFiles()
	for seed := range uint64(runs) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			old := goleak.IgnoreCurrent()
			p := newPlan(rand.New(rand.NewPCG(seed, 5222)))
			began := time.Now()
			(&chaos{T: t, plan: p, ours: ours, theirs: theirs}).run()
			if t.Failed() {
				t.Logf("door %q; %s; TLS up to %x and %x; %s, by the %s; early %d, settled %v, half-close %v; %d and %d bytes; %v",
					p.door, p.opening, p.version[client], p.version[server], p.finish, sides[p.who], p.early, p.settled, p.halfClose,
					p.stops[client], p.stops[server], time.Since(began))
			}
			if err := goleak.Find(old); err != nil {
				t.Errorf("goroutines are left: %v", err)
			}
		})
	}
	if after := openFiles(); after > before {
		t.Errorf("%d descriptors are open, %d were before", after, before)
	}
}

// openFiles counts our descriptors where the system tells.
func openFiles() int {
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(all)
}

// chaos is one connection through a proxy of its own.
type chaos struct {
	*testing.T
	plan
	ours, theirs *certs.CA
	upstream     *net.TCPListener
	peers        [2]*peer
	over         chan struct{} // closed when the session has ended
}

// run starts the proxy, plays the plan and waits until the session has ended, which it
// does by itself, and then the proxy.
func (c *chaos) run() {
	c.upstream = c.listen()
	defer c.upstream.Close()
	front := c.listen()
	target, err := proxy.ParseTarget(c.upstream.Addr().String(), "test")
	if err != nil {
		c.Fatal(err)
	}
	c.over = make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	spool := session.NewSpool(session.SpoolOptions{})
	go func() {
		served <- proxy.Serve(ctx, front, proxy.Options{
			Resolver: &proxy.Resolver{Upstream: &target},
			TLS:      &tlsintercept.Config{CA: c.ours, Roots: c.theirs.Pool(), Timeout: chaosLimit},
			Tap:      c.tap,

			ProxyHeaders: true,
			Spool:        spool,
		})
		spool.End()
	}()
	taken := make(chan struct{})
	go func() {
		defer close(taken)
		for t := spool.Next(false); t != nil; t = spool.Next(false) {
			t.Take(func(session.Seen) {})
			if t.ID() > 0 && t.Over() {
				close(c.over)
			}
			spool.Put(t)
		}
	}()
	defer func() {
		for _, p := range c.peers {
			if p != nil {
				p.raw.Close()
			}
		}
		cancel()
		select {
		case err := <-served:
			if err != nil {
				c.Errorf("serve: %v", err)
			}
		case <-time.After(chaosLimit):
			c.Error("the proxy does not end")
		}
		<-taken
		spool.Close()
	}()
	c.play(front.Addr().String())
	c.awaitEnd()
}

// awaitEnd waits until the session has ended.
func (c *chaos) awaitEnd() {
	select {
	case <-c.over:
	case <-time.After(chaosLimit):
		c.Error("the session does not end")
	}
}

func (c *chaos) listen() *net.TCPListener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.Fatal(err)
	}
	l.(*net.TCPListener).SetDeadline(time.Now().Add(chaosLimit))
	return l.(*net.TCPListener)
}

// play opens the streams, and ends them as planned.
func (c *chaos) play(addr string) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		c.Fatal(err)
	}
	c.peers[client] = c.newPeer(client, conn)
	c.knock()
	steps := c.steps()
	if c.early >= 0 && c.early < len(steps) {
		steps = steps[:c.early]
	}
	for _, step := range steps {
		step()
	}
	secure := c.opening != inTheClear && c.opening != webSocket
	switch {
	case c.early >= 0 && secure && c.early >= len(c.steps()):
		c.breakHandshakes()
	case c.early >= 0:
		c.endEarly()
	default:
		if secure {
			c.handshakes()
		}
		c.flow()
	}
}

// endEarly ends one side in the middle of the opening: the other is told.
func (c *chaos) endEarly() {
	if c.peers[server] == nil { // it has not been reached
		c.peers[client].end(c.finish)
		return
	}
	c.peers[c.who].end(c.finish)
	err := c.told(1 - c.who)
	asked := c.opening == startTLS && c.early > 3 // TLS is about to begin
	if !asked && (err == nil) != (c.finish == gone) {
		c.Errorf("the %s sees the end as %v", sides[1-c.who], err)
	}
}

// told reads a side's connection to its end, and closes it.
func (c *chaos) told(side int) error {
	raw := c.peers[side].raw
	_, err := io.Copy(io.Discard, raw.TCPConn)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.Errorf("the %s is not told that the %s has ended", sides[side], sides[1-side])
	}
	raw.Close()
	return err
}
