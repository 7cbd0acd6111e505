package replay

import (
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"xmppscope/decode"
)

// stream is a line that is one XML document (RFC 6120 §4). It reads nothing beyond what it
// gives out, so that TLS can begin behind it.
type stream struct {
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

func newStream(c net.Conn) *stream {
	return &stream{conn: c, in: c, out: c, flush: func() error { return nil }, buf: make([]byte, 4096)}
}

func (l *stream) say(k kind, raw []byte, until time.Time) error {
	l.conn.SetWriteDeadline(until)
	if _, err := l.out.Write(decode.InStream(k.frame(), raw)); err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	return l.flush()
}

func (l *stream) next(until time.Time) (*heard, error) {
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
		case err != nil:
			return nil, errGone
		}
	}
}

// heard makes something of a frame, or nothing of one that says nothing.
func (l *stream) heard(f *decode.Frame) (*heard, error) {
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
			return nil, errMalformed
		}
		return &heard{element, raw, root}, nil
	}
	return nil, nil
}

// below is the connection as it goes on behind what was heard.
func (l *stream) below() net.Conn { return &early{l.conn, l.rest} }

// compress goes on with zlib both ways (XEP-0138). What was read behind the last element is
// a part of it.
func (l *stream) compress() {
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

func (l *stream) stop() {
	if l.inflater != nil {
		l.inflater.Stop()
	}
}

func (l *stream) leave() {
	closeWrite(l.conn)
	l.conn.SetReadDeadline(time.Now().Add(farewell))
	io.Copy(io.Discard, io.LimitReader(l.conn, maxBytes))
	l.conn.Close()
}
