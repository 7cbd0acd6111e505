package xmpptest

import (
	"context"
	"net"
	"sync"
	"testing"

	"xmppscope/session"
)

// Tap is a port on loopback that passes one connection on to a server, byte for
// byte.
type Tap struct {
	Addr string        // "127.0.0.1:PORT", where the client has to go
	Done chan struct{} // closed when the connection is over, or the test is
}

// StartTap opens a port that leads to the server at addr. It calls saw with what
// passes, before it goes on, one call at a time: with the bytes that a side has
// sent, which are good until saw returns, or with none when that side has
// finished.
func StartTap(t testing.TB, addr string, saw func(session.Dir, []byte)) *Tap {
	t.Helper()
	l, err := net.Listen("tcp", local(0))
	if err != nil {
		t.Fatal(err)
	}
	tap := &Tap{Addr: l.Addr().String(), Done: make(chan struct{})}
	closedWith(t.Context(), l)
	t.Cleanup(func() { <-tap.Done })
	go func() {
		defer close(tap.Done)
		client, err := l.Accept()
		if err != nil {
			return
		}
		defer client.Close()
		closedWith(t.Context(), client)
		server, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		defer server.Close()
		closedWith(t.Context(), server)
		tapped(client.(*net.TCPConn), server.(*net.TCPConn), saw)
	}()
	return tap
}

// closedWith closes a listener or a connection when the test ends.
func closedWith(ctx context.Context, c interface{ Close() error }) {
	context.AfterFunc(ctx, func() { c.Close() })
}

// tapped passes on what the two sides send until both have finished.
func tapped(client, server *net.TCPConn, saw func(session.Dir, []byte)) {
	var one sync.Mutex
	pass := func(dir session.Dir, from, to *net.TCPConn) {
		buf := make([]byte, 32<<10)
		for {
			n, err := from.Read(buf)
			one.Lock()
			saw(dir, buf[:n])
			one.Unlock()
			if err != nil {
				to.CloseWrite()
				return
			}
			to.Write(buf[:n]) // if that side is gone its own direction tells
		}
	}
	var both sync.WaitGroup
	both.Go(func() { pass(session.C2S, client, server) })
	both.Go(func() { pass(session.S2C, server, client) })
	both.Wait()
}
