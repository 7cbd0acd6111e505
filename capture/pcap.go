package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"xmppscope/capture/packet"
	"xmppscope/session"
)

func init() {
	add(Format{
		Ext: ".pcap", Title: "packets of the plaintext; of a capture of others, the packets as they were", Secrets: true, Packets: true,
		New: newPcap, Sniff: func(prefix []byte) bool { return packet.Sniff(prefix) && !packet.IsNG(prefix) },
	})
}

const nsTLS = "urn:ietf:params:xml:ns:xmpp-tls"

// pcapWriter writes the plaintext of each session as TCP connections between
// client and xmppscope, on port 5222 because Wireshark looks for XMPP nowhere
// else. What follows TLS is a connection of its own, with another port of the
// client: after <proceed/> Wireshark takes all that comes on the same one for
// TLS records. The handshake itself is not there. Time stamps are microseconds.
//
// Of an element that was cut when it was recorded there is what was kept, and
// the next bytes follow at once: sequence numbers count what is in the file, for
// a hole in them would say that the network has lost a segment. The format has
// no place to tell of the cut; .pcapng tells on its "decoded" interface.
//
// Of a session that others have captured there are their packets as they were,
// unless Options.Reveal asks for what they carried. A file has one link type.
type pcapWriter struct {
	w        io.Writer
	redact   bool // secrets blanked
	reveal   bool // what captured packets carried, rather than the packets
	buf      bytes.Buffer
	packets  *pcapgo.Writer // nil until the link type is known
	link     uint16
	open     tuples
	sessions map[int]*plainSession
	ended    ended
}

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
	p := &pcapWriter{w: w, redact: o.Redact, reveal: o.Reveal, open: tuples{}, sessions: map[int]*plainSession{}}
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

// Close writes the header of a file that has nothing else.
func (p *pcapWriter) Close() error {
	if p.packets == nil {
		p.begin(linkRaw, false)
	}
	return p.out()
}

func (p *pcapWriter) Write(e session.Event) error {
	if p.redact {
		e = session.Blank(e)
	}
	var err error
	switch body := e.Body.(type) {
	case session.WirePacket:
		err = p.captured(&e, body)
	case session.TCPOpened:
		s := p.session(e.Session)
		s.legs++
		if e.Leg == session.ClientLeg && s.flow == nil {
			s.ends, _ = ends(e.Leg, body, portClient)
		}
	case session.TCPClosed:
		p.closed(p.session(e.Session), &e, body)
	default:
		if session.IsPlaintext(e.Body) && e.Dir != session.NoDir {
			err = p.plaintext(&e)
		}
	}
	return errors.Join(err, p.out())
}

// captured writes a packet that others have captured.
func (p *pcapWriter) captured(e *session.Event, body session.WirePacket) error {
	if p.reveal || p.redact {
		return nil
	}
	if err := p.fits(body.On.Link, body.On.Resolution != 6); err != nil {
		return err
	}
	p.session(e.Session).captured = true
	p.write(e.At, e.Raw, e.Size)
	return nil
}

// fits says why packets of a link type have no place in the file, if they have none.
func (p *pcapWriter) fits(link uint16, nanos bool) error {
	if p.packets == nil {
		p.begin(link, nanos)
	}
	if link != p.link {
		return fmt.Errorf("it has packets of link type %d (%s), and now comes one of link type %d (%s): a .pcap takes one type, .pcapng takes all",
			p.link, layers.LinkType(p.link), link, layers.LinkType(link))
	}
	return nil
}

func (p *pcapWriter) session(id int) *plainSession {
	s := p.sessions[id]
	if s == nil {
		s = &plainSession{}
		s.ends, _ = ends(session.ClientLeg, session.TCPOpened{}, portClient)
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
	if old, ok := p.ended.add(e.Session); ok {
		delete(p.sessions, old)
	}
}

func (p *pcapWriter) plaintext(e *session.Event) error {
	s := p.session(e.Session)
	if s.over || s.captured {
		return nil
	}
	if err := p.fits(linkRaw, false); err != nil {
		return err
	}
	if s.flow == nil {
		s.used, _ = p.open.claim(s.ends)
		s.flow = newFlow(s.used.client, s.used.server)
		p.writeAll(e.At, s.flow.open())
	}
	p.writeAll(e.At, s.flow.data(e.Dir, e.Raw))
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
		p.write(at, b, int64(len(b)))
	}
}

func (p *pcapWriter) write(at time.Time, b []byte, length int64) {
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
