//go:build unix

package proxy

import (
	"io"
	"net"
	"os"
	"syscall"
)

// waiter reads from a connection. It takes a buffer only when there is something to read.
type waiter struct {
	conn  net.Conn
	raw   syscall.RawConn
	quiet bool // nobody is told that there is little to read
}

func newWaiter(conn net.Conn) waiter {
	w := waiter{conn: conn}
	if c, ok := conn.(syscall.Conn); ok {
		w.raw, _ = c.SyscallConn()
	}
	return w
}

// hushed is how much may come untold: more than comes in a pause, and so little that the system
// need not change how much it holds for the connection (tcp_set_rcvlowat).
const hushed = legRoom / 2

// hush has nobody told that there is little to read, until it is waited for.
func (w *waiter) hush() {
	if w.raw != nil && !w.quiet {
		w.quiet = true
		w.raw.Control(func(fd uintptr) { lowWater(fd, hushed) })
	}
}

// read reads what there is into the leg's buffer.
func (w *waiter) read(l *leg, wait bool) (n int, err error) {
	if w.raw == nil {
		return readBlocking(w.conn, l)
	}
	var failed error
	err = w.raw.Read(func(fd uintptr) bool {
		for {
			n, failed = syscall.Read(int(fd), l.room())
			switch {
			case failed == syscall.EINTR:
				continue
			case failed == syscall.EAGAIN && wait && w.quiet:
				w.quiet = false
				lowWater(fd, 1)
				continue
			case failed == syscall.EAGAIN && wait:
				if l.from == l.to {
					l.release()
				}
				return false
			case failed == syscall.EAGAIN:
				failed = errDrained
			}
			return true
		}
	})
	switch {
	case err != nil: // a deadline, or closed
		return 0, err
	case failed == errDrained:
		return 0, failed
	case failed != nil:
		return 0, &net.OpError{Op: "read", Net: "tcp", Source: w.conn.LocalAddr(), Addr: w.conn.RemoteAddr(), Err: os.NewSyscallError("read", failed)}
	case n <= 0:
		return 0, io.EOF
	}
	return n, nil
}
