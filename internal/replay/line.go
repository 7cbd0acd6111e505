package replay

import (
	"errors"
	"net"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

// Errors of reading from the peer.
var (
	errLate      = errors.New("nothing came in time")
	errGone      = errors.New("the other side has gone")
	errMalformed = errors.New("the other side sends an element that is not well-formed")
)

// line is a connection as a sequence of headers, elements and ends. There is one for each
// framing; what it is given to say may have been recorded in another.
type line interface {
	// say sends something, within a time.
	say(k kind, raw []byte, until time.Time) error
	// next reads up to the end of the next element, header or stream. errLate does not end it.
	next(until time.Time) (*heard, error)
	// leave says that nothing more will come, and reads on until the other side is done, so
	// that closing does not reset what is still on its way.
	leave()
	// stop ends what does not end by itself.
	stop()
}

// heard is what the peer has said.
type heard struct {
	kind kind
	raw  []byte
	root *session.Element
}

// farewell is how long the end of a connection waits for the other side's.
const farewell = 2 * time.Second

// frame is a kind in the words of decode.
func (k kind) frame() decode.Kind {
	switch k {
	case header:
		return decode.Opened
	case ended:
		return decode.Closed
	}
	return decode.Element
}

// early is a connection of which some bytes were read already.
type early struct {
	net.Conn
	rest []byte
}

func (e *early) Read(p []byte) (int, error) {
	if len(e.rest) == 0 {
		return e.Conn.Read(p)
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// peek waits for the next byte, and leaves it there.
func (e *early) peek() (byte, error) {
	if len(e.rest) == 0 {
		p := make([]byte, 1)
		if n, err := e.Conn.Read(p); n == 0 {
			return 0, err
		}
		e.rest = p
	}
	return e.rest[0], nil
}

// CloseWrite ends one direction, where the connection can.
func (e *early) CloseWrite() error { return closeWrite(e.Conn) }

// closeWrite ends one direction of a connection, where it can.
func closeWrite(c net.Conn) error {
	if c, ok := c.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}
