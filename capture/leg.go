package capture

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"xmppscope/session"
)

// ngLeg is one leg of a session on its way into a pcapng file.
type ngLeg struct {
	leg    session.Leg
	opened session.TCPOpened
	at     time.Time // when it was opened
	ends   tuple     // as shown; zero until claimed
	about  string    // comment on its first packet
	flow   *flow     // nil until its first packet
	closed bool

	hello   bool      // a ClientHello has gone by
	holding bool      // from ServerHello until the handshake has ended
	secured bool      // the handshake has ended, well or badly
	held    []ngChunk // while holding
	size    int       // bytes in held
	remarks []string  // for the first packet of held
}

// ngChunk is what one read or write of the relay carried.
type ngChunk struct {
	at   time.Time
	dir  session.Dir
	raw  []byte
	lost int64 // bytes after raw that nobody recorded
	session.Remarks
}

// openLeg notes where a leg leads. Its packets begin with its first bytes,
// because these tell which port is to be shown.
func (p *pcapngWriter) openLeg(s *ngSession, e session.Event, body session.TCPOpened) {
	if e.Leg != session.NoLeg && s.legs[e.Leg] == nil {
		s.legs[e.Leg] = &ngLeg{leg: e.Leg, opened: body, at: e.At}
	}
}

// leg finds a leg, and makes one without addresses where none was opened.
func (p *pcapngWriter) leg(s *ngSession, leg session.Leg) *ngLeg {
	if s.legs[leg] == nil {
		s.legs[leg] = &ngLeg{leg: leg}
	}
	return s.legs[leg]
}

// claim settles which addresses a leg is shown with; first is what it carried
// first, as far as that is known.
func (p *pcapngWriter) claim(s *ngSession, l *ngLeg, first []byte) {
	if l.ends != (tuple{}) {
		return
	}
	s.federal = s.federal || bytes.Contains(first, []byte("jabber:server"))
	port := uint16(portClient)
	switch {
	case l.opened.Direct || (len(first) > 0 && first[0] == recordHandshake):
		port = portDirect
	case beginsHTTP(first):
		port = portWeb
	case s.federal:
		port = portServer
	}
	want, truth := ends(l.leg, l.opened, port)
	got, shifted := p.open.claim(want)
	l.ends = got
	l.about = fmt.Sprintf("xmppscope session %d, ", s.id.session)
	if s.id.conn > 0 {
		l.about += fmt.Sprintf("connection %d, ", s.id.conn)
	}
	l.about += fmt.Sprintf("%s leg: %s", l.leg, truth)
	if shifted {
		l.about += fmt.Sprintf("; the client's port is shown as %d because another connection is shown with %d", got.client.Port(), want.client.Port())
	}
}

// beginsHTTP says whether a leg begins with a request of HTTP.
func beginsHTTP(first []byte) bool {
	line, _, _ := bytes.Cut(first, []byte("\r\n"))
	return bytes.HasSuffix(line, []byte(" HTTP/1.1")) || bytes.HasSuffix(line, []byte(" HTTP/1.0"))
}

// recordHandshake begins each TLS record of a handshake (RFC 8446 §5.1), and no
// XML.
const recordHandshake = 0x16

// wire takes what a leg carried, and what stood beside it in the file it was read from.
func (p *pcapngWriter) wire(s *ngSession, e *session.Event, r session.Remarks) {
	if e.Leg == session.NoLeg || e.Dir == session.NoDir {
		return
	}
	l := p.leg(s, e.Leg)
	if l.closed {
		return
	}
	c := ngChunk{at: e.At, dir: e.Dir, raw: e.Raw, lost: max(0, e.Size-int64(len(e.Raw))), Remarks: r}
	if at := tlsStart(c.raw); at >= 0 && !l.secured && !l.holding {
		if at > 0 { // XEP-0305: the turn to TLS within one segment
			p.segment(s, l, ngChunk{at: c.at, dir: c.dir, raw: c.raw[:at]})
			c.raw = c.raw[at:]
		}
		switch {
		case c.dir == session.C2S:
			l.hello = true
		case l.hello:
			l.holding = true
		}
	}
	if !l.holding {
		p.segment(s, l, c)
		return
	}
	l.held = append(l.held, c)
	l.size += len(c.raw)
	p.held += len(c.raw)
	if l.size > maxHeld || p.held > maxHeldAll {
		p.release(s, l)
	}
}

// tlsStart finds where TLS begins in bytes that may have been XML before, -1 if
// it does not.
func tlsStart(raw []byte) int {
	if len(raw) > 0 && raw[0] == recordHandshake {
		return 0
	}
	if i := bytes.Index(raw, []byte{'>', recordHandshake, 3}); i >= 0 {
		return i + 1
	}
	return -1
}

// segment writes bytes as packets, all but the last, which waits for comments.
func (p *pcapngWriter) segment(s *ngSession, l *ngLeg, c ngChunk) {
	p.settle(s)
	if l.flow == nil {
		p.claim(s, l, c.raw)
		l.flow = newFlow(l.ends.client, l.ends.server, p.room)
		at := l.at
		if at.IsZero() {
			at = c.at
		}
		line, _ := json.Marshal(shownLeg{s.id.session, s.id.conn, l.leg.String(), l.ends.client, l.ends.server}) // has nothing that could fail
		p.own(customLeg, line)
		p.packets(l, at, l.flow.open(), l.about)
	}
	for b := range l.flow.data(c.dir, c.raw) {
		p.settle(s)
		w := p.await(s, b)
		w.intf, w.stamp, w.length = p.intf(legInterfaces[l.leg]), nanos(c.at), int64(len(b))
		w.leg, w.dir = l.leg, c.dir
	}
	if w := s.waiting; w != nil {
		w.explained = c.Explained
		w.remark(comments(c.Remarks, s.id.session)...)
	}
	l.flow.skip(c.dir, c.lost)
}

// packets writes packets of a leg, the comments on the first.
func (p *pcapngWriter) packets(l *ngLeg, at time.Time, list [][]byte, comments ...string) {
	for _, b := range list {
		packet := ngPacket{intf: p.intf(legInterfaces[l.leg]), stamp: nanos(at), data: b, length: int64(len(b))}
		packet.remark(comments...)
		p.put(&packet)
		comments = nil
	}
}

// secured ends a leg's handshake: its keys have been written, its bytes follow,
// with the explanation on the packet that begins with ServerHello.
func (p *pcapngWriter) secured(s *ngSession, e *session.Event) {
	if e.Leg == session.NoLeg {
		return
	}
	l := p.leg(s, e.Leg)
	comment := explain(*e)
	switch w := s.waiting; {
	case len(l.held) > 0 && !l.held[0].Explained:
		l.remarks = append(l.remarks, comment)
	case len(l.held) == 0 && w.of(e.Leg):
		w.remark(comment)
	}
	p.release(s, l)
	l.secured = true
}

// release writes what was held of a leg's handshake.
func (p *pcapngWriter) release(s *ngSession, l *ngLeg) {
	if l == nil || !l.holding {
		return
	}
	held, left := l.held, firstRecord(l.held)
	p.held -= l.size
	l.held, l.size, l.holding, l.secured = nil, 0, false, true
	for _, c := range held {
		p.segment(s, l, c)
		if c.dir == session.S2C {
			left -= len(c.raw)
		}
		if left <= 0 && s.waiting != nil {
			s.waiting.remark(l.remarks...)
			l.remarks = nil
		}
	}
}

// firstRecord is the length of the TLS record that the held bytes begin with, 1
// if it cannot be told. Wireshark shows ServerHello at the packet that ends it.
func firstRecord(held []ngChunk) int {
	if len(held) == 0 || len(held[0].raw) < 5 {
		return 1
	}
	return 5 + int(binary.BigEndian.Uint16(held[0].raw[3:]))
}

// halfClosed writes the FIN of one side.
func (p *pcapngWriter) halfClosed(s *ngSession, e *session.Event) {
	l := s.legs[e.Leg]
	if l == nil || l.flow == nil || l.closed || e.Dir == session.NoDir {
		return
	}
	p.release(s, l)
	p.settle(s)
	if fin := l.flow.fin(e.Dir); fin != nil {
		p.packets(l, e.At, [][]byte{fin})
	}
}

// closeLeg writes the end of a leg, and forgets the connection after the last.
func (p *pcapngWriter) closeLeg(s *ngSession, e *session.Event, body session.TCPClosed) {
	l := s.legs[e.Leg]
	if l == nil || l.closed {
		return
	}
	p.release(s, l)
	p.settle(s)
	if l.flow != nil {
		reset := strings.Contains(body.Reason, "reset")
		p.packets(l, e.At, l.flow.finish(closer(e.Leg, body.By), reset))
	}
	l.closed = true
	delete(p.open, l.ends)
	for _, other := range s.legs {
		if other != nil && !other.closed {
			return
		}
	}
	if old, ok := p.ended.add(s.id); ok {
		delete(p.sessions, old)
	}
}

// ended remembers connections for a while after their end: events may still come,
// and bytes that are late must not look like a new connection.
type ended []connID

// add returns the one that is to be forgotten for this one, if there is one.
func (l *ended) add(id connID) (old connID, ok bool) {
	*l = append(*l, id)
	if len(*l) <= maxEnded {
		return connID{}, false
	}
	old = (*l)[0]
	*l = (*l)[1:]
	return old, true
}

// closer is the direction whose sender ended a leg first.
func closer(leg session.Leg, by string) session.Dir {
	switch {
	case leg == session.ClientLeg && by == "client":
		return session.C2S
	case leg == session.ServerLeg && by == "server":
		return session.S2C
	case leg == session.ClientLeg: // we did, towards the client
		return session.S2C
	}
	return session.C2S
}
