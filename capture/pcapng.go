package capture

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"xmppscope/capture/packet"
	"xmppscope/session"
)

func init() {
	add(Format{
		Ext: ".pcapng", Title: "packets of both legs with TLS keys and explanations", Secrets: true, Wire: true,
		New: newPcapNG, Sniff: packet.IsNG, Read: readPcapNG,
	})
}

// The interfaces of a file, by number; 1 and 2 less one are the legs.
const (
	intfClient = iota
	intfServer
	intfDecoded

	linkExported = 252 // Wireshark's exported PDU
	decodedName  = "decoded"
	// maxCaptured is the longest packet that Wireshark takes; one larger makes it
	// refuse the whole file.
	maxCaptured = 262144
)

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
// secrets in the clear (Options.Redact: blanked, and "decoded" is all there is). Time stamps are nanoseconds.
//
// Two things come later than they happened, with their own times. A leg's bytes
// from ServerHello on wait until its handshake has ended, because Wireshark must
// see the keys first. And the newest packet of a session waits for its next one,
// or for Flush, so that the explanation of what it carried can go beside it.
type pcapngWriter struct {
	w        io.Writer
	buf      []byte // what this call has to say
	open     tuples
	sessions map[int]*ngSession
	ended    ended
	redact   bool // no legs: "decoded" is the only interface
	waiting  int  // sessions with a packet that waits
	held     int  // bytes in all handshakes
}

type ngSession struct {
	id      int
	legs    [3]*ngLeg
	federal bool // a server is the client: jabber:server
	waiting *ngPacket
}

// ngPacket is a packet that may yet get comments.
type ngPacket struct {
	leg      session.Leg
	dir      session.Dir
	at       time.Time
	data     []byte
	comments []string
}

func newPcapNG(w io.Writer, o Options) (Writer, error) {
	p := &pcapngWriter{w: w, open: tuples{}, sessions: map[int]*ngSession{}, redact: o.Redact}
	head, err := p.section(&o)
	if err != nil {
		return nil, err
	}
	header, err := json.Marshal(session.NewHeader(o.Tool, o.Created, !o.Redact))
	if err != nil {
		return nil, err
	}
	p.buf = appendCustom(head, header)
	return p, p.out()
}

// section is the beginning of the file: what it is, and its interfaces.
func (p *pcapngWriter) section(o *Options) ([]byte, error) {
	intf := func(name, about string, link layers.LinkType) pcapgo.NgInterface {
		return pcapgo.NgInterface{Name: name, Description: about, LinkType: link, SnapLength: maxCaptured, TimestampResolution: 9}
	}
	all := []pcapgo.NgInterface{
		intf("client-leg", "between the client and xmppscope, XMPP port shown as 5222", layers.LinkTypeRaw),
		intf("server-leg", "between xmppscope and the server, XMPP port shown as 5222", layers.LinkTypeRaw),
		intf(decodedName, "each XMPP element by itself", linkExported),
	}
	comment := "written by xmppscope; holds passwords and TLS keys in the clear"
	if o.Redact {
		all, comment = all[intfDecoded:], "written by xmppscope; secrets are blanked, and there are no TLS keys"
	}
	var head bytes.Buffer
	options := pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{Application: o.Tool, Comment: comment}}
	ng, err := pcapgo.NewNgWriterInterface(&head, all[0], options)
	if err != nil {
		return nil, err
	}
	for _, i := range all[1:] {
		if _, err := ng.AddInterface(i); err != nil {
			return nil, err
		}
	}
	err = ng.Flush()
	return head.Bytes(), err
}

// out hands what has been gathered to the system.
func (p *pcapngWriter) out() error {
	if len(p.buf) == 0 {
		return nil
	}
	_, err := p.w.Write(p.buf)
	if p.buf = p.buf[:0]; cap(p.buf) > 1<<20 {
		p.buf = nil
	}
	return err
}

func (p *pcapngWriter) Write(e session.Event) error {
	if p.redact {
		if !session.Numbered(e.Body) {
			return nil
		}
		e = session.Blank(e)
	}
	s := p.session(e.Session)
	switch body := e.Body.(type) {
	case session.TCPOpened:
		p.openLeg(s, e, body)
	case session.WireBytes:
		p.wire(s, &e)
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
	p.buf = appendCustom(p.buf, own)
	return err
}

// Flush writes the packets that wait for comments.
func (p *pcapngWriter) Flush() error {
	p.settleAll()
	return p.out()
}

// Close writes all that was kept back. Sessions that go on simply stop here.
func (p *pcapngWriter) Close() error {
	for _, id := range slices.Sorted(maps.Keys(p.sessions)) {
		s := p.sessions[id]
		for _, l := range s.legs {
			p.release(s, l)
		}
	}
	return p.Flush()
}

func (p *pcapngWriter) session(id int) *ngSession {
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
	line, err := session.EncodeJSON(bounded(e))
	if err != nil {
		return err
	}
	p.buf = appendCustom(p.buf, line)
	switch e.Body.(type) {
	case session.StreamOpened, session.StreamElement, session.StreamClosed, session.StreamPartial, session.StreamRaw:
	default:
		return nil
	}
	comment := explain(e)
	if w := s.waiting; w != nil && w.leg == e.Leg && w.dir == e.Dir && len(w.comments) < maxRemarks {
		w.comments = append(w.comments, comment)
	}
	p.decoded(s, &e, comment)
	return nil
}

// decoded writes the element as a packet of its own.
func (p *pcapngWriter) decoded(s *ngSession, e *session.Event, comment string) {
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
	packet := appendTags(nil, from, to)
	tags := len(packet)
	size := max(e.Size, int64(len(e.Raw)))
	packet = append(packet, e.Raw[:min(len(e.Raw), maxCaptured-tags)]...)
	if kept := len(packet) - tags; int64(kept) < size {
		comment = fmt.Sprintf("cut: the first %d of %d bytes\n%s", kept, size, comment)
		comment = cutText(comment, maxComment)
	}
	intf := uint32(intfDecoded)
	if p.redact {
		intf = 0
	}
	p.buf = appendPacket(p.buf, intf, e.At, packet, int64(tags)+size, []string{comment})
}

// settle writes the session's packet that waits.
func (p *pcapngWriter) settle(s *ngSession) {
	w := s.waiting
	if w == nil {
		return
	}
	s.waiting = nil
	p.waiting--
	p.buf = appendPacket(p.buf, interfaceOf(w.leg), w.at, w.data, int64(len(w.data)), w.comments)
}

func (p *pcapngWriter) settleAll() {
	if p.waiting == 0 {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(p.sessions)) {
		p.settle(p.sessions[id])
	}
}

func interfaceOf(leg session.Leg) uint32 {
	if leg == session.ServerLeg {
		return intfServer
	}
	return intfClient
}
