package proxy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"xmppscope/session"
)

// full is a connection on which there always is as much as fits.
type full struct {
	net.Conn
	io.Reader
}

func (f full) Read(p []byte) (int, error) {
	if len(p) == 0 { // as the system has it
		return 0, io.EOF
	}
	return f.Reader.Read(p)
}

// records are TLS records (RFC 8446 §5.1) of one length in all after the first.
func records(first, other, total int) (all []byte) {
	for n := first; len(all) < total; n = other {
		all = append(all, 23, 3, 3)
		all = binary.BigEndian.AppendUint16(all, uint16(n))
		for i := range n {
			all = append(all, byte(i))
		}
	}
	return all
}

// What is read at once may end anywhere in a record's header. (A buffer that was full
// there left no room to read on, and what came behind it was taken for the end.)
func TestHeaderAtTheEndOfTheBuffer(t *testing.T) {
	for at := range 2 * recordHead {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			sent := records(legRoom%1000-at-recordHead, 1000-recordHead, 5*legRoom)
			l := newLeg(full{nil, bytes.NewReader(sent)}, session.ClientLeg, nil)
			l.whole = true
			var got []byte
			p := make([]byte, maxRecord+recordHead)
			for {
				if err := l.fill(); err == io.EOF {
					break
				} else if err != nil {
					t.Fatal(err)
				}
				n, err := l.Read(p)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, p[:n]...)
			}
			if !bytes.Equal(got, sent) {
				t.Errorf("%d of %d bytes were read", len(got), len(sent))
			}
		})
	}
}

// TestHushedLegReadsWhatLittleComes: what comes after a leg was hushed is read, be it one byte,
// whether it is there already or is waited for.
func TestHushedLegReadsWhatLittleComes(t *testing.T) {
	peer, conn := connected(t)
	defer conn.Close()
	answered := make(chan struct{})
	go func() { // who answers has to be woken first: the answer is waited for
		defer close(answered)
		io.Copy(peer, peer)
		peer.Close()
	}()
	l := newLeg(conn, session.ClientLeg, nil)
	for range 100 {
		l.wait.hush()
		mustWrite(t, l, "x")
		mustRead(t, l, "x")
	}
	l.wait.hush()
	l.CloseWrite()
	<-answered
	if err := l.fill(); err != io.EOF {
		t.Errorf("the end is read as %v", err)
	}
}

// connected is a TCP connection with both its ends.
func connected(t *testing.T) (a, b net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err1 := net.Dial("tcp", l.Addr().String())
	b, err2 := l.Accept()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return a, b
}
