package passive

import (
	"bufio"
	"cmp"
	"crypto/x509"
	"io"
	"maps"
	"slices"
	"time"

	"xmppscope/capture/packet"
	"xmppscope/capture/tls"
	"xmppscope/decode"
	"xmppscope/session"
)

// Options says how a capture is read.
type Options struct {
	// Keys are the TLS secrets that are known beforehand; those in the file are
	// added to them.
	Keys *tls.Keys
	// AllKeys says that Keys has those in the file already. MoreKeys says that
	// others are added while it is read.
	AllKeys, MoreKeys bool
	// Late is how far behind the newest one before it a packet may be
	// (packet.Options).
	Late time.Duration
	// Verify judges the certificates that a server has shown, leaf first; nil: nobody
	// does.
	Verify func(chain []*x509.Certificate, wanted Wanted) *session.Verification
	// Explain makes the explainer of a new session.
	Explain func() *decode.Session
	// Wire asks for the packets of the sessions and the secrets that open them as
	// well (session.WirePacket, session.TLSSecret): the packets before the events
	// that they bring, the secrets before the packets that are encrypted with them.
	Wire bool
}

// Wanted is what the certificates of a server are held against.
type Wanted struct {
	Domain string    // of the JID; "" if nobody has named it
	Server bool      // the client is a server too
	At     time.Time // when the handshake was
}

// Report counts what a capture held besides the sessions that were emitted.
type Report struct {
	packet.Stats
	Sessions int
	Others   int    // connections that carry something else, or nothing
	Locked   int    // sessions with TLS that could not be opened
	Hint     string // what would open the last of those
	Unkept   int    // packets that are not emitted: too many came before it was known whose they are
	BadKeys  error
}

// Emit takes an event that is not explained yet, and who explains the events of its
// session: in order, at any time, in any goroutine.
type Emit func(e session.Event, by *decode.Session) error

// Read reads a packet capture and emits the events of the XMPP sessions in it,
// those of each session in order. Sessions are numbered from 1 as they are
// recognised. An error of emit ends it and comes back as it is; a capture that is
// cut off or damaged gives what is whole in it, and then a *packet.Damaged.
func Read(in io.Reader, o Options, emit Emit) (Report, error) {
	if o.Keys == nil {
		o.Keys = new(tls.Keys)
	}
	b := bufio.NewReader(in)
	magic, err := b.Peek(4)
	brings := err == nil && packet.IsNG(magic) // the older format brings none along
	o.Keys.Complete(o.AllKeys || !brings && !o.MoreKeys)
	r := &reader{o: o, emit: emit, open: map[*conn]bool{}, bosh: map[string]*above{}, ending: map[*above]time.Time{}}
	stats, err := packet.Read(b, packet.Options{Late: o.Late, Packets: o.Wire}, r.event)
	r.end()
	r.report.Stats = stats
	if r.err != nil {
		err = r.err
	}
	return r.report, err
}

// reader is one reading of a capture.
type reader struct {
	o       Options
	emit    Emit
	err     error
	report  Report
	open    map[*conn]bool
	opened  int                  // connections so far
	paused  []*conn              // see sequel.go
	bosh    map[string]*above    // the sessions of BOSH that are open, by sid
	ending  map[*above]time.Time // those without a connection, and until when they go on
	looked  time.Time            // when it was looked for those of them that are over
	kept    int                  // bytes of packets that wait
	nothing decode.Stream        // of connections that are ignored or over
	live    bool                 // it is one connection, as it happens
	hint    string               // what to do next where TLS stays closed; "": what helps with a capture
}

// event takes what the packets tell.
func (r *reader) event(e *packet.Event) error {
	if e.Kind == packet.Keys {
		if _, err := r.o.Keys.Add(e.Bytes); err != nil {
			r.report.BadKeys = err
		}
		return r.err
	}
	c, _ := e.Conn.User.(*conn)
	if c == nil {
		r.opened++
		c = &conn{r: r, number: r.opened, wire: e.Conn, began: e.At, stream: new(decode.Stream)}
		e.Conn.User = c
		r.open[c] = true
	}
	c.at = e.At
	dir := c.turned(e.Dir)
	switch e.Kind {
	case packet.Captured:
		c.captured(e.Dir, e.Packet)
	case packet.Data:
		c.data(dir, e.Bytes)
	case packet.Gap:
		c.gap(dir, e.Lost)
	case packet.Ended:
		c.ended(dir)
	case packet.Closed:
		c.closed(dir, e.Reset)
	}
	c.pass()
	if c.above != nil {
		c.above.conns.Rest()
	}
	if len(r.ending) > 0 {
		r.endBOSH(e.At)
	}
	return r.err
}

// end tells what is left of the connections that the capture does not see closed.
func (r *reader) end() {
	r.o.Keys.Complete(true)
	inOrder := func(a, b *conn) int { return cmp.Compare(a.number, b.number) }
	for _, c := range slices.SortedFunc(maps.Keys(r.open), inOrder) {
		c.finish()
		c.pass()
	}
	for _, c := range r.paused {
		c.abandon()
	}
	for _, a := range slices.SortedFunc(maps.Values(r.bosh), inTurn) {
		a.finish()
	}
}
