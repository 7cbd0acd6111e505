package proxy

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"xmppscope/internal/idn"
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
	// ProxyHeaders has those of the PROXY protocol taken off, with which a load balancer says
	// where a client is.
	ProxyHeaders bool
	// PassTLS are domains whose TLS is passed on as it is.
	PassTLS []idn.Domain
	// ClientTLS says what becomes of TLS between clients and us.
	ClientTLS ClientTLS
	// Untouched, if it is not nil, has TLS of clients left as it is.
	Untouched *Untouched
	// Events, if it is not nil, takes events of the run from others.
	Events *RunEvents
	// Transit, if it is not nil, has connections that were going elsewhere when they were
	// taken to us: to where they were going, if they are for XMPP, and past us if not.
	Transit *Transit
	// Gate makes what decides about the elements of a session once TLS is up; nil if
	// nothing does, and nil from it if nothing is to be decided in this session.
	Gate func(*tlsintercept.Secured) Gate
	// Control is the way back from others to the wire; nil is none.
	Control *Control
	// Tap records the bytes of both legs below TLS, and the keys: for captures.
	Tap bool
	// Spool keeps what is seen, of each session and, as session 0, of the run itself.
	Spool  *session.Spool
	Limits Limits
	// MaxSessions bounds the sessions under way at once, as the number of file
	// descriptors does; 0 is DefaultSessions.
	MaxSessions int
}

// Serve accepts connections and relays each, until ctx is done or the listener
// fails. It returns when the last session has ended.
func Serve(ctx context.Context, l net.Listener, o Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	run := o.Spool.Begin(0)
	run.Calm()
	door := newDoor(o.MaxSessions, run.Event)
	var sessions sync.WaitGroup
	defer sessions.Wait()
	defer run.Close()
	o.Events.open(run)
	defer o.Events.open(nil)
	var begun atomic.Int64
	begin := func() *session.Trail { return o.Spool.Begin(int(begun.Add(1))) }
	for {
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
		if o.Transit != nil {
			sessions.Go(func() {
				defer door.leave()
				o.Transit.take(ctx, &o, conn, begin)
			})
			continue
		}
		trail := begin()
		sessions.Go(func() {
			defer trail.Close()
			defer door.leave()
			newPump(ctx, &o, conn, trail).run()
		})
	}
}
