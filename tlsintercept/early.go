package tlsintercept

import "net"

// Early is a connection that first gives back bytes that were read from it too
// early: a ClientHello that came in one segment with <starttls/> (XEP-0305), or
// the byte that Sniff looked at.
type Early struct {
	net.Conn
	early []byte
}

// NewEarly makes reads from conn begin with early, which it keeps.
func NewEarly(conn net.Conn, early []byte) *Early { return &Early{conn, early} }

// Read gives the early bytes, then those of the connection.
func (e *Early) Read(p []byte) (int, error) {
	if len(e.early) == 0 {
		return e.Conn.Read(p)
	}
	n := copy(p, e.early)
	e.early = e.early[n:]
	return n, nil
}

// CloseWrite tells the peer that nothing more will be sent. A connection that
// cannot do that is closed.
func (e *Early) CloseWrite() error {
	if c, ok := e.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return e.Conn.Close()
}
