package proxy

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"xmppscope/session"
	"xmppscope/tlsintercept"
)

// Options say how connections are relayed.
type Options struct {
	Resolver *Resolver
	TLS      *tlsintercept.Config
	// Domain is the JID domain of direct TLS clients that send no SNI; "" takes one
	// from the server's certificate.
	Domain string
	// Tap records the bytes of both legs below TLS, and the keys: for captures.
	Tap bool
	// Explain is run for each session in its own goroutine, and for session 0, which
	// is the run itself; it has to pull from the queue until that is empty and closed.
	Explain func(*session.Queue)
	// MaxSessions bounds the sessions under way at once, as the number of file
	// descriptors does; 0 is DefaultSessions.
	MaxSessions int
}

// Serve accepts connections and relays each, until ctx is done or the listener
// fails. It returns when the last session has ended and has been explained.
func Serve(ctx context.Context, l net.Listener, o Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	run := session.NewQueue(0)
	door := newDoor(o.MaxSessions, run.Push)
	var sessions sync.WaitGroup
	defer sessions.Wait()
	defer run.Close()
	sessions.Go(func() { o.Explain(run) })
	for n := 1; ; {
		conn, err := l.Accept()
		switch {
		case err == nil:
		case ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			return nil
		case passing(err):
			door.failed(err)
			select {
			case <-time.After(acceptPause):
			case <-ctx.Done():
			}
			continue
		default:
			cancel()
			return err
		}
		if !door.enter() {
			conn.Close()
			continue
		}
		queue := session.NewQueue(n)
		sessions.Go(func() { o.Explain(queue) })
		sessions.Go(func() {
			defer queue.Close()
			defer door.leave()
			newPump(ctx, &o, conn, queue).run()
		})
		n++
	}
}
