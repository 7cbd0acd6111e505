package capture

import (
	"bytes"
	"encoding/xml"
	"net/netip"
	"time"

	"xmppscope/capture/packet"
	"xmppscope/session"
)

// rebuilder makes events of bare elements, as far as these tell: which session
// and direction by the addresses, what and which name by the first tag. Steps
// and notes are for the explainer to add.
type rebuilder struct {
	ids  map[netip.AddrPort]int // by the client's end, with both legs' clients under one session
	seq  map[int]uint64
	last map[session.Dir]int // the session that each direction's last new end was given
}

func newRebuilder() *rebuilder {
	return &rebuilder{ids: map[netip.AddrPort]int{}, seq: map[int]uint64{}, last: map[session.Dir]int{}}
}

// event makes an event of an exported PDU, nil if it holds no XMPP.
func (r *rebuilder) event(at time.Time, data []byte, length int64) *session.Event {
	pdu, err := packet.ParsePDU(data)
	if err != nil || pdu.Dissector != "xmpp" {
		return nil
	}
	from, to, raw := pdu.From, pdu.To, pdu.Data
	e := session.Event{Seen: session.Seen{At: at, Dir: session.S2C, Raw: raw}}
	client := to
	if isXMPP(to.Port()) && !isXMPP(from.Port()) {
		e.Dir, client = session.C2S, from
	}
	e.Leg = e.Dir.From()
	e.Size = max(int64(len(raw)), length-int64(len(data)-len(raw)))
	e.Truncated = e.Size > int64(len(raw))
	e.Session = r.session(client, e.Dir)
	r.seq[e.Session]++
	e.Seq = r.seq[e.Session]
	e.Body, e.Name, e.Space = classify(raw)
	return &e
}

func isXMPP(port uint16) bool {
	return port == portClient || port == portServer || port == portDirect || port == portWeb
}

// session numbers sessions. The two legs of one have different addresses, and
// nothing but their order says that they belong together: the n-th client end
// of one direction goes with the n-th of the other.
func (r *rebuilder) session(client netip.AddrPort, d session.Dir) int {
	id, ok := r.ids[client]
	if !ok {
		r.last[d]++
		id = r.last[d]
		r.ids[client] = id
	}
	return id
}

// classify says what an element is by its first tag.
func classify(raw []byte) (body session.Body, name, space string) {
	trimmed := bytes.TrimSpace(raw)
	if bytes.HasPrefix(trimmed, []byte("</")) {
		return session.StreamClosed{}, "", ""
	}
	dec := xml.NewDecoder(bytes.NewReader(raw))
	for {
		token, err := dec.Token()
		if err != nil {
			return session.StreamRaw{}, "", ""
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if space = start.Name.Space; space == "stream" { // its prefix was declared on the stream header
			space = nsStream
		}
		if start.Name.Local == "stream" && space == nsStream {
			return session.StreamOpened{}, "stream", space
		}
		return session.StreamElement{}, start.Name.Local, space
	}
}

const nsStream = "http://etherx.jabber.org/streams"
