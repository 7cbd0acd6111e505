package xmpptest

import (
	"net"
	"testing"
)

// Loopback is one TCP connection, both ends, closed when the test ends. (net.Pipe
// has no buffer: two ends that both write wait for each other.)
func Loopback(t testing.TB) (dialled, accepted net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", local(0))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if dialled, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if accepted, err = l.Accept(); err != nil { // it waits in the listener's queue
		t.Fatal(err)
	}
	t.Cleanup(func() { dialled.Close(); accepted.Close() })
	return dialled, accepted
}
