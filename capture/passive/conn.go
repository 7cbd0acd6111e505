package passive

import (
	"bytes"
	"crypto/x509"
	"time"

	"xmppscope/capture/packet"
	"xmppscope/capture/tls"
	"xmppscope/decode"
	"xmppscope/session"
)

// phase is where a connection stands.
type phase uint8

const (
	sniffing phase = iota // nobody knows yet what it carries
	reading
	ignored // it is of no interest
	over
)

// maxPending bounds the events of a connection that may turn out to be no XMPP.
const maxPending = 64

// conn is one TCP connection on its way to becoming a session.
type conn struct {
	r      *reader
	number int // of the connection
	wire   *packet.Conn
	phase  phase
	flip   bool // client and server are the other way round than the packets' reader thinks
	began  time.Time
	at     time.Time // when its newest packet was captured
	queue  []chunk   // while sniffing
	size   int       // bytes in queue
	holes  bool      // while sniffing: bytes are missing

	id      int // of the session; 0 until it is known to be one
	seq     uint64
	explain *decode.Session
	pending []session.Seen // while there is no id
	awaits  bool           // that is as it may be a connection of a session of BOSH
	joins   *above         // which it has named, where the server's answer decides
	above   *above         // of BOSH, once it is opened
	conn    int32          // which connection of that it is

	stream   *decode.Stream      // what is said above TLS
	lanes    [3]lane             // by direction
	tls      *tls.Conn           // nil before TLS
	direct   bool                // TLS from the first byte
	middle   bool                // and its handshake is not in the capture
	asked    bool                // for TLS, by the client
	secured  bool                // TLS is up
	spoken   bool                // and has carried plaintext
	sealed   string              // why it cannot be opened, "" if it can
	headless bool                // that is because its beginning is missing
	locked   bool                // that has been told
	reason   string              // why the connection ended, if there is more to say
	domain   string              // "to" of the client's newest stream header
	server   bool                // and its namespace is that of servers
	chain    []*x509.Certificate // of the server, as far as TLS has shown it

	proceeded time.Time // when the server has agreed to TLS
	paused    bool      // the session waits for its sequel
	waiting   waiting   // packets
}

// lane is one direction.
type lane struct {
	secure bool // it carries TLS
	ended  bool
}

// chunk is what one packet brought while nobody knew what it was: bytes, or a gap.
type chunk struct {
	dir  session.Dir
	at   time.Time
	b    []byte
	lost int64
}

// turned is a direction as the session has it.
func (c *conn) turned(d session.Dir) session.Dir {
	if c.flip {
		return d.Opposite()
	}
	return d
}

// data takes bytes of one side.
func (c *conn) data(dir session.Dir, p []byte) {
	if c.lanes[dir].ended {
		return
	}
	switch c.phase {
	case sniffing:
		c.queue = append(c.queue, chunk{dir: dir, at: c.at, b: bytes.Clone(p)})
		c.size += len(p)
		c.sniff()
	case reading:
		c.read(c.at, dir, p)
	}
}

// read takes bytes of a connection that is known: TLS records, or plaintext. As all
// that takes a time, it may be about what has waited.
func (c *conn) read(at time.Time, dir session.Dir, p []byte) {
	if c.lanes[dir].secure {
		if c.direct && c.id == 0 && sniffHeader(p) == isXMPP { // TLS at a port for STARTTLS
			c.recognise(at)
		}
		if !c.locked {
			c.tls.Feed(dir, p, at)
		}
		return
	}
	c.plain(at, dir, p)
}

// gap takes that bytes of one side are missing.
func (c *conn) gap(dir session.Dir, n int64) {
	switch c.phase {
	case sniffing:
		c.holes = true
		c.queue = append(c.queue, chunk{dir: dir, at: c.at, lost: n})
		c.sniff()
	case reading:
		c.missing(c.at, dir, n)
	}
}

// ended takes that one side has finished sending.
func (c *conn) ended(dir session.Dir) {
	if c.phase == sniffing && c.lanes[dir.Opposite()].ended {
		c.ignore(&c.r.report.Others)
	}
	c.lanes[dir].ended = true
	if c.phase != reading {
		return
	}
	if c.paused = c.pause(dir); c.paused {
		return
	}
	c.stop(dir, true)
	c.record(c.at, session.Seen{Leg: dir.From(), Dir: dir, Body: session.TCPHalfClosed{}})
}

// stop tells what is left of a direction; fin says that its sender has ended it.
func (c *conn) stop(dir session.Dir, fin bool) {
	l := &c.lanes[dir]
	if c.tls != nil && l.secure && fin {
		c.tls.End(dir)
	}
	c.stream.Finish(dir)
	c.rest(c.at)
}

// closed takes the end of the connection; nobody has closed one that is merely
// forgotten.
func (c *conn) closed(by session.Dir, reset bool) {
	finished := c.lanes[by].ended
	if c.paused {
		c.phase = over
		delete(c.r.open, c)
		c.r.await(c)
		return
	}
	if reset && c.phase == reading && c.lanes[by].secure && !c.lanes[by].ended {
		c.tls.End(by)
	}
	c.finish()
	if c.id > 0 && by != session.NoDir {
		body := session.TCPClosed{By: "client"}
		if by == session.S2C {
			body.By = "server"
		}
		switch {
		case c.reason != "":
			body.Reason = c.reason
		case reset && !finished: // who has said its last word resets what comes after
			body.Reason = "connection reset"
		}
		c.record(c.at, session.Seen{Leg: session.ClientLeg, Body: body})
	}
	c.phase = over
	delete(c.r.open, c)
	c.release()
}

// release lets go of what was needed to read the connection, of which packets may
// still come.
func (c *conn) release() {
	c.queue, c.pending, c.explain, c.above, c.tls, c.chain, c.lanes = nil, nil, nil, nil, nil, nil, [3]lane{}
	c.stream = &c.r.nothing
}

// finish tells what is left of both directions.
func (c *conn) finish() {
	switch c.phase {
	case sniffing:
		c.ignore(&c.r.report.Others)
	case reading:
		if c.tls != nil {
			c.tls.Close()
		}
		if c.sealed != "" && !c.locked && c.phase == reading {
			c.lock(c.at)
		}
		for _, dir := range []session.Dir{session.C2S, session.S2C} {
			if !c.lanes[dir].ended {
				c.lanes[dir].ended = true
				c.stop(dir, false)
			}
		}
		if c.awaits {
			c.become(c.at, nil)
		}
		if c.id == 0 && c.phase == reading {
			c.ignore(&c.r.report.Others)
		}
	}
}

// ignore gives the connection up as one that is none of ours.
func (c *conn) ignore(count *int) {
	*count++
	c.phase, c.wire.Ignore = ignored, true
	c.release()
	c.dropPackets()
}

// recognise makes the connection a session.
func (c *conn) recognise(at time.Time) {
	switch {
	case c.id > 0 || c.awaits || c.sequel(at):
	case c.mayJoin():
		c.awaits = true
	default:
		c.become(at, nil)
	}
}

// become makes the connection one of a session of BOSH, or, where that is nil, a session of
// its own.
func (c *conn) become(at time.Time, of *above) {
	c.awaits = false
	if of != nil {
		of.newest++
		c.above, c.id, c.conn = of, of.id, of.newest
	} else {
		c.r.report.Sessions++
		c.id = c.r.report.Sessions
		c.explain = c.r.o.Explain()
	}
	c.passKeys(at)
	c.passPackets()
	pending := c.pending
	c.pending = nil
	c.record(c.began, session.Seen{Leg: session.ClientLeg, Body: session.TCPOpened{
		Peer: c.end(session.C2S), Local: c.end(session.S2C), Direct: c.direct, Captured: true, Joined: !c.wire.Began,
	}})
	for _, e := range pending {
		c.record(e.At, e)
	}
}

// end is the address of the client or the server.
func (c *conn) end(of session.Dir) string {
	if c.turned(of) == session.C2S {
		return c.wire.Client.String()
	}
	return c.wire.Server.String()
}

// record numbers an event and emits it.
func (c *conn) record(at time.Time, e session.Seen) {
	e.At = at
	if c.id == 0 {
		if len(c.pending) < maxPending {
			c.pending = append(c.pending, e)
		}
		if c.awaits {
			c.decide(&e)
		}
		return
	}
	if c.r.err != nil {
		return
	}
	e.Session, e.Conn = c.id, c.conn
	c.verify(&e)
	if c.above != nil {
		c.above.take(e)
		return
	}
	if session.Numbered(e.Body) {
		c.seq++
		e.Seq = c.seq
	}
	c.r.err = c.r.emit(session.Event{Seen: e}, c.explain)
	c.asksBOSH(&e)
}
