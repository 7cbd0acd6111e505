package proxy

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"

	"xmppscope/session"
)

// legRoom is how much of a leg is read at a time, and written at a time.
const legRoom = 64 << 10

// rooms are buffers of legRoom: a connection has one only while bytes are in it, so that
// thousands that are idle take little.
var rooms = sync.Pool{New: func() any { return new([legRoom]byte) }}

// errDrained says that a leg has nothing more at hand. crypto/tls takes an error that is
// temporary for a pause: it goes on where it was.
var errDrained net.Error = drained{}

type drained struct{}

func (drained) Error() string   { return "nothing more is at hand" }
func (drained) Timeout() bool   { return true }
func (drained) Temporary() bool { return true }

// leg is one connection below TLS. It reads as much as there is with one system call and
// gives it out a TLS record at a time; what is written while it gathers goes out with
// one system call too. So many small records cost little more than one large.
//
// One goroutine reads and another writes.
type leg struct {
	net.Conn
	side session.Leg
	tap  *session.Trail // takes the bytes as TCP carries them; nil: nobody wants them

	keys *waiting // is told what the client says, to find whose secrets to wait for; nil: nobody

	door  atomic.Bool // the client may be at a door: what it says there is told in words, and not tapped
	mu    sync.Mutex  // guards what was read meanwhile
	first []byte      // that
	aside int         // so many bytes that are written next are a door's answer

	wait   waiter // reads from the system
	in     []byte // what was read; nil while nothing is in it
	pooled bool   // in is one of rooms
	from   int    // in[from:to] is not given out yet
	to     int
	record int   // bytes of the TLS record at from that are still to be given out
	pause  bool  // Read says errDrained rather than to wait
	whole  bool  // TLS is spoken: give out no more than a record at a time
	failed error // of the last read, for when what came before it has been given out
	eof    bool  // the peer's FIN has been read

	gather bool
	out    *[legRoom]byte // what is gathered; nil while nothing is in it
	filled int
}

func newLeg(conn net.Conn, side session.Leg, tap *session.Trail) *leg {
	return &leg{Conn: conn, side: side, tap: tap, wait: newWaiter(conn)}
}

// recordHead is the length of a TLS record's header (RFC 8446 §5.1).
const recordHead = 5

// fill waits until there is something that Read can give. It has no buffer while it waits
// for the first byte of a record.
func (l *leg) fill() error {
	for l.failed == nil && (l.from == l.to || l.cutHeader()) {
		if err := l.more(true); err != nil {
			if l.from == l.to || errors.Is(err, os.ErrDeadlineExceeded) { // what is at hand stays
				return err
			}
			l.failed = err
		}
	}
	return nil
}

// cutHeader says whether what is at hand is the beginning of a record's header.
func (l *leg) cutHeader() bool { return l.whole && l.record == 0 && l.to-l.from < recordHead }

// more reads what there is behind what is at hand; it waits for it or says errDrained.
func (l *leg) more(wait bool) error {
	n, err := l.wait.read(l, wait)
	l.eof = l.eof || err == io.EOF
	if n > 0 {
		l.heard(l.in[l.to : l.to+n])
		l.to += n
		if err != nil {
			l.failed = err
		}
		return nil
	}
	if l.from == l.to {
		l.release()
	}
	return err
}

// heard taps what was read.
func (l *leg) heard(p []byte) {
	if l.tap == nil {
		return
	}
	if l.door.Load() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.door.Load() {
			l.first = append(l.first, p...)
			return
		}
	}
	l.keys.heard(p)
	l.tap.Wire(l.side, l.side.Dir(), p)
}

// enter says that the client is through the door, which took so many bytes.
func (l *leg) enter(took int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tap != nil && took < len(l.first) {
		l.keys.heard(l.first[took:])
		l.tap.Wire(l.side, l.side.Dir(), l.first[took:])
	}
	l.first = nil
	l.door.Store(false)
}

// room is where what is read next goes. The beginning of a record's header moves to the
// front: what it stands behind has been given out, and may fill the buffer.
func (l *leg) room() []byte {
	switch {
	case l.in == nil:
		l.in, l.pooled = rooms.Get().(*[legRoom]byte)[:], true
		l.from, l.to = 0, 0
	case l.to-l.from < recordHead:
		l.from, l.to = 0, copy(l.in, l.in[l.from:l.to])
	}
	return l.in[l.to:]
}

// release gives the buffer back.
func (l *leg) release() {
	if l.pooled {
		rooms.Put((*[legRoom]byte)(l.in))
	}
	l.in, l.pooled = nil, false
	l.from, l.to = 0, 0
}

// Read gives what is at hand, and waits only if nothing is.
func (l *leg) Read(p []byte) (int, error) {
	if l.from == l.to {
		err := l.failed
		if err == nil {
			err = l.more(!l.pause)
		}
		if err != nil {
			return 0, err
		}
	}
	n := min(len(p), l.to-l.from)
	if l.whole {
		if err := l.header(); err != nil {
			return 0, err
		}
		n = min(len(p), l.to-l.from, l.record)
		l.record -= n
	}
	copy(p, l.in[l.from:l.from+n])
	if l.from += n; l.from == l.to {
		l.release()
	}
	return n, nil
}

// header learns how long the record is that begins at from, for which it may have to read.
// A header that has been cut off is given out as it is.
func (l *leg) header() error {
	for l.cutHeader() && l.failed == nil {
		if err := l.more(!l.pause); errors.Is(err, errDrained) {
			return err
		} else if err != nil {
			l.failed = err
		}
	}
	switch at := l.in[l.from:l.to]; {
	case l.record > 0:
	case len(at) < recordHead:
		l.record = len(at)
	default:
		l.record = recordHead + int(at[3])<<8 + int(at[4])
	}
	return nil
}

// unread puts bytes back: they were read before it was known that they are TLS.
func (l *leg) unread(p []byte) {
	if len(p) == 0 {
		return
	}
	all := append(append(make([]byte, 0, len(p)+l.to-l.from+recordHead), p...), l.in[l.from:l.to]...)
	l.release()
	l.in, l.to = all[:cap(all)], len(all)
}

// Write writes, or gathers what is to be written.
func (l *leg) Write(p []byte) (int, error) {
	if !l.gather {
		return l.send(p)
	}
	if l.filled+len(p) > legRoom {
		if err := l.flush(); err != nil {
			return 0, err
		}
	}
	if len(p) > legRoom {
		return l.send(p)
	}
	if l.out == nil {
		l.out = rooms.Get().(*[legRoom]byte)
	}
	l.filled += copy(l.out[l.filled:], p)
	return len(p), nil
}

// send keeps what is written before it is, so that no answer can be kept before its
// question.
func (l *leg) send(p []byte) (int, error) {
	aside := min(l.aside, len(p))
	l.aside -= aside
	if l.tap != nil && aside < len(p) {
		l.tap.Wire(l.side, l.side.Dir().Opposite(), p[aside:])
	}
	return l.Conn.Write(p)
}

// flush writes what was gathered.
func (l *leg) flush() error {
	if l.out == nil {
		return nil
	}
	_, err := l.send(l.out[:l.filled])
	rooms.Put(l.out)
	l.out, l.filled = nil, 0
	return err
}

// CloseWrite half-closes the connection, if it can be.
func (l *leg) CloseWrite() error { return closeWrite(l.Conn) }

func closeWrite(c net.Conn) error {
	if h, ok := c.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return c.Close()
}

// reset makes the peer learn that this was no orderly end.
func (l *leg) reset() {
	if c, ok := l.Conn.(interface{ SetLinger(sec int) error }); ok {
		c.SetLinger(0)
	}
}

// readBlocking reads where the system cannot be asked whether there is something.
func readBlocking(conn net.Conn, l *leg) (int, error) { return conn.Read(l.room()) }
