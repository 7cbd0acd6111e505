package passive

import (
	"crypto/x509"
	"net/netip"
	"time"

	"xmppscope/capture/packet"
	"xmppscope/capture/tls"
	"xmppscope/decode"
	"xmppscope/session"
)

// Live reads one connection as it happens: somebody relays it, and passes on what the
// client's leg carries. TLS in it is opened with secrets that come meanwhile.
type Live struct{ c *conn }

// LiveOptions say what a Live reads, and for whom.
type LiveOptions struct {
	Session        int       // its number
	Began          time.Time // when the client has connected
	Client, Server string    // their addresses, "IP:port"
	Hint           string    // what to do next where TLS stays closed
	Secrets        bool      // the secrets are emitted too (session.TLSSecret)
	Verify         func(chain []*x509.Certificate, wanted Wanted) *session.Verification
	Emit           func(session.Seen) // takes what was seen, numbered
}

// NewLive begins a session.
func NewLive(o LiveOptions) *Live {
	r := &reader{open: map[*conn]bool{}, live: true}
	r.o = Options{Keys: new(tls.Keys), MoreKeys: true, Verify: o.Verify, Wire: o.Secrets, Explain: func() *decode.Session { return nil }}
	r.hint = o.Hint
	r.emit = func(e session.Event, _ *decode.Session) error {
		o.Emit(e.Seen)
		return nil
	}
	r.report.Sessions = o.Session - 1
	wire := &packet.Conn{Began: true}
	wire.Client, _ = netip.ParseAddrPort(o.Client)
	wire.Server, _ = netip.ParseAddrPort(o.Server)
	return &Live{c: &conn{r: r, number: 1, wire: wire, began: o.Began, at: o.Began, stream: new(decode.Stream)}}
}

// Bytes takes what one side has said, as TCP carries it.
func (l *Live) Bytes(at time.Time, dir session.Dir, p []byte) {
	l.c.at = at
	l.c.data(dir, p)
	l.c.pass()
}

// Missing takes that bytes of a direction were not kept.
func (l *Live) Missing(at time.Time, dir session.Dir, n int64) {
	l.c.at = at
	l.c.gap(dir, n)
	l.c.pass()
}

// Keys takes lines of a key log, "" where none will come any more.
func (l *Live) Keys(at time.Time, lines string) {
	c := l.c
	c.at = at
	if lines == "" {
		c.r.o.Keys.Complete(true)
	} else if _, err := c.r.o.Keys.Add([]byte(lines)); err != nil {
		return
	}
	if c.id > 0 {
		c.passKeys(at) // before what they open
	}
	if c.phase == reading && c.tls != nil && !c.locked { // what has waited goes on
		c.tls.Feed(session.C2S, nil, at)
		if lines == "" && c.sealed != "" && !c.locked {
			c.lock(at)
		}
	}
	c.pass()
}

// Ended takes that a side has finished sending.
func (l *Live) Ended(at time.Time, dir session.Dir) {
	l.c.at = at
	l.c.ended(dir)
}

// Record records an event that the relay has told, with the next number.
func (l *Live) Record(e session.Seen) {
	l.recognise(e.At)
	l.c.record(e.At, e)
}

// Close tells what is left, and then the end as the relay has told it.
func (l *Live) Close(e session.Seen) {
	c := l.c
	c.at = e.At
	c.finish()
	c.pass()
	if c.id == 0 {
		c.phase = ignored
	}
	l.Record(e)
	c.phase = over
	c.release()
}

// recognise makes it a session at the latest when there is something to tell.
func (l *Live) recognise(at time.Time) {
	if l.c.id == 0 {
		l.c.recognise(at)
	}
}
