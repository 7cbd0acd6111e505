package proxy

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"xmppscope/tlsintercept"
)

// watch notices that a peer hangs up while nobody reads from it: a server between
// <proceed/> and the client's ClientHello, say, when it has nothing to say, so a read only
// ends if it goes. The first use of the connection ends the watch.
type watch struct {
	*leg
	once sync.Once
	done chan struct{}
	err  error
}

func newWatch(l *leg) *watch {
	w := &watch{leg: l, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		w.err = l.fill()
	}()
	return w
}

// wait returns why the server is gone, or nil if the watch was ended.
func (w *watch) wait() error {
	<-w.done
	if errors.Is(w.err, os.ErrDeadlineExceeded) || errors.Is(w.err, net.ErrClosed) {
		return nil
	}
	return w.err
}

// end stops the watch before the connection is used.
func (w *watch) end() {
	w.once.Do(func() {
		w.leg.SetReadDeadline(time.Unix(1, 0))
		<-w.done
		w.leg.SetReadDeadline(time.Time{})
	})
}

func (w *watch) Read(p []byte) (int, error) {
	w.end()
	return w.leg.Read(p)
}

func (w *watch) Write(p []byte) (int, error) {
	w.end()
	return w.leg.Write(p)
}

// watch begins one: when the peer of the leg hangs up, the relay is told, and then is called.
func (p *pump) watch(l *leg, then func()) *watch {
	w := newWatch(l)
	p.spawn(func() {
		if w.wait() != nil {
			p.handle(Ended{Dir: l.side.Dir()})
			then()
		}
	})
	return w
}

// watching notices that the client hangs up while the server's part of the handshake is
// waited for: nobody reads from the client then.
type watching struct {
	p    *pump
	leg  *leg
	gone context.CancelCauseFunc // ends the handshake
	now  *watch                  // nil: the client is read from, or not looked at
}

// waits takes what the handshakes wait for.
func (w *watching) waits(what tlsintercept.Wait) {
	w.end()
	if what == tlsintercept.WaitServer {
		w.now = w.p.watch(w.leg, func() { w.gone(tlsintercept.ErrClientLeft) })
	}
	w.p.handshaking(what)
}

func (w *watching) end() {
	if w.now != nil {
		w.now.end()
		w.now = nil
	}
}

// handshaking tells the relay what the handshakes wait for. Silence counts from then.
func (p *pump) handshaking(what tlsintercept.Wait) {
	p.heard.Store(int64(time.Since(p.begun)))
	p.handle(Handshaking{what})
}
