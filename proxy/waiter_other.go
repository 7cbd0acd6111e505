//go:build !unix

package proxy

import "net"

// waiter reads from a connection.
type waiter struct{ conn net.Conn }

func newWaiter(conn net.Conn) waiter { return waiter{conn} }

// hush does nothing: nobody is told.
func (w waiter) hush() {}

// read reads what there is into the leg's buffer. Whether there is more is not known
// here: one read a pause.
func (w waiter) read(l *leg, wait bool) (int, error) {
	if !wait {
		return 0, errDrained
	}
	return readBlocking(w.conn, l)
}
