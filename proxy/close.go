package proxy

import (
	"io"
	"time"

	"xmppscope/session"
)

// beginClose lets what is still to be written go out, and no more be read. The caller
// holds mu.
func (p *pump) beginClose(end Close) {
	if p.closing {
		return
	}
	p.closing, p.end = true, end
	p.until = time.Now().Add(lingerTime)
	p.cancel()
	for _, dir := range both {
		l := p.legs[dir.To()]
		if l == nil {
			continue
		}
		l.SetWriteDeadline(p.until)
		if !end.Reset && !p.finished[dir] {
			p.finished[dir], p.finish[dir] = true, &Finish{Dir: dir}
		}
	}
	p.deadlines(time.Unix(1, 0))
}

// finishClose closes both legs and records it. A leg that we end is lingered on
// for a moment: closing with unread bytes would reset the connection, and the
// peer might lose our last words (RFC 1122 §4.2.2.13). A leg whose other has been reset
// is reset: a wire passes that on.
func (p *pump) finishClose() {
	p.keys.close()
	for _, side := range []session.Leg{session.ServerLeg, session.ClientLeg} {
		l := p.legs[side]
		if l == nil {
			continue
		}
		if p.dropped[side] {
			l.release()
			continue
		}
		theirs := p.end.By == side.Dir().Sender()
		switch {
		case p.end.Reset && !theirs:
			l.reset()
		case p.end.By == ourselves && side == session.ClientLeg:
			linger(l, p.until)
		}
		l.Close()
		l.release()
		body := session.TCPClosed{By: p.end.By}
		if theirs {
			body.Reason = p.reason
		}
		p.trail.Event(session.Seen{Leg: side, Body: body})
	}
}

func linger(l *leg, until time.Time) {
	if closeWrite(l.Conn) != nil {
		return
	}
	l.SetReadDeadline(until)
	io.CopyN(io.Discard, l.Conn, 1<<20)
}
