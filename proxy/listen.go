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
	// Spool keeps what is seen.
	Spool  *session.Spool
	Limits Limits
}

// Serve accepts connections and relays each, until ctx is done or the listener
// fails. It returns when the last session has ended.
func Serve(ctx context.Context, l net.Listener, o Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	var sessions sync.WaitGroup
	defer sessions.Wait()
	for n := 1; ; n++ {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			if retry, ok := err.(interface{ Temporary() bool }); ok && retry.Temporary() {
				// Out of descriptors, or the client was gone already: others may come.
				select {
				case <-time.After(100 * time.Millisecond):
				case <-ctx.Done():
				}
				n--
				continue
			}
			cancel()
			return err
		}
		trail := o.Spool.Begin(n)
		sessions.Go(func() {
			defer trail.Close()
			newPump(ctx, &o, conn, trail).run()
		})
	}
}
