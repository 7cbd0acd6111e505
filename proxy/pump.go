package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"xmppscope/session"
	"xmppscope/tlsintercept"
)

const (
	readSize   = 32 << 10
	lingerTime = 2 * time.Second  // for the peer to take our last bytes
	waitTime   = 10 * time.Second // of silence before it is recorded
)

// pump carries out what a Relay decides for one connection. Its loop owns the
// relay; two readers make one Read for each grant, two writers one Write for each
// batch, so that neither direction ever waits for the other.
type pump struct {
	o       *Options
	relay   *Relay
	queue   *session.Queue
	ctx     context.Context
	cancel  context.CancelFunc
	events  chan any // what the goroutines report to the loop
	running int      // goroutines that will report once more

	conns   [3]net.Conn // by leg; as they are read and written now
	raws    [3]net.Conn // by leg; below TLS
	buffers [3][]byte   // by direction; lent to the relay from a read to the end of its write
	reading [3]bool     // by direction
	writing [3]bool     // by direction
	pending [3][][]byte // by direction, behind the write under way
	until   time.Time   // closing: nobody is waited for after this
	finish  [3]bool     // by direction: half-close after the last write
	broken  [3]bool     // by direction: writing failed

	quiesce bool
	closing bool
	closeBy string
	reason  string // why, if there is more to say
	secured *tlsintercept.Secured
	silent  [3]bool // by leg: no application data since TLS began
	heard   bool    // the server has said something
}

// Reports of the goroutines.
type (
	readDone struct {
		dir session.Dir
		p   []byte
		err error
	}
	writeDone struct {
		dir session.Dir
		err error
	}
	dialDone struct {
		raw, conn net.Conn // conn lies on raw: the same, or TLS; nil if it failed
	}
	serverGone struct{ err error } // while the client's ClientHello is awaited
	secureDone struct {
		s      *tlsintercept.Secured
		server net.Conn // below TLS, if the handshake connected it
		err    error
	}
)

func newPump(ctx context.Context, o *Options, client net.Conn, queue *session.Queue) *pump {
	p := &pump{o: o, relay: NewRelay(o.Resolver.Fixed()), queue: queue, events: make(chan any, 8)}
	p.buffers[session.C2S], p.buffers[session.S2C] = make([]byte, readSize), make([]byte, readSize)
	p.ctx, p.cancel = context.WithCancel(ctx)
	client = p.tap(session.ClientLeg, client)
	p.conns[session.ClientLeg], p.raws[session.ClientLeg] = client, client
	p.push(session.Event{Leg: session.ClientLeg, Body: session.TCPOpened{
		Local: client.LocalAddr().String(), Peer: client.RemoteAddr().String(),
	}})
	return p
}

func (p *pump) push(e session.Event) { p.queue.Push(e) }

// tap records the bytes of a leg, if they are wanted.
func (p *pump) tap(leg session.Leg, c net.Conn) net.Conn {
	if p.o.Tap {
		return &tapped{Conn: c, leg: leg, push: p.push}
	}
	return c
}

// run relays until both legs are closed and every goroutine has ended.
func (p *pump) run() {
	defer p.cancel()
	stop := p.ctx.Done()
	idle := time.NewTimer(waitTime)
	defer idle.Stop()
	for {
		p.quieten()
		p.grant()
		if p.closing && p.drained() {
			break
		}
		select {
		case ev := <-p.events:
			if _, ok := ev.(readDone); ok {
				idle.Reset(waitTime)
			}
			p.report(ev)
		case <-idle.C:
			p.handle(Waited{waitTime})
		case <-stop:
			stop = nil
			p.handle(Stopped{})
		}
	}
	p.finishClose()
}

// report turns a goroutine's report into an input for the relay.
func (p *pump) report(ev any) {
	p.running--
	switch ev := ev.(type) {
	case readDone:
		p.reading[ev.dir] = false
		p.readDone(ev)
	case writeDone:
		p.writing[ev.dir] = false
		p.writeDone(ev)
	case dialDone:
		p.raws[session.ServerLeg], p.conns[session.ServerLeg] = ev.raw, ev.conn
		if ev.conn == nil {
			p.handle(ConnectFailed{})
		} else {
			p.handle(Connected{})
		}
	case serverGone:
		if ev.err != nil && !p.closing {
			p.handle(Ended{Dir: session.S2C})
			p.cancel() // ends the handshake, which waits for nothing now
		}
	case secureDone:
		p.secureDone(ev)
	}
}

// quieten says Quiet once no read and no write is under way.
func (p *pump) quieten() {
	if !p.quiesce || p.closing || p.reading[session.C2S] || p.reading[session.S2C] || p.writing[session.C2S] || p.writing[session.S2C] {
		return
	}
	p.quiesce = false
	for _, c := range p.raws {
		if c != nil {
			c.SetReadDeadline(time.Time{})
		}
	}
	p.handle(Quiet{})
}

func (p *pump) readDone(ev readDone) {
	if len(ev.p) > 0 {
		p.silent[ev.dir.From()] = false
		if ev.dir == session.S2C && !p.heard {
			p.heard = true
			p.o.Resolver.Heard(p.raws[session.ServerLeg].RemoteAddr())
		}
		p.handle(Data{ev.dir, ev.p})
	}
	switch {
	case ev.err == nil, p.closing:
	case p.quiesce && errors.Is(ev.err, os.ErrDeadlineExceeded): // we stopped it
	default:
		p.ended(ev.dir, ev.err)
	}
}

// ended tells the relay that a side has finished sending, after asking whether it
// was TLS that ended it.
func (p *pump) ended(dir session.Dir, err error) {
	leg := dir.From()
	// A server that hangs up because its client did says nothing about TLS.
	if p.secured != nil && p.silent[leg] && !(leg == session.ServerLeg && p.relay.HasEnded(session.C2S)) {
		if failed := p.secured.ReadFailed(leg, err); failed != nil {
			p.silent[leg] = false
			p.push(session.Event{Leg: leg, Body: *failed})
		}
	}
	if errors.Is(err, io.EOF) {
		p.handle(Ended{Dir: dir})
		return
	}
	p.reason = plain(err)
	p.handle(Ended{Dir: dir, Err: err})
}

// plain puts a connection's error into words.
func plain(err error) string {
	switch {
	case errors.Is(err, syscall.ECONNRESET):
		return "connection reset"
	case errors.Is(err, syscall.EPIPE):
		return "it no longer takes data"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was cut without a TLS close_notify"
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err.Error()
	}
	return err.Error()
}

func (p *pump) writeDone(ev writeDone) {
	if ev.err != nil {
		p.broken[ev.dir], p.pending[ev.dir] = true, nil
		// The peer that no longer takes data may still have something to say, and
		// its own end is what should be recorded; but when it says nothing more
		// either, its reader ends too.
		if !p.closing && !p.reading[ev.dir.Opposite()] {
			p.ended(ev.dir.Opposite(), ev.err)
		}
		return
	}
	p.write(ev.dir)
}

func (p *pump) secureDone(ev secureDone) {
	if ev.server != nil {
		p.raws[session.ServerLeg] = ev.server
	}
	if ev.err != nil {
		p.handle(SecureFailed{})
		return
	}
	p.secured = ev.s
	if ev.s.Client != nil {
		p.conns[session.ClientLeg] = ev.s.Client
		p.silent[session.ClientLeg] = true
	}
	if ev.s.Server != nil {
		p.conns[session.ServerLeg] = ev.s.Server
		p.silent[session.ServerLeg] = true
	}
	p.handle(Secured{})
}

// handle gives the relay an input and carries out its actions.
func (p *pump) handle(in Input) {
	for _, a := range p.relay.Handle(in) {
		switch a := a.(type) {
		case Record:
			p.push(a.Event)
		case Forward:
			p.forward(a.Dir, a.Bytes)
		case Connect:
			p.connect(a.Domain)
		case Quiesce:
			p.quiesce = true
			p.interrupt()
		case Secure:
			p.secure(a)
		case Finish:
			p.finish[a.Dir] = true
			p.write(a.Dir)
		case Close:
			p.beginClose(a.By)
		}
	}
}

// interrupt ends the reads that are under way.
func (p *pump) interrupt() {
	for _, c := range p.raws {
		if c != nil {
			c.SetReadDeadline(time.Unix(1, 0))
		}
	}
}

// grant starts the reads that the relay wants. A direction is read again only
// when what was read before has been written: that is the back-pressure.
func (p *pump) grant() {
	for _, dir := range []session.Dir{session.C2S, session.S2C} {
		conn := p.conns[dir.From()]
		if conn == nil || p.closing || p.reading[dir] || p.writing[dir] || p.quiesce || !p.relay.Wants(dir) {
			continue
		}
		p.reading[dir] = true
		p.running++
		go p.read(conn, dir)
	}
}

// read makes one Read and reports it.
func (p *pump) read(conn net.Conn, dir session.Dir) {
	buf := p.buffers[dir]
	n, err := conn.Read(buf)
	p.events <- readDone{dir, buf[:n], err}
}

func (p *pump) forward(dir session.Dir, b []byte) {
	if p.broken[dir] {
		return
	}
	p.pending[dir] = append(p.pending[dir], b)
	p.write(dir)
}

// write starts writing what is pending in a direction, or half-closes it when
// nothing is left and it is to be finished.
func (p *pump) write(dir session.Dir) {
	conn := p.conns[dir.To()]
	if p.writing[dir] || conn == nil || p.broken[dir] {
		return
	}
	if len(p.pending[dir]) == 0 {
		if p.finish[dir] {
			p.finish[dir] = false
			closeWrite(conn) // over TLS this is close_notify; the FIN is next
			if raw := p.raws[dir.To()]; raw != conn {
				closeWrite(raw)
			}
		}
		return
	}
	batch := p.pending[dir]
	p.pending[dir] = nil
	p.writing[dir] = true
	p.running++
	go p.writeAll(conn, dir, batch)
}

func (p *pump) writeAll(conn net.Conn, dir session.Dir, batch [][]byte) {
	for _, b := range batch {
		if _, err := conn.Write(b); err != nil {
			p.events <- writeDone{dir, err}
			return
		}
	}
	p.events <- writeDone{dir, nil}
}

// connect dials the server; where it wants TLS at once although the client has
// not begun any, the server leg alone is secured.
func (p *pump) connect(domain string) {
	p.running++
	go func() {
		conn, direct, err := p.o.Resolver.Dial(p.ctx, Request{Domain: domain}, p.push)
		if err != nil {
			p.events <- dialDone{}
			return
		}
		raw := p.tap(session.ServerLeg, conn)
		if !direct {
			p.events <- dialDone{raw, raw}
			return
		}
		s, err := p.o.TLS.SecureServer(p.ctx, tlsintercept.Legs{Server: raw, Domain: domain, Direct: true, Record: p.push})
		if err != nil {
			p.events <- dialDone{raw, nil}
			return
		}
		p.events <- dialDone{raw, s.Server}
	}()
}

// secure starts the handshakes of both legs.
func (p *pump) secure(a Secure) {
	done := secureDone{}
	legs := tlsintercept.Legs{
		Client: tlsintercept.NewEarly(p.raws[session.ClientLeg], a.Early),
		Server: p.raws[session.ServerLeg], Domain: a.Domain, Direct: a.Direct, Record: p.push,
	}
	if a.Direct {
		legs.Domain = p.o.Domain
		legs.Dial = func(ctx context.Context, sni string) (net.Conn, error) {
			conn, _, err := p.o.Resolver.Dial(ctx, Request{Domain: sni, Direct: true}, p.push)
			if err != nil {
				return nil, err
			}
			done.server = p.tap(session.ServerLeg, conn)
			return done.server, nil
		}
	}
	if legs.Server != nil {
		w := newWatch(legs.Server)
		legs.Server = w
		p.running++
		go func() { p.events <- serverGone{w.wait()} }()
	}
	p.running++
	go func() {
		done.s, done.err = p.o.TLS.Secure(p.ctx, legs)
		p.events <- done
	}()
}
