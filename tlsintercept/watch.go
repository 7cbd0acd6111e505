package tlsintercept

import (
	"net"

	"xmppscope/session"
)

// Types of TLS records (RFC 8446 §5.1).
const (
	recordAlert     = 0x15
	recordHandshake = 0x16
	recordHeader    = 5
)

const (
	mostFirst = 64      // bytes kept of what the peer said first
	mostSent  = 1 << 15 // bytes kept of what we said first: a ClientHello
)

// watched remembers, during a handshake, the raw bytes that tell what went wrong
// or what was offered, where crypto/tls does not. It is used by one goroutine
// until done is set, and remembers nothing from then on.
type watched struct {
	net.Conn
	done  bool
	first []byte // the peer's first bytes
	sent  []byte // ours, up to the peer's first
	last  lastRecord
	tape  *tape // nil: nobody wants it
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if !w.done {
		if room := mostFirst - len(w.first); room > 0 {
			w.first = append(w.first, p[:min(n, room)]...)
		}
		w.last.feed(p[:n])
		w.tape.heard(p[:n])
	}
	return n, err
}

func (w *watched) Write(p []byte) (int, error) {
	if !w.done && len(w.first) == 0 && len(w.sent)+len(p) <= mostSent {
		w.sent = append(w.sent, p...)
	}
	if !w.done {
		w.tape.said(p)
	}
	return w.Conn.Write(p)
}

// lastRecord follows the peer's records and keeps the head of the newest one.
type lastRecord struct {
	head []byte // header and up to two bytes of the fragment
	left int    // bytes of the fragment that are still to come
}

func (r *lastRecord) feed(p []byte) {
	for len(p) > 0 {
		if len(r.head) >= recordHeader && r.left == 0 {
			r.head = r.head[:0]
		}
		if len(r.head) < recordHeader {
			n := min(recordHeader-len(r.head), len(p))
			r.head, p = append(r.head, p[:n]...), p[n:]
			if len(r.head) == recordHeader {
				r.left = int(r.head[3])<<8 | int(r.head[4])
			}
			continue
		}
		n := min(r.left, len(p))
		keep := min(recordHeader+2-len(r.head), n)
		r.head = append(r.head, p[:keep]...)
		r.left -= n
		p = p[n:]
	}
}

// alert is the alert in the newest record, if that is an alert in the clear:
// with TLS 1.3 OpenSSL sends its alerts so, even after the server has begun to
// encrypt, and crypto/tls can only say "bad record MAC".
func (r *lastRecord) alert() session.Alert {
	h := r.head
	if len(h) == recordHeader+2 && h[0] == recordAlert && h[3] == 0 && h[4] == 2 {
		return session.Alert(h[6])
	}
	return session.NoAlert
}
