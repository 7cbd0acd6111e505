package proxy

import (
	"bytes"
	"net"

	"xmppscope/session"
)

// tapped records the bytes of a leg as TCP carries them, below TLS.
type tapped struct {
	net.Conn
	leg  session.Leg
	push func(session.Event)
}

func (t *tapped) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	if n > 0 {
		t.record(t.leg.Dir(), p[:n])
	}
	return n, err
}

// Write records first, so that no answer can be recorded before its question.
func (t *tapped) Write(p []byte) (int, error) {
	t.record(t.leg.Dir().Opposite(), p)
	return t.Conn.Write(p)
}

// CloseWrite half-closes the connection, if it can be.
func (t *tapped) CloseWrite() error { return closeWrite(t.Conn) }

func (t *tapped) record(dir session.Dir, p []byte) {
	t.push(session.Event{Leg: t.leg, Dir: dir, Body: session.WireBytes{}, Raw: bytes.Clone(p), Size: int64(len(p))})
}

func closeWrite(c net.Conn) error {
	if h, ok := c.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return c.Close()
}
