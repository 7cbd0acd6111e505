package capture

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/gopacket/gopacket"

	"xmppscope/capture/packet"
	"xmppscope/session"
)

func init() {
	add(Format{
		Ext: ".pcapng", Title: "packets of both legs with TLS keys and explanations", Secrets: true, Wire: true,
		Packets: true,
		New:     newPcapNG, Sniff: packet.IsNG, Read: readPcapNG,
	})
}

const (
	linkRaw      = 101
	linkExported = 252 // Wireshark's exported PDU
	decodedName  = "decoded"
	// maxCaptured is the longest packet that Wireshark takes; one larger makes it
	// refuse the whole file.
	maxCaptured = 262144
)

// The interfaces that are ours. Their numbers are none that a captured packet's has.
var (
	legInterfaces = [...]session.Interface{
		session.ClientLeg: ownInterface(-1, linkRaw, "client-leg", "between the client and xmppscope, XMPP port shown as 5222"),
		session.ServerLeg: ownInterface(-2, linkRaw, "server-leg", "between xmppscope and the server, XMPP port shown as 5222"),
	}
	decodedInterface = ownInterface(-3, linkExported, decodedName, "each XMPP element by itself")
)

func ownInterface(id int, link uint16, name, about string) session.Interface {
	return session.Interface{ID: id, Link: link, Name: name, Description: about, Snap: maxCaptured, Resolution: 9}
}

// Bounds of what is kept in memory for the sake of order.
const (
	maxHeld    = 1 << 20  // of one leg's handshake
	maxHeldAll = 32 << 20 // of all handshakes
	maxWaiting = 64       // packets that wait for their comments
	maxEnded   = 256      // sessions remembered after their end
	maxRemarks = 16       // comments on one packet
)

// pcapngWriter writes one section with three interfaces: the bytes of each leg
// as TCP carried them, and on "decoded" each element by itself. Each event also
// stands, as it happens, as its JSON line in a custom block; the first such
// block is a header, so that the custom blocks together are a .jsonl file with
// secrets in the clear (Options.Redact: blanked, and "decoded" is all there is). Time
// stamps are nanoseconds.
//
// Of a session that others have captured there are their packets in place of the legs,
// each as it was, on interfaces like those where they were captured; an option says
// whose they are.
//
// Two things come later than they happened, with their own times. A leg's bytes
// from ServerHello on wait until its handshake has ended, because Wireshark must
// see the keys first. And the newest packet of a session waits for its next one,
// or for Flush, so that the explanation of what it carried can go beside it.
type pcapngWriter struct {
	w        io.Writer
	buf      []byte                   // what this call has to say
	line     []byte                   // room for one
	text     []byte                   // room for a comment
	packet   []byte                   // room for one
	room     gopacket.SerializeBuffer // for the flows
	open     tuples
	sessions map[connID]*ngSession
	ended    ended
	ownKind  uint32 // of blocks of ours
	redact   bool   // no legs: "decoded" is the only interface
	intfs    map[session.Interface]uint32
	waiting  map[connID]*ngSession // those with a packet that waits
	spare    []*ngWaiting          // those that have been written, for their room
	held     int                   // bytes in all handshakes
}

// ngSession is a session, or one of its connections.
type ngSession struct {
	id      connID
	legs    [3]*ngLeg
	federal bool // a server is the client: jabber:server
	waiting *ngWaiting
}

// ngWaiting is a packet that may yet get comments, of events of its direction.
type ngWaiting struct {
	ngPacket
	leg       session.Leg // NoLeg for one of a capture of others: there it is the only one
	dir       session.Dir
	explained bool // it has been: it was read from a file of ours
}

func (w *ngWaiting) carries(e *session.Event) bool {
	return w.of(e.Leg) && w.dir == e.Dir
}

// of says whether the packet is of a leg, and may get comments.
func (w *ngWaiting) of(leg session.Leg) bool {
	return w != nil && (w.leg == leg || w.leg == session.NoLeg) && !w.explained && len(w.comments) < maxRemarks
}

func newPcapNG(w io.Writer, o Options) (Writer, error) {
	p := &pcapngWriter{
		w: w, room: gopacket.NewSerializeBuffer(), open: tuples{}, sessions: map[connID]*ngSession{}, waiting: map[connID]*ngSession{}, redact: o.Redact, intfs: map[session.Interface]uint32{},
	}
	if p.ownKind = blockCustom; o.Piped {
		p.ownKind = blockLocal
	}
	comment := "written by xmppscope; holds passwords and TLS keys in the clear"
	if o.Redact {
		comment = "written by xmppscope; secrets are blanked, and there are no TLS keys"
	}
	p.buf = appendSection(nil, o.Tool, comment)
	if !o.Redact && !o.Packets { // who reads a live recording need not take one in the middle
		p.intf(legInterfaces[session.ClientLeg])
		p.intf(legInterfaces[session.ServerLeg])
	}
	p.intf(decodedInterface)
	header, err := json.Marshal(session.NewHeader(o.Tool, o.Created, !o.Redact))
	if err != nil {
		return nil, err
	}
	p.own(customName, header)
	return p, p.out()
}

// intf is the number of an interface, which is described where it is new.
func (p *pcapngWriter) intf(i session.Interface) uint32 {
	n, known := p.intfs[i]
	if !known {
		n = uint32(len(p.intfs))
		p.intfs[i] = n
		p.buf = appendInterface(p.buf, i)
	}
	return n
}

func (p *pcapngWriter) own(name string, line []byte) {
	p.buf = appendOwn(p.buf, p.ownKind, name, line)
}

func (p *pcapngWriter) put(packet *ngPacket) { p.buf = appendPacket(p.buf, packet) }

// nanos is the time stamp of an interface of ours.
func nanos(at time.Time) uint64 { return uint64(at.UnixNano()) }

// out hands what has been gathered to the system.
func (p *pcapngWriter) out() error {
	if len(p.buf) == 0 {
		return nil
	}
	_, err := p.w.Write(p.buf)
	p.buf = reuse(p.buf)[:0]
	return err
}

// reuse is a buffer that is kept for the next time, unless it is large.
func reuse(b []byte) []byte {
	if cap(b) > 1<<20 {
		return nil
	}
	return b
}

func (p *pcapngWriter) Write(e session.Event) error {
	if p.redact {
		if !session.Numbered(e.Body) {
			return nil
		}
		e = session.Blank(e)
	}
	s := p.session(connOf(&e))
	switch body := e.Body.(type) {
	case session.TCPOpened:
		p.openLeg(s, e, body)
	case session.WireBytes:
		p.wire(s, &e, body.Remarks)
	case session.WirePacket:
		p.captured(s, &e, body)
	case session.TLSSecret:
		if err := p.secret(&e, body.Line); err != nil {
			return err
		}
	case session.TLSEstablished, session.TLSFailed:
		p.secured(s, &e)
	case session.TCPHalfClosed:
		p.halfClosed(s, &e)
	case session.TCPClosed:
		p.closeLeg(s, &e, body)
	}
	if session.Numbered(e.Body) {
		if err := p.event(s, e); err != nil {
			return err
		}
	}
	return p.out()
}

// secret writes a key where Wireshark looks for it, and as an event, which says
// whose it is.
func (p *pcapngWriter) secret(e *session.Event, line string) error {
	p.buf = appendSecrets(p.buf, []byte(line+"\n"))
	own, err := session.EncodeJSON(*e)
	p.own(customName, own)
	return err
}

// Flush writes the packets that wait for comments.
func (p *pcapngWriter) Flush() error {
	p.settleAll()
	return p.out()
}

// Close writes all that was kept back. Sessions that go on simply stop here.
func (p *pcapngWriter) Close() error {
	for _, id := range slices.SortedFunc(maps.Keys(p.sessions), connID.compare) {
		s := p.sessions[id]
		for _, l := range s.legs {
			p.release(s, l)
		}
	}
	return p.Flush()
}

func (p *pcapngWriter) session(id connID) *ngSession {
	s, ok := p.sessions[id]
	if !ok {
		s = &ngSession{id: id}
		p.sessions[id] = s
	}
	return s
}

// event writes the event's JSON line, its explanation on the packet that carried
// it, and the element by itself.
func (p *pcapngWriter) event(s *ngSession, e session.Event) error {
	line, err := session.AppendJSON(p.line[:0], bounded(e))
	if err != nil {
		return err
	}
	p.line = reuse(line)
	p.own(customName, line)
	switch e.Body.(type) {
	case session.StreamOpened, session.StreamElement, session.StreamClosed, session.StreamPartial, session.StreamRaw:
	default:
		return nil
	}
	p.text = appendExplanation(p.text[:0], e)
	if w := s.waiting; w.carries(&e) {
		remark(&w.ngPacket, p.text)
	}
	p.decoded(s, &e, p.text)
	p.text = reuse(p.text)
	return nil
}

// decoded writes the element as a packet of its own.
func (p *pcapngWriter) decoded(s *ngSession, e *session.Event, comment []byte) {
	if e.Dir == session.NoDir {
		return
	}
	l := p.leg(s, e.Dir.From())
	if client := s.legs[session.ClientLeg]; client != nil && client.opened.Captured {
		l = client // it reaches to the server
	}
	p.claim(s, l, nil)
	from, to := l.ends.client, l.ends.server
	if e.Dir == session.S2C {
		from, to = to, from
	}
	packet := appendTags(p.packet[:0], from, to)
	tags := len(packet)
	size := max(e.Size, int64(len(e.Raw)))
	packet = append(packet, e.Raw[:min(len(e.Raw), maxCaptured-tags)]...)
	p.packet = reuse(packet)
	if kept := len(packet) - tags; int64(kept) < size {
		comment = fmt.Appendf(nil, "cut: the first %d of %d bytes\n%s", kept, size, comment)
	}
	p.put(&ngPacket{
		intf: p.intf(decodedInterface), stamp: nanos(e.At), data: packet, length: int64(tags) + size, comments: [][]byte{comment},
	})
}

// captured writes a packet that others have captured.
func (p *pcapngWriter) captured(s *ngSession, e *session.Event, body session.WirePacket) {
	p.settle(s)
	w := p.await(s, e.Raw)
	w.intf, w.stamp, w.length = p.intf(body.On), body.Stamp, max(e.Size, int64(len(e.Raw)))
	w.dir, w.explained, w.owner = e.Dir, body.Explained, owner{s.id.session, e.Dir}
	w.remark(comments(body.Remarks, s.id.session)...)
}

// await keeps a packet for its comments, which come before the next one of the
// session. All but its bytes is for the caller to fill in.
func (p *pcapngWriter) await(s *ngSession, packet []byte) *ngWaiting {
	if len(p.waiting) == maxWaiting {
		p.settleAll()
	}
	w := new(ngWaiting)
	if n := len(p.spare); n > 0 {
		w, p.spare = p.spare[n-1], p.spare[:n-1]
		w.data, w.comments = w.data[:0], w.comments[:0]
		*w = ngWaiting{ngPacket: ngPacket{data: w.data, comments: w.comments}}
	}
	w.data = append(w.data, packet...)
	s.waiting, p.waiting[s.id] = w, s
	return w
}

// settle writes the session's packet that waits.
func (p *pcapngWriter) settle(s *ngSession) {
	w := s.waiting
	if w == nil {
		return
	}
	s.waiting = nil
	delete(p.waiting, s.id)
	p.put(&w.ngPacket)
	p.spare = append(p.spare, w)
}

func (p *pcapngWriter) settleAll() {
	for _, id := range slices.SortedFunc(maps.Keys(p.waiting), connID.compare) {
		p.settle(p.waiting[id])
	}
}
