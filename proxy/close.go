package proxy

import (
	"io"
	"net"
	"time"

	"xmppscope/session"
)

// beginClose lets what is still to be written go out, and no more be read.
func (p *pump) beginClose(by string) {
	if p.closing {
		return
	}
	p.closing, p.closeBy = true, by
	p.until = time.Now().Add(lingerTime)
	p.cancel()
	for _, dir := range []session.Dir{session.C2S, session.S2C} {
		conn := p.conns[dir.To()]
		if conn == nil {
			continue
		}
		conn.SetWriteDeadline(p.until)
		p.finish[dir] = true
		p.write(dir)
	}
	p.interrupt()
}

// drained says whether every goroutine has reported.
func (p *pump) drained() bool { return p.running == 0 }

// finishClose closes both legs and records it. A leg that we end is lingered on
// for a moment: closing with unread bytes would reset the connection, and the
// peer might lose our last words (RFC 1122 §4.2.2.13).
func (p *pump) finishClose() {
	for _, leg := range []session.Leg{session.ServerLeg, session.ClientLeg} {
		conn := p.raws[leg]
		if conn == nil {
			continue
		}
		if p.closeBy == ourselves && leg == session.ClientLeg {
			linger(conn, p.until)
		}
		conn.Close()
		body := session.TCPClosed{By: p.closeBy}
		if p.closeBy == leg.Dir().Sender() {
			body.Reason = p.reason
		}
		p.push(session.Event{Leg: leg, Body: body})
	}
}

func linger(conn net.Conn, until time.Time) {
	if closeWrite(conn) != nil {
		return
	}
	conn.SetReadDeadline(until)
	io.CopyN(io.Discard, conn, 1<<20)
}
