package proxy

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// watch notices that a server hangs up while nobody reads from it: between
// <proceed/> and the client's ClientHello it has nothing to say, so a read only
// ends if it goes. The first use of the connection ends the watch, and what it
// has read comes first.
type watch struct {
	net.Conn
	once sync.Once
	done chan struct{}
	buf  [1]byte
	n    int
	err  error
}

func newWatch(c net.Conn) *watch {
	w := &watch{Conn: c, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		w.n, w.err = c.Read(w.buf[:])
	}()
	return w
}

// wait returns why the server is gone, or nil if the watch was ended.
func (w *watch) wait() error {
	<-w.done
	if errors.Is(w.err, os.ErrDeadlineExceeded) || errors.Is(w.err, net.ErrClosed) {
		return nil
	}
	return w.err
}

// end stops the watch before the connection is used.
func (w *watch) end() {
	w.once.Do(func() {
		w.Conn.SetReadDeadline(time.Unix(1, 0))
		<-w.done
		w.Conn.SetReadDeadline(time.Time{})
	})
}

func (w *watch) Read(p []byte) (int, error) {
	w.end()
	if w.n > 0 && len(p) > 0 {
		w.n = 0
		p[0] = w.buf[0]
		return 1, nil
	}
	return w.Conn.Read(p)
}

func (w *watch) Write(p []byte) (int, error) {
	w.end()
	return w.Conn.Write(p)
}

// CloseWrite half-closes the connection, if it can be.
func (w *watch) CloseWrite() error {
	w.end()
	return closeWrite(w.Conn)
}
