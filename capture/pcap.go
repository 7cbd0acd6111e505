package capture

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"xmppscope/session"
)

func init() {
	add(Format{
		Ext: ".pcap", Title: "packets of the plaintext, and the events; of a capture of others, the packets as they were", Secrets: true, Packets: true,
		New: newPcap, Sniff: sniffPcap, Read: readPcap,
	})
}

const nsTLS = "urn:ietf:params:xml:ns:xmpp-tls"

// pcapWriter writes the plaintext of each session as TCP connections between
// client and xmppscope, on port 5222 because Wireshark looks for XMPP nowhere
// else. What follows TLS is a connection of its own, with another port of the
// client: after <proceed/> Wireshark takes all that comes on the same one for
// TLS records. The handshake itself is not there. Time stamps are microseconds.
//
// Each event also stands, as it happens, as its JSON line in messages of syslog, a
// header before the first: see syslog.go.
//
// Of an element that was cut when it was recorded there is what was kept, and
// the next bytes follow at once: sequence numbers count what is in the file, for
// a hole in them would say that the network has lost a segment. The format has
// no place to tell of the cut; .pcapng tells on its "decoded" interface.
//
// Of a session that others have captured there are their packets as they were,
// unless Options.Reveal asks for what they carried; a file that begins with them has
// no events. A file has one link type.
type pcapWriter struct {
	w        io.Writer
	header   []byte // line that comes before the first event; nil once it is there
	redact   bool   // secrets blanked
	reveal   bool   // what captured packets carried, rather than the packets
	buf      bytes.Buffer
	packets  *pcapgo.Writer // nil until the link type is known
	link     uint16
	room     gopacket.SerializeBuffer // for the flows
	open     tuples
	sessions map[connID]*plainSession
	ended    ended
	first    []session.Event // that wait for the first packet
	foreign  bool            // which was of others
}

// plainSession is a session, or one of its connections.
type plainSession struct {
	ends tuple       // as wished for
	used tuple       // of flow
	flow *flow       // nil before the first byte, and between two connections
	legs int         // open now
	by   session.Dir // who ended it first
	over bool

	captured bool // its own packets are there
}

func newPcap(w io.Writer, o Options) (Writer, error) {
	header, err := json.Marshal(session.NewHeader(o.Tool, o.Created, !o.Redact))
	if err != nil {
		return nil, err
	}
	p := &pcapWriter{w: w, room: gopacket.NewSerializeBuffer(), header: header, redact: o.Redact, reveal: o.Reveal, open: tuples{}, sessions: map[connID]*plainSession{}}
	if o.Packets && !o.Redact && !o.Reveal {
		return p, nil // the first packet tells what link type it is
	}
	p.begin(linkRaw, false)
	return p, p.out()
}

// begin writes the header. Memory takes it: it cannot fail.
func (p *pcapWriter) begin(link uint16, nanos bool) {
	p.link, p.packets = link, pcapgo.NewWriter(&p.buf)
	if nanos {
		p.packets = pcapgo.NewWriterNanos(&p.buf)
	}
	_ = p.packets.WriteFileHeader(maxCaptured, layers.LinkType(link))
}

// Close writes what waited, and the header of a file that has nothing else.
func (p *pcapWriter) Close() error {
	if p.packets != nil {
		return nil
	}
	p.begin(linkRaw, false)
	return errors.Join(p.writeFirst(), p.out())
}

// maxFirst bounds the events that wait for a first packet.
const maxFirst = 64

// Write implements Writer. Where packets of others may come, the first events wait for
// one: it tells what the file is.
func (p *pcapWriter) Write(e session.Event) error {
	if p.packets == nil {
		body, captured := e.Body.(session.WirePacket)
		switch {
		case captured:
			p.foreign, p.session(connOf(&e)).captured = true, true
			p.begin(body.On.Link, body.On.Resolution != 6)
		case len(p.first) < maxFirst:
			p.first = append(p.first, e)
			return nil
		default:
			p.begin(linkRaw, false)
		}
		if err := p.writeFirst(); err != nil {
			return err
		}
	}
	return errors.Join(p.write(e), p.out())
}

// writeFirst writes the events that have waited.
func (p *pcapWriter) writeFirst() (err error) {
	for _, e := range p.first {
		err = errors.Join(err, p.write(e))
	}
	p.first = nil
	return err
}

func (p *pcapWriter) write(e session.Event) error {
	if p.redact {
		e = session.Blank(e)
	}
	told := session.Numbered(e.Body) && !p.foreign
	if told && p.header != nil {
		p.line(&e, p.header)
		p.header = nil
	}
	var err error
	switch body := e.Body.(type) {
	case session.WirePacket:
		err = p.captured(&e, body)
	case session.TCPOpened:
		s := p.session(connOf(&e))
		s.legs++
		if e.Leg == session.ClientLeg && s.flow == nil {
			s.ends, _ = ends(e.Leg, body, portClient)
		}
	case session.TCPClosed:
		p.closed(p.session(connOf(&e)), &e, body)
	default:
		if session.IsPlaintext(e.Body) && e.Dir != session.NoDir {
			err = p.plaintext(&e)
		}
	}
	if !told || err != nil {
		return err
	}
	line, err := session.EncodeJSON(bounded(e))
	if err == nil {
		p.line(&e, line)
	}
	return err
}

// line writes a line about an event, between the ends of its session.
func (p *pcapWriter) line(e *session.Event, line []byte) {
	ends := noEnds
	if s := p.sessions[connOf(e)]; s != nil {
		ends = s.ends
	}
	from, to := ends.client.Addr(), ends.server.Addr()
	if e.Dir == session.S2C {
		from, to = to, from
	}
	p.writeAll(e.At, syslogPackets(from, to, line))
}

// captured writes a packet that others have captured.
func (p *pcapWriter) captured(e *session.Event, body session.WirePacket) error {
	if p.reveal || p.redact {
		return nil
	}
	if err := p.fits(body.On.Link); err != nil {
		return err
	}
	p.session(connOf(e)).captured = true
	p.put(e.At, e.Raw, e.Size)
	return nil
}

// fits says why packets of a link type have no place in the file, if they have none.
func (p *pcapWriter) fits(link uint16) error {
	if link != p.link {
		return fmt.Errorf("it has packets of link type %d (%s), and now comes one of link type %d (%s): a .pcap takes one type, .pcapng takes all",
			p.link, layers.LinkType(p.link), link, layers.LinkType(link))
	}
	return nil
}

// noEnds are those of a session whose addresses nobody knows.
var noEnds, _ = ends(session.ClientLeg, session.TCPOpened{}, portClient)

func (p *pcapWriter) session(id connID) *plainSession {
	s := p.sessions[id]
	if s == nil {
		s = &plainSession{ends: noEnds}
		p.sessions[id] = s
	}
	return s
}

// closed ends the session with its last leg: until then a side may still speak.
func (p *pcapWriter) closed(s *plainSession, e *session.Event, body session.TCPClosed) {
	if s.by == session.NoDir {
		s.by = closer(e.Leg, body.By)
	}
	if s.legs--; s.legs > 0 || s.over {
		return
	}
	p.end(s, e.At, s.by)
	s.over = true
	if old, ok := p.ended.add(connOf(e)); ok {
		delete(p.sessions, old)
	}
}

func (p *pcapWriter) plaintext(e *session.Event) error {
	s := p.session(connOf(e))
	if s.over || s.captured {
		return nil
	}
	if err := p.fits(linkRaw); err != nil {
		return err
	}
	if s.flow == nil {
		s.used, _ = p.open.claim(s.ends)
		s.flow = newFlow(s.used.client, s.used.server, p.room)
		p.writeAll(e.At, s.flow.open())
	}
	for b := range s.flow.data(e.Dir, e.Raw) {
		p.put(e.At, b, int64(len(b)))
	}
	if e.Name == "proceed" && e.Space == nsTLS && e.Dir == session.S2C {
		p.end(s, e.At, session.C2S)
		s.ends = s.used.moved() // this port is used up
	}
	return nil
}

func (p *pcapWriter) end(s *plainSession, at time.Time, first session.Dir) {
	if s.flow == nil {
		return
	}
	p.writeAll(at, s.flow.finish(first, false))
	s.flow = nil
	delete(p.open, s.used)
}

func (p *pcapWriter) writeAll(at time.Time, list [][]byte) {
	for _, b := range list {
		p.put(at, b, int64(len(b)))
	}
}

func (p *pcapWriter) put(at time.Time, b []byte, length int64) {
	// Into memory, with lengths that agree: cannot fail.
	info := gopacket.CaptureInfo{Timestamp: at, CaptureLength: len(b), Length: max(int(length), len(b))}
	_ = p.packets.WritePacket(info, b)
}

func (p *pcapWriter) out() error {
	defer p.buf.Reset()
	if p.buf.Len() == 0 {
		return nil
	}
	_, err := p.w.Write(p.buf.Bytes())
	return err
}
