package proxy

import (
	"context"
	"errors"
	"fmt"
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
	Tap  bool
	bosh *boshSessions // of the run
	// Spool keeps what is seen, of each session and, as session 0, of the run itself.
	Spool  *session.Spool
	Limits Limits
	// MaxSessions bounds the sessions under way at once, as the number of file
	// descriptors does; 0 is DefaultSessions.
	MaxSessions int
}

// Entrance is where clients come in, and what says where they are taken from there.
type Entrance struct {
	Listener net.Listener
	Resolver *Resolver
}

// Serve accepts connections and relays each, until ctx is done or the listener
// fails. It returns when the last session has ended.
func Serve(ctx context.Context, l net.Listener, o Options) error {
	return ServeAll(ctx, []Entrance{{l, o.Resolver}}, o)
}

// ServeAll is Serve at several entrances, whose resolvers stand in the place of o's. When
// one of the listeners fails, it ends for all.
func ServeAll(ctx context.Context, entrances []Entrance, o Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		for _, e := range entrances {
			e.Listener.Close()
		}
	})
	defer stop()
	run := o.Spool.Begin(0)
	run.Calm()
	var sessions sync.WaitGroup
	o.bosh = new(boshSessions)
	defer o.bosh.close()
	defer sessions.Wait()
	defer run.Close()
	o.Events.open(run)
	defer o.Events.open(nil)
	var begun atomic.Int64
	in := &entering{door: newDoor(o.MaxSessions, run.Event), sessions: &sessions, begin: func() *session.Trail { return o.Spool.Begin(int(begun.Add(1))) }}
	failed := make([]error, len(entrances))
	var open sync.WaitGroup
	for i, e := range entrances {
		o := o
		o.Resolver = e.Resolver
		open.Go(func() {
			if failed[i] = in.accept(ctx, e.Listener, &o); failed[i] != nil {
				failed[i] = fmt.Errorf("listening on %s: %w", e.Listener.Addr(), failed[i])
				cancel()
			}
		})
	}
	open.Wait()
	return errors.Join(failed...)
}

// entering is what all entrances share.
type entering struct {
	door     *door
	sessions *sync.WaitGroup
	begin    func() *session.Trail
}

// accept lets clients in at an entrance.
func (in *entering) accept(ctx context.Context, l net.Listener, o *Options) error {
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
		case ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			return nil
		case passing(err):
			in.door.failed(err)
			select {
			case <-time.After(acceptPause):
			case <-ctx.Done():
			}
			continue
		default:
			return err
		}
		if !in.door.enter() {
			conn.Close()
			continue
		}
		if o.Transit != nil {
			in.sessions.Go(func() {
				defer in.door.leave()
				o.Transit.take(ctx, o, conn, in.begin)
			})
			continue
		}
		trail := in.begin()
		in.sessions.Go(func() {
			defer trail.Close()
			defer in.door.leave()
			newPump(ctx, o, conn, trail).run()
		})
	}
}
