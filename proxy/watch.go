package proxy

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"xmppscope/session"
	"xmppscope/tlsintercept"
)

// watch notices that a server hangs up while nobody reads from it: between
// <proceed/> and the client's ClientHello it has nothing to say, so a read only
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
		now := newWatch(w.leg)
		w.now = now
		w.p.tasks.Go(func() {
			if now.wait() != nil {
				w.p.handle(Ended{Dir: session.C2S})
				w.gone(tlsintercept.ErrClientLeft)
			}
		})
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
