package proxy

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
	"xmppscope/tlsintercept"
)

const (
	lingerTime = 2 * time.Second  // for the peer to take our last bytes
	waitTime   = 10 * time.Second // of silence before it is recorded
)

// both are the directions.
var both = [...]session.Dir{session.C2S, session.S2C}

// pump carries out what a Relay decides for one connection. Two goroutines carry the
// bytes, one a direction: each reads, asks the relay, and writes, so that neither
// direction ever waits for the other. When the relay is free they do not ask any more.
type pump struct {
	o       *Options
	trail   *session.Trail
	here    string                 // where the client has reached us
	target  atomic.Pointer[Target] // the server that was connected to
	rewrite *rewriter              // of requests that go there, nil for none
	ctx     context.Context
	cancel  context.CancelFunc
	begun   time.Time
	tasks   atomic.Int64 // goroutines of the connection, besides the one that runs it
	heard   atomic.Int64 // when something came last, since begun

	mu        sync.Mutex // guards the relay and all below
	change    *sync.Cond // something below has changed
	relay     *Relay
	legs      [3]*leg               // by leg; below TLS
	conns     [3]net.Conn           // by leg; as they are read and written: the leg, or TLS on it
	idle      [3]bool               // by direction: its goroutine waits for leave to read
	pending   [3][][]byte           // by direction: to be written
	writing   [3]bool               // by direction: somebody writes
	finish    [3]*Finish            // by direction: half-close after the last write
	finished  [3]bool               // by direction: that has been asked for
	broken    [3]bool               // by direction: writing failed
	silent    [3]bool               // by leg: no application data since TLS began
	secured   *tlsintercept.Secured // nil before
	answered  bool                  // the server has said something
	quiesce   bool                  // reads are being stopped
	timer     *time.Timer           // looks at the time
	interrupt [3]bool               // by direction: its reading is being interrupted
	pace      [3]*pace              // by direction: how it is written; nil: as fast as it goes
	dropped   [3]bool               // by leg: it was closed, and the other was kept
	stall     [3]*time.Timer        // by direction: ends a stall
	over      bool                  // nothing more is done
	closing   bool
	until     time.Time // closing: nobody is waited for after this
	end       Close     // how
	reason    string    // why, if there is more to say

	awaits  bool                  // it may turn out to be a connection of another session
	bosh    map[*boshSession]bool // that it is a connection of
	session atomic.Int64          // as it is told: of that, if it is one
	shown   *Look                 // to its gates

	tap  bool     // the bytes below TLS are kept
	keys *waiting // for the client's secrets; nil where TLS is ended here
}

func newPump(ctx context.Context, o *Options, client net.Conn, trail *session.Trail) *pump {
	p := &pump{o: o, here: client.LocalAddr().String(), relay: NewRelay(o.Resolver.Fixed() && o.ClientTLS != WithoutTLS, o.Limits), trail: trail, begun: time.Now()}
	p.relay.headers, p.relay.untouched, p.relay.choosy = o.ProxyHeaders, o.untouched, len(o.PassTLS) > 0
	p.relay.meta = func(host string, secure bool) []decode.MetaLink { return o.Resolver.metaLinks(host, secure, p.here) }
	if o.Resolver.Keep != nil && o.Resolver.Upstream != nil {
		p.relay.keepMeta = func(host string, secure, inJSON bool, body []byte) *keptMeta {
			return o.Resolver.keptLinks(host, secure, p.here, inJSON, body)
		}
	}
	switch o.ClientTLS {
	case WithoutTLS:
		p.relay.clear = true
	case RequireTLS:
		p.relay.gate = append(p.relay.gate, &requireGate{r: p.relay})
	}
	p.session.Store(int64(trail.ID()))
	p.change = sync.NewCond(&p.mu)
	if p.awaits = o.bosh.any(); p.awaits {
		trail.Await(joinTime)
	}
	p.ctx, p.cancel = context.WithCancel(ctx)
	why := o.Untouched.choose(client)
	if p.tap = o.Tap; why != "" {
		p.tap, p.keys = true, o.Untouched.Keys.watch(trail)
		p.relay.untouched = func(string, *tls.ClientHelloInfo, *Named) string { return why }
		p.relay.choosy = true
	}
	p.use(session.ClientLeg, p.leg(session.ClientLeg, client))
	p.legs[session.ClientLeg].door.Store(true)
	trail.Event(session.Seen{Leg: session.ClientLeg, Body: session.TCPOpened{
		Local: client.LocalAddr().String(), Peer: client.RemoteAddr().String(), Captured: why != "", Taken: o.Resolver.reached != nil,
	}})
	return p
}

// won takes note of the target that was connected to, before anything is written there.
func (p *pump) won(t Target) {
	p.target.Store(&t)
	if r := newRewriter(&t); r != nil {
		p.mu.Lock()
		p.rewrite = r
		p.mu.Unlock()
		p.trail.Event(r.told())
	}
}

// server is the address of the server that was connected to, as it was named; "" before, and
// where the client itself was on its way there.
func (p *pump) server() string {
	if t := p.target.Load(); t != nil {
		return t.Address()
	}
	return ""
}

// clientHost is where the client comes from.
func (p *pump) clientHost() string {
	host, _, _ := net.SplitHostPort(p.legs[session.ClientLeg].RemoteAddr().String())
	return host
}

// isSecured says whether the client has TLS. It is asked by gates, with mu held.
func (p *pump) isSecured() bool { return p.secured != nil }

// leg makes a leg of a connection, whose bytes are kept if they are wanted.
func (p *pump) leg(side session.Leg, c net.Conn) *leg {
	if !p.tap {
		return newLeg(c, side, nil)
	}
	l := newLeg(c, side, p.trail)
	if side == session.ClientLeg {
		l.keys = p.keys
	}
	return l
}

// use takes a leg into use, in the clear.
func (p *pump) use(side session.Leg, l *leg) { p.legs[side], p.conns[side] = l, l }

// run relays until both legs are closed and every goroutine has ended.
func (p *pump) run() {
	defer p.cancel()
	stop := context.AfterFunc(p.ctx, func() { p.handle(Stopped{}) })
	defer stop()
	tick := p.o.Limits.least()
	p.mu.Lock()
	p.timer = time.AfterFunc(tick, func() { p.look(tick) })
	p.mu.Unlock()
	if p.o.Control != nil {
		p.o.Control.enter(p.trail.ID(), p)
		defer p.o.Control.leave(p.trail.ID(), p)
	}
	p.carry(session.C2S)
	p.mu.Lock()
	for p.tasks.Load() > 0 || !p.closing && p.relay.interferes() { // what is held is waited for, though both sides have ended
		p.change.Wait()
	}
	p.over = true
	for _, dir := range both {
		p.relay.unqueue(dir)
		p.relay.room.waits(-p.unwritten(dir))
		p.pending[dir] = nil
		if t := p.stall[dir]; t != nil {
			t.Stop()
		}
	}
	p.mu.Unlock()
	p.timer.Stop()
	p.finishClose()
	for s := range p.bosh {
		p.o.bosh.left(s)
	}
}

// spawn runs a goroutine of the connection. It is called with mu held, or from another one.
func (p *pump) spawn(f func()) {
	p.tasks.Add(1)
	go func() {
		f()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.tasks.Add(-1)
		p.change.Broadcast()
	}()
}

// post gives the relay an input from elsewhere, and waits for nothing.
func (p *pump) post(in Input) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closing && !p.over {
		p.spawn(func() { p.handle(in) })
	}
}

// look tells the relay the time, and looks at it again as long as that matters.
func (p *pump) look(tick time.Duration) {
	p.mu.Lock()
	age := time.Since(p.begun)
	silence := age - time.Duration(p.heard.Load())
	if again := !p.closing && (p.o.Limits.Idle > 0 || !p.relay.Free()); again {
		p.timer.Reset(max(tick-silence%tick, time.Millisecond))
	}
	p.mu.Unlock()
	p.handle(Waited{silence, age})
}

// carry brings the bytes of a direction across, until that ends.
func (p *pump) carry(dir session.Dir) {
	for {
		from, to := p.leave(dir)
		if from == nil {
			break
		}
		in := p.transfer(dir, from, to)
		if to != nil {
			p.mu.Lock()
			p.writing[dir] = false
			p.change.Broadcast()
			p.mu.Unlock()
		}
		if in == nil && to != nil && p.flush(dir, true) != nil { // what others have put there meanwhile
			in = Broken{dir}
		}
		if in != nil {
			p.handle(in)
		}
	}
	p.flush(dir, true)
}

// route is a connection on which a direction is read or written, and what lies below it.
type route struct {
	leg     *leg
	conn    net.Conn
	sealed  bool      // what goes there is not kept
	rewrite *rewriter // of what goes there; nil: nothing
}

// routeTo is where a direction is written to. The caller holds mu.
func (p *pump) routeTo(dir session.Dir) *route {
	r := &route{leg: p.legs[dir.To()], conn: p.conns[dir.To()], sealed: p.relay.IsSealed()}
	if dir == session.C2S && !r.sealed {
		r.rewrite = p.rewrite
	}
	return r
}

// leave waits until the direction may be read, and says from where; nil if it never will
// be again. To is where it goes if the relay need not be asked any more: nobody else
// writes there then.
func (p *pump) leave(dir session.Dir) (from, to *route) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		p.idle[dir] = true
		p.quieten()
		side := dir.From()
		if p.interrupt[dir] {
			p.interrupt[dir] = false
			p.legs[side].SetReadDeadline(time.Time{})
			p.carryOut(p.relay.atRest(dir))
		}
		switch {
		case p.closing || p.relay.HasEnded(dir):
			p.change.Broadcast()
			return nil, nil
		case p.legs[side] == nil || p.quiesce || p.unwritten(dir.Opposite()) > maxUnwritten || p.broken[dir] && !p.dropped[dir.To()] || !p.relay.Wants(dir):
		case !p.relay.Free():
			p.idle[dir] = false
			return &route{leg: p.legs[side], conn: p.conns[side]}, nil
		case !p.writing[dir] && len(p.pending[dir]) == 0: // what others have put there comes first
			p.trail.Calm()
			p.relay.Handle(Left{dir})
			p.idle[dir], p.writing[dir] = false, true
			return &route{leg: p.legs[side], conn: p.conns[side]}, p.routeTo(dir)
		}
		p.change.Wait()
	}
}

// transfer reads once and has the relay decide; or, if it knows where to, brings across all
// that comes. It returns what there is to tell the relay then, nil if nothing.
func (p *pump) transfer(dir session.Dir, from, to *route) Input {
	var haste hurry
	for {
		if err := from.leg.fill(); err != nil {
			return p.readFailed(dir, from, err)
		}
		now := time.Since(p.begun)
		p.heard.Store(int64(now))
		room := rooms.Get().(*[legRoom]byte)
		n, records, err := from.gathered(room[:])
		var failed error
		switch {
		case n == 0:
		case to == nil:
			p.handle(Data{dir, room[:n]})
		default:
			if !to.sealed {
				p.trail.Bytes(dir, room[:n])
			}
			failed = to.write(room[:n])
		}
		rooms.Put(room)
		switch {
		case failed != nil:
			p.mu.Lock()
			p.broken[dir] = true
			p.mu.Unlock()
			return Broken{dir}
		case err != nil:
			return p.readFailed(dir, from, err)
		case to == nil:
			return nil
		case haste.read(now, n, records):
			from.leg.wait.hush()
			haste.pause()
		}
	}
}

// maxRecord is the plaintext of the largest TLS record (RFC 8446 §5.1).
const maxRecord = 16 << 10

// gathered reads all that is at hand, as far as there is room. Without TLS it counts as one
// record.
func (r *route) gathered(room []byte) (n, records int, err error) {
	if r.conn == net.Conn(r.leg) {
		n, err = r.leg.Read(room)
		return n, 1, err
	}
	r.leg.pause = true
	for len(room)-n >= maxRecord && err == nil {
		var k int
		k, err = r.conn.Read(room[n:])
		n += k
		if k > 0 {
			records++
		}
	}
	r.leg.pause = false
	if errors.Is(err, errDrained) {
		err = nil
	}
	return n, records, err
}

// write writes, with one system call where it can.
func (r *route) write(b []byte) error {
	if r.rewrite != nil {
		if b = r.rewrite.out(b); len(b) == 0 {
			return nil
		}
	}
	r.leg.gather = true
	_, err := r.conn.Write(b)
	r.leg.gather = false
	if failed := r.leg.flush(); err == nil {
		err = failed
	}
	return err
}

// readFailed says what it means for the relay that reading failed: that a side has
// finished sending, or that its connection is gone; nil if it was us who stopped it.
func (p *pump) readFailed(dir session.Dir, from *route, err error) Input {
	p.mu.Lock()
	defer p.mu.Unlock()
	side := dir.From()
	if p.closing || p.dropped[side] || errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	// A server that hangs up because its client did says nothing about TLS.
	if p.secured != nil && p.silent[side] && !(side == session.ServerLeg && p.relay.HasEnded(session.C2S)) {
		if failed := p.secured.ReadFailed(side, err); failed != nil {
			p.silent[side] = false
			p.trail.Event(session.Seen{Leg: side, Body: *failed})
		}
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		p.reason = plain(err)
		if alert := tlsintercept.RemoteAlert(err); alert != session.NoAlert && p.relay.abrupt[dir.Opposite()] {
			p.reason = fmt.Sprintf("it answers the end of the %s, which came without close_notify, with the TLS alert %s", dir.Opposite().Sender(), alert)
		}
		return Ended{Dir: dir, Err: err}
	}
	cut := from.conn != net.Conn(from.leg) && from.leg.eof
	if cut {
		p.reason = plain(io.ErrUnexpectedEOF)
	}
	return Ended{Dir: dir, Cut: cut}
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
	switch alert := tlsintercept.RemoteAlert(err); alert {
	case session.NoAlert:
	case session.AlertDecodeError:
		return "it broke TLS off with the alert " + alert.String() + ", which is what OpenSSL says where the other side has hung up without close_notify"
	default:
		return "it broke TLS off with the alert " + alert.String()
	}
	var notTLS tls.RecordHeaderError
	var op *net.OpError
	switch {
	case errors.As(err, &notTLS):
		return "what it sent last is not TLS"
	case errors.As(err, &op) && op.Op == "local error": // of crypto/tls
		return "what it sent last is no TLS that can be read: " + strings.TrimPrefix(op.Err.Error(), "tls: ")
	case op != nil:
		return op.Err.Error()
	}
	return err.Error()
}

// quieten says Quiet once no read and no write is under way. The caller holds mu.
func (p *pump) quieten() {
	if !p.quiesce || p.closing || !p.idle[session.C2S] || !p.idle[session.S2C] || p.writing[session.C2S] || p.writing[session.S2C] {
		return
	}
	p.quiesce = false
	p.deadlines(time.Time{})
	p.act(Quiet{})
}

// deadlines sets that of reading on both legs; one that has passed ends the reads that
// are under way.
func (p *pump) deadlines(at time.Time) {
	for _, l := range p.legs {
		if l != nil {
			l.SetReadDeadline(at)
		}
	}
}

// handle gives the relay an input, carries out its actions, and writes what is to be
// written then. When it returns, what was borrowed is not needed any more.
func (p *pump) handle(in Input) {
	p.mu.Lock()
	p.act(in)
	p.mu.Unlock()
	data, _ := in.(Data)
	for _, dir := range both {
		if p.flush(dir, dir == data.Dir) != nil {
			p.handle(Broken{dir})
		}
	}
}

// act carries out what the relay wants done. The caller holds mu.
func (p *pump) act(in Input) {
	if data, ok := in.(Data); ok {
		p.silent[data.Dir.From()] = false
		if data.Dir == session.S2C && !p.answered {
			p.answered = true
			p.o.Resolver.Heard(p.legs[session.ServerLeg].RemoteAddr())
		}
	}
	p.carryOut(p.relay.Handle(in))
	if p.awaits && !p.relay.mayJoin() {
		p.awaits = false
		p.trail.Release()
	}
	p.change.Broadcast()
}

// carryOut carries actions out. The caller holds mu.
func (p *pump) carryOut(actions []Action) {
	for _, a := range actions {
		switch a := a.(type) {
		case Record:
			p.trail.Event(a.Event)
		case Keep:
			p.trail.Bytes(a.Dir, a.Bytes)
		case Pass:
			p.later(a.Dir, a.Bytes)
		case Forward:
			p.trail.Bytes(a.Dir, a.Bytes)
			p.later(a.Dir, a.Bytes)
		case Send:
			p.later(a.Dir, a.Bytes)
		case Answer:
			p.legs[session.ClientLeg].aside += len(a.Bytes)
			p.later(session.S2C, a.Bytes)
		case Enter:
			p.legs[session.ClientLeg].enter(a.Took)
		case Connect:
			p.connect(a)
		case Decide:
			p.spawn(func() { p.handle(Decided{a.Dir, a.Wait, worked(a.Work)}) })
		case Hold:
			a.Held.Session, a.Held.pump, a.Held.wait, a.Held.Since = int(p.session.Load()), p, a.Wait, time.Now()
			if p.o.Control == nil { // nobody could decide
				p.spawn(func() { p.handle(Decided{a.Dir, a.Wait, Decision{}}) })
				break
			}
			p.o.Control.hold(a.Held)
		case Delay:
			if a.Stall { // the newest counts
				if t := p.stall[a.Dir]; t != nil {
					t.Stop()
				}
				p.stall[a.Dir] = time.AfterFunc(a.For, func() { p.post(Resumed{a.Dir, a.Wait}) })
				break
			}
			p.spawn(func() { p.delay(&a) })
		case JoinBOSH:
			joined, wait := p.o.bosh.join(boshName{p.server(), a.SID}, p.clientHost(), a.Accepted, p.trail)
			if p.join(joined); wait {
				p.relay.awaitJoin(a.SID)
			}
		case OpenBOSH:
			p.join(p.o.bosh.opened(boshName{p.server(), a.SID}, p.clientHost(), p.trail, a.Lasts))
		case Answered:
			select {
			case a.To <- a.XML:
			default:
			}
		case Interrupt:
			p.interrupt[a.Dir] = true
			p.legs[a.Dir.From()].SetReadDeadline(time.Unix(1, 0))
		case Mark:
			p.trail.Mark(a.Dir)
		case SetPace:
			p.pace[a.Dir] = &pace{a.Rate, a.Chunk}
		case Quiesce:
			p.quiesce = true
			p.deadlines(time.Unix(1, 0))
		case Secure:
			p.secure(a)
		case Finish:
			if !p.finished[a.Dir] {
				p.finished[a.Dir], p.finish[a.Dir] = true, &a
			}
		case Close:
			p.beginClose(a)
		}
	}
}

// join notes a session of BOSH that the connection is one of, if it is.
func (p *pump) join(s *boshSession) {
	if s == nil {
		return
	}
	if p.bosh == nil {
		p.bosh = map[*boshSession]bool{}
	}
	p.bosh[s] = true
	p.relay.hand(&s.talk)
	p.session.Store(int64(s.root.ID()))
	if p.shown != nil {
		p.shown.joined = s.root.ID()
	}
}

// worked is what work comes to. One that fails lets the piece pass.
func worked(work func() Decision) (d Decision) {
	defer func() {
		if failed := recover(); failed != nil {
			d = Decision{Reason: fmt.Sprintf("what decides about it has failed, and it passed as it came: %v", failed)}
		}
	}()
	return work()
}

// delay goes on after a time, unless all ends before.
func (p *pump) delay(a *Delay) {
	t := time.NewTimer(a.For)
	defer t.Stop()
	select {
	case <-p.ctx.Done():
		return
	case <-t.C:
	}
	p.handle(Decided{a.Dir, a.Wait, a.After})
}

// maxUnwritten bounds what waits to be written to a side that does not read. A direction waits
// for its own bytes in any case; what is said in answer to the other direction is bounded by
// not reading on in that, as a server would that cannot get rid of its answers.
const maxUnwritten = 4 << 20

// unwritten counts what waits to be written in a direction, behind what is being written. The
// caller holds mu.
func (p *pump) unwritten(dir session.Dir) (n int) {
	for _, b := range p.pending[dir] {
		n += len(b)
	}
	return n
}

// crowded says whether too much waits to be written in a direction.
func (p *pump) crowded(dir session.Dir) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.unwritten(dir) > maxUnwritten
}

// later has bytes written. The caller holds mu.
func (p *pump) later(dir session.Dir, b []byte) {
	if !p.broken[dir] && p.conns[dir.To()] != nil {
		p.relay.room.waits(len(b))
		p.pending[dir] = append(p.pending[dir], b)
	}
}

// flush writes what is pending in a direction, and half-closes it when that is asked for.
// If somebody else is writing, it is left to them, or waited for.
func (p *pump) flush(dir session.Dir, wait bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.writing[dir] {
		if !wait {
			return nil
		}
		p.change.Wait()
	}
	var err error
	for len(p.pending[dir]) > 0 || p.finish[dir] != nil {
		to := p.routeTo(dir)
		batch, finish, slow := p.pending[dir], p.finish[dir], p.pace[dir]
		size := p.unwritten(dir)
		p.pending[dir], p.finish[dir] = nil, nil
		if p.broken[dir] || to.conn == nil {
			p.relay.room.waits(-size)
			continue
		}
		p.writing[dir] = true
		p.mu.Unlock()
		if slow == nil && len(batch) > 1 { // what came at once is read at once
			batch = [][]byte{slices.Concat(batch...)}
		}
		for i := 0; i < len(batch) && err == nil; i++ {
			if slow == nil {
				err = to.write(batch[i])
			} else {
				err = p.paced(to, batch[i], *slow)
			}
		}
		drop := finish != nil && finish.Drop
		if finish != nil && err == nil && !drop {
			to.closeWrite(finish.Cut)
		}
		p.mu.Lock()
		p.relay.room.waits(-size)
		p.writing[dir] = false
		p.broken[dir] = p.broken[dir] || err != nil || drop
		if drop {
			p.drop(dir.To(), finish.Reset)
		}
	}
	p.quieten()
	p.change.Broadcast()
	return err
}

// drop closes a leg, and keeps the other. The caller holds mu.
func (p *pump) drop(side session.Leg, reset bool) {
	l := p.legs[side]
	if reset {
		l.reset()
	}
	l.Close()
	p.dropped[side] = true
	p.trail.Event(session.Seen{Leg: side, Body: session.TCPClosed{By: ourselves, Reason: "the other leg is kept"}})
}

// closeWrite says that nothing more will be sent: over TLS by close_notify, unless that is
// to be left out as the other side has, and then by FIN.
func (r *route) closeWrite(cut bool) {
	if r.rewrite != nil && len(r.rewrite.head) > 0 { // it stays as far as it has come
		r.conn.Write(r.rewrite.head)
	}
	if c, ok := r.conn.(*tls.Conn); ok && !cut {
		c.CloseWrite()
	}
	if r.leg != nil {
		r.leg.CloseWrite()
	}
}

// connect dials the server; where it wants TLS at once although the client has
// not begun any, the server leg alone is secured. The caller holds mu.
func (p *pump) connect(c Connect) {
	p.spawn(func() {
		conn, to, err := p.o.Resolver.Dial(p.ctx, Request{Domain: c.Domain, Direct: c.Sealed, Web: c.Web, Named: c.Named, Server: c.Peer, Alike: c.Sealed || c.Alike, Won: p.won}, p.trail.Event)
		if err != nil {
			p.handle(ConnectFailed{err})
			return
		}
		l := p.leg(session.ServerLeg, conn)
		switch {
		case c.StartTLS && !to.Direct:
			if err := askTLS(p.ctx, l, c.Domain, false); err != nil {
				p.trail.Event(failedToAsk(conn, err))
				p.unreached(l, err)
				return
			}
			p.trail.Event(begunTLS(conn.RemoteAddr().String()))
		case c.StandIn && to.Direct:
			p.trail.Event(to.otherKind(doneForClient))
			p.connected(l, l, to.ledBy())
			return
		case !to.Direct || c.Sealed || c.Named != nil && !c.Web: // who names a server begins TLS itself where it wants any
			p.connected(l, l, "")
			return
		}
		l.whole = true
		s, err := p.o.TLS.SecureServer(p.ctx, tlsintercept.Legs{Server: l, Domain: c.Domain, From: c.From, ServerName: cmp.Or(to.webHost(), p.o.Resolver.webHost()), Web: c.Web, Direct: to.Direct, Peer: c.Peer, Waits: p.handshaking, Record: p.trail.Event})
		if err != nil {
			p.unreached(l, err)
			return
		}
		p.connected(l, s.Server, "")
	})
}

// unreached gives up a server leg that has come to nothing.
func (p *pump) unreached(l *leg, err error) {
	p.mu.Lock()
	p.legs[session.ServerLeg] = l // to be closed
	p.mu.Unlock()
	p.handle(ConnectFailed{err})
}

// connected takes the server leg into use.
func (p *pump) connected(l *leg, conn net.Conn, standing string) {
	p.mu.Lock()
	p.legs[session.ServerLeg], p.conns[session.ServerLeg] = l, conn
	p.mu.Unlock()
	p.handle(Connected{standing})
	p.spawn(func() { p.carry(session.S2C) })
}

// secure starts the handshakes of both legs. The caller holds mu.
func (p *pump) secure(a Secure) {
	client, server := p.legs[session.ClientLeg], p.legs[session.ServerLeg]
	client.unread(a.Early)
	client.whole = true
	ctx, gone := context.WithCancelCause(p.ctx)
	leaving := &watching{p: p, leg: client, gone: gone}
	legs := tlsintercept.Legs{Client: client, Domain: a.Domain, From: a.From, Direct: a.Direct, Awaited: a.Awaited, Peer: a.Peer, Waits: leaving.waits, Record: p.trail.Event}
	if server != nil {
		server.whole = true
		legs.Server = p.watch(server, func() { gone(nil) }) // ends the handshake, which waits for nothing then
	}
	legs.ServerName = p.o.Resolver.webHost()
	var dialled *leg
	if a.Direct {
		if legs.Domain = p.o.Domain; legs.Domain == "" {
			legs.Domain = a.Domain
		}
		legs.Dial = func(ctx context.Context, sni string, peer bool) (net.Conn, string, error) {
			q := directRequest(sni, a.Early)
			q.Server, q.Won = peer, p.won
			conn, to, err := p.o.Resolver.Dial(ctx, q, p.trail.Event)
			if err != nil {
				return nil, "", err
			}
			dialled = p.leg(session.ServerLeg, conn)
			if !to.Direct {
				if err := askTLS(ctx, dialled, sni, peer); err != nil {
					conn.Close()
					p.trail.Event(failedToAsk(conn, err))
					return nil, "", err
				}
				p.trail.Event(to.otherKind(doneForServer))
			}
			dialled.whole = true
			return dialled, to.webHost(), nil
		}
	}
	p.spawn(func() {
		defer gone(nil)
		s, err := p.o.TLS.Secure(ctx, legs)
		leaving.end()
		if w, ok := legs.Server.(*watch); ok {
			w.end()
		}
		p.mu.Lock()
		if dialled != nil {
			p.legs[session.ServerLeg], p.conns[session.ServerLeg] = dialled, dialled
		}
		if err != nil {
			p.mu.Unlock()
			p.handle(SecureFailed{})
			return
		}
		p.secured = s
		p.conns[session.ClientLeg], p.conns[session.ServerLeg] = s.Client, s.Server
		p.silent[session.ClientLeg], p.silent[session.ServerLeg] = true, true
		p.mu.Unlock()
		var gate Gate
		if p.o.Gate != nil {
			gate = p.o.Gate(s)
		}
		p.handle(Secured{gate})
		if dialled != nil {
			p.spawn(func() { p.carry(session.S2C) })
		}
	})
}
