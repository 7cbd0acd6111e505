package proxy

import (
	"bytes"
	"encoding/binary"
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
