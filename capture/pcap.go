package capture

import (
	"bytes"
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
		Ext: ".pcap", Title: "packets of the plaintext", Secrets: true,
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
type pcapWriter struct {
	w        io.Writer
	redact   bool // secrets blanked
	buf      bytes.Buffer
	packets  *pcapgo.Writer
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
}

func newPcap(w io.Writer, o Options) (Writer, error) {
	p := &pcapWriter{w: w, redact: o.Redact, open: tuples{}, sessions: map[int]*plainSession{}}
	p.packets = pcapgo.NewWriter(&p.buf)
	if err := p.packets.WriteFileHeader(maxCaptured, layers.LinkTypeRaw); err != nil {
		return nil, err
	}
	return p, p.out()
}

func (p *pcapWriter) Write(e session.Event) error {
	if p.redact {
		e = session.Blank(e)
	}
	switch body := e.Body.(type) {
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
			p.plaintext(&e)
		}
	}
	return p.out()
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

func (p *pcapWriter) plaintext(e *session.Event) {
	s := p.session(e.Session)
	if s.over {
		return
	}
	if s.flow == nil {
		s.used, _ = p.open.claim(s.ends)
		s.flow = newFlow(s.used.client, s.used.server)
		p.write(e.At, s.flow.open())
	}
	p.write(e.At, s.flow.data(e.Dir, e.Raw))
	if e.Name == "proceed" && e.Space == nsTLS && e.Dir == session.S2C {
		p.end(s, e.At, session.C2S)
		s.ends = s.used.moved() // this port is used up
	}
}

func (p *pcapWriter) end(s *plainSession, at time.Time, first session.Dir) {
	if s.flow == nil {
		return
	}
	p.write(at, s.flow.finish(first, false))
	s.flow = nil
	delete(p.open, s.used)
}

func (p *pcapWriter) write(at time.Time, list [][]byte) {
	for _, b := range list {
		// Into memory, with lengths that agree: cannot fail.
		_ = p.packets.WritePacket(gopacket.CaptureInfo{Timestamp: at, CaptureLength: len(b), Length: len(b)}, b)
	}
}

func (p *pcapWriter) out() error {
	defer p.buf.Reset()
	if p.buf.Len() == 0 {
		return nil
	}
	_, err := p.w.Write(p.buf.Bytes())
	return err
}
