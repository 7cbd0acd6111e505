package replay

import (
	"compress/zlib"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

// Errors of reading from the peer.
var (
	errLate = errors.New("nothing came in time")
	errGone = errors.New("the other side has gone")
)

// line is a connection as a sequence of elements. It reads nothing beyond what it gives
// out, so that TLS can begin behind it.
type line struct {
	conn     net.Conn
	in       io.Reader
	out      io.Writer
	flush    func() error
	inflater *decode.Inflater // nil unless the stream is compressed
	scan     decode.Scanner
	scope    decode.Scope
	rest     []byte // read, and not looked at yet
	buf      []byte
}

// heard is what the peer has said.
type heard struct {
	kind kind
	raw  []byte
	root *session.Element
}

func newLine(c net.Conn) *line {
	return &line{conn: c, in: c, out: c, flush: func() error { return nil }, buf: make([]byte, 4096)}
}

// say sends bytes, within a time.
func (l *line) say(p []byte, until time.Time) error {
	l.conn.SetWriteDeadline(until)
	if _, err := l.out.Write(p); err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	return l.flush()
}

// next reads up to the end of the next element, header or stream.
func (l *line) next(until time.Time) (*heard, error) {
	for {
		for len(l.rest) > 0 {
			n, f, ok := l.scan.Next(l.rest)
			l.rest = l.rest[n:]
			if !ok {
				continue
			}
			if h, err := l.heard(&f); h != nil || err != nil {
				return h, err
			}
		}
		if !time.Now().Before(until) {
			return nil, errLate
		}
		l.conn.SetReadDeadline(until)
		n, err := l.in.Read(l.buf)
		l.rest = l.buf[:n]
		var timeout net.Error
		switch {
		case n > 0:
		case errors.As(err, &timeout) && timeout.Timeout():
			return nil, errLate
		case errors.Is(err, io.EOF), err != nil:
			return nil, errGone
		}
	}
}

// heard makes something of a frame, or nothing of one that says nothing.
func (l *line) heard(f *decode.Frame) (*heard, error) {
	raw := append([]byte(nil), f.Raw...)
	switch f.Kind {
	case decode.Opened:
		l.scope = decode.ScopeOf(raw)
		return &heard{header, raw, treeOf(true, raw, nil)}, nil
	case decode.Closed:
		return &heard{ended, raw, nil}, nil
	case decode.Raw:
		return nil, errors.New("what the other side says is no XMPP that could be read")
	case decode.Element:
		if f.Truncated {
			return nil, fmt.Errorf("the other side sends an element of more than %d bytes", decode.MaxFrame)
		}
		root := treeOf(false, raw, l.scope)
		if root == nil {
			return nil, errors.New("the other side sends an element that is not well-formed")
		}
		return &heard{element, raw, root}, nil
	}
	return nil, nil
}

// renew goes on over another connection, such as one with TLS.
func (l *line) renew(c net.Conn) {
	l.conn, l.in, l.out = c, c, c
	l.scan.Reset()
	l.rest, l.scope = nil, nil
}

// tls is the state of TLS, nil if there is none.
func (l *line) tls() *tls.ConnectionState {
	if c, ok := l.conn.(*tls.Conn); ok {
		state := c.ConnectionState()
		return &state
	}
	return nil
}

// compress goes on with zlib both ways (XEP-0138). What was read behind the last element is
// a part of it.
func (l *line) compress() {
	w := zlib.NewWriter(l.conn)
	l.out, l.flush = w, w.Flush
	z := decode.NewInflater()
	z.Give(l.rest)
	l.in, l.inflater, l.rest = &inflating{from: l.conn, z: z, buf: make([]byte, 4096)}, z, nil
}

// inflating reads what is compressed. A time-out does not end it, as it would zlib's reader.
type inflating struct {
	from  io.Reader
	z     *decode.Inflater
	buf   []byte
	plain []byte // borrowed from z until it is asked again
}

func (i *inflating) Read(p []byte) (int, error) {
	for len(i.plain) == 0 {
		out, err := i.z.Take()
		if err != nil {
			return 0, err
		}
		if i.plain = out; len(out) > 0 {
			break
		}
		n, err := i.from.Read(i.buf)
		if n == 0 {
			return 0, err
		}
		i.z.Give(i.buf[:n])
	}
	n := copy(p, i.plain)
	i.plain = i.plain[n:]
	return n, nil
}

// stop ends what does not end by itself.
func (l *line) stop() {
	if l.inflater != nil {
		l.inflater.Stop()
	}
}

// farewell is how long the end of a connection waits for the other side's.
const farewell = 2 * time.Second

// leave says that nothing more will come, and reads on until the other side is done, so
// that closing does not reset what is still on its way.
func (l *line) leave() {
	if c, ok := l.conn.(interface{ CloseWrite() error }); ok {
		c.CloseWrite()
	}
	l.conn.SetReadDeadline(time.Now().Add(farewell))
	io.Copy(io.Discard, io.LimitReader(l.conn, maxBytes))
	l.conn.Close()
}
