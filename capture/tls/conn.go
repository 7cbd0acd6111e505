package tls

import (
	"crypto/x509"
	"time"

	"xmppscope/internal/lent"
	"xmppscope/session"
)

// Output is one thing that a Conn has to tell.
type Output struct {
	Dir session.Dir // of the bytes that it is about
	At  time.Time   // when their last byte was captured
	// Body is nil for plaintext, or session.TLSEstablished or session.TLSFailed.
	Body session.Body
	// Chain is the server's certificates, leaf first, with a Body: those that could
	// be read, none if the leaf could not.
	Chain []*x509.Certificate
	// Plain is application data. It is borrowed: valid until emit returns.
	Plain []byte
	// Lost is how many bytes of application data are missing here, roughly: their
	// records were not captured, or are damaged. It is 1 if nobody knows.
	Lost int64
	// Locked says, once, why nothing can be decrypted, and what is needed for it.
	Locked string
	// Headless says of Locked that the beginning of the connection is missing: no
	// secrets would help.
	Headless bool
	// Closed says that this side will send no more data (close_notify).
	Closed bool
}

// Conn decrypts one captured connection.
type Conn struct {
	keys  *Keys
	emit  func(Output)
	c2s   half
	s2c   half
	hs    handshake
	at    time.Time // of what is being processed
	order uint64    // of the newest thing that was kept

	established bool
	failed      bool
	locked      bool
	over        bool // Close was called

	given struct { // by NewKeys
		who   random
		known int
	}
}

// half is one direction of a connection.
type half struct {
	dir     session.Dir
	split   splitter
	waiting []event // in order, for secrets or for the other direction
	size    int     // bytes in waiting

	began    bool   // bytes have come, or are missing
	spoke    bool   // a record has come
	old      []byte // of a ClientHello in the form of SSL 2.0
	deaf     bool   // this direction is not followed any more
	ended    bool
	closed   bool // close_notify was seen
	messages messages
	finished bool // its Finished was seen

	sealed bool // up to TLS 1.2: change_cipher_spec was seen
	epoch  epoch
	open   opener // nil: not known yet
	secret []byte // TLS 1.3: the one that open was made from
	number uint64 // of the next record
	slack  uint64 // how far it may be off, because records are missing
	opened int    // records that were decrypted
	missed int    // records in a row that were not
	seen   int    // records that are sealed, while locked
	alert  bool   // the newest of them looks like an alert
}

// event is what happens to a direction: a record, missing bytes, or the end.
type event struct {
	order  uint64
	at     time.Time
	record []byte // header included
	gap    int64  // bytes, less than 0 if not known
	kind   eventKind
}

type eventKind uint8

const (
	isRecord eventKind = iota
	isGap
	isEnd
)

// NewConn begins a connection. emit is called during Feed, Gap, End and Close.
func NewConn(keys *Keys, emit func(Output)) *Conn {
	return &Conn{keys: keys, emit: emit, c2s: half{dir: session.C2S}, s2c: half{dir: session.S2C}}
}

func (c *Conn) half(dir session.Dir) *half {
	if dir == session.S2C {
		return &c.s2c
	}
	return &c.c2s
}

// Feed takes the next bytes of one direction, cut anywhere. They are neither
// changed nor kept. A direction that was joined in its middle begins with a Gap.
func (c *Conn) Feed(dir session.Dir, p []byte, at time.Time) {
	h := c.half(dir)
	c.at = at
	for len(p) > 0 && !h.deaf {
		h.began = true
		if h.isOld(p) {
			p = c.oldHello(h, p)
			continue
		}
		var record []byte
		var bad bool
		record, p, bad = h.split.next(p)
		switch {
		case bad:
			c.notTLS(h, p)
			return
		case record != nil:
			h.spoke = true
			c.take(h, event{at: at, record: record})
		}
	}
	c.drain()
}

// Gap says that n bytes of a direction are missing here; less than 0 if nobody
// knows how many.
func (c *Conn) Gap(dir session.Dir, n int64) {
	h := c.half(dir)
	if n == 0 || h.deaf {
		return
	}
	h.began = true
	h.split.gap(n)
	c.take(h, event{at: c.at, kind: isGap, gap: n})
	c.drain()
}

// End says that one side has finished the TCP connection, by FIN or reset. It is
// not for a capture that stops earlier: that has only a Close.
func (c *Conn) End(dir session.Dir) {
	c.take(c.half(dir), event{at: c.at, kind: isEnd})
	c.drain()
}

// Close says that neither bytes nor secrets will come any more. What still waits
// for secrets is given up, and the Conn must not be used again.
func (c *Conn) Close() {
	c.over = true
	c.drain()
	c.release(&c.c2s)
	c.release(&c.s2c)
}

// take processes an event, or keeps it if those before it have to wait, or if it
// has to wait itself.
func (c *Conn) take(h *half, e event) {
	if len(h.waiting) == 0 && c.handle(h, e) {
		return
	}
	if len(h.waiting) >= mostWaiting || c.c2s.size+c.s2c.size+len(e.record) > mostKept || c.keys.held+len(e.record) > mostHeld {
		c.lock(h, c.missing()+"; they did not come within "+keptText)
		c.drain()
		c.handle(h, e)
		return
	}
	c.order++
	e.order = c.order
	e.record = append([]byte(nil), e.record...)
	h.waiting = append(h.waiting, e)
	h.size += len(e.record)
	c.keys.held += len(e.record)
}

// How much one connection keeps while secrets are missing.
const (
	mostKept    = 1 << 20
	mostWaiting = 1 << 14 // events
	keptText    = "1 MiB of captured data"
)

// drain processes what was kept, oldest first, as far as it need not wait.
func (c *Conn) drain() {
	now := c.at
	for c.step(&c.c2s, &c.s2c) || c.step(&c.s2c, &c.c2s) {
	}
	c.at = now
}

// step processes the oldest thing that h keeps, if it is older than what the other
// direction keeps or that one has to wait.
func (c *Conn) step(h, other *half) bool {
	if len(h.waiting) == 0 {
		return false
	}
	if len(other.waiting) > 0 && other.waiting[0].order < h.waiting[0].order && c.step(other, &half{}) {
		return true
	}
	e := h.waiting[0]
	if !c.handle(h, e) {
		return false
	}
	c.keys.held -= len(e.record)
	h.size -= len(e.record)
	h.waiting[0] = event{}
	if h.waiting = h.waiting[1:]; len(h.waiting) == 0 {
		h.waiting = nil
	}
	return true
}

// release forgets all that a direction holds.
func (c *Conn) release(h *half) {
	c.keys.held -= h.size
	h.waiting, h.size, h.old, h.split, h.messages = nil, 0, nil, splitter{}, messages{}
}

// handle processes one event. It returns false if it has to wait.
func (c *Conn) handle(h *half, e event) bool {
	c.at = e.at
	switch {
	case h.deaf:
		return true
	case e.kind == isGap:
		c.gap(h, e.gap)
		return true
	case e.kind == isEnd:
		c.end(h)
		return true
	}
	if typ := e.record[0]; c.hs.version == version13 {
		return c.record13(h, typ, e.record)
	} else if h.sealed {
		return c.sealed12(h, e.record)
	} else {
		return c.clear(h, typ, e.record)
	}
}

func (c *Conn) say(h *half, o Output) {
	o.Dir, o.At = h.dir, c.at
	c.emit(o)
	lent.Back(o.Plain)
}
