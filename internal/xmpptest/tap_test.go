package xmpptest_test

import (
	"io"
	"net"
	"testing"

	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// TestTap: both sides get what the other has sent, ends included, and saw is told
// of all of it.
func TestTap(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { // a server that answers when the client has finished
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		if b, err := io.ReadAll(c); err == nil {
			c.Write(append([]byte("heard "), b...))
		}
	}()
	seen := map[session.Dir]string{}
	tap := xmpptest.StartTap(t, l.Addr().String(), func(dir session.Dir, p []byte) {
		seen[dir] += string(p)
		if len(p) == 0 {
			seen[dir] += "."
		}
	})
	c, err := net.Dial("tcp", tap.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Write([]byte("hello"))
	c.(*net.TCPConn).CloseWrite()
	if got, err := io.ReadAll(c); err != nil || string(got) != "heard hello" {
		t.Errorf("%q, %v", got, err)
	}
	<-tap.Done
	if seen[session.C2S] != "hello." || seen[session.S2C] != "heard hello." {
		t.Errorf("%q", seen)
	}
}
