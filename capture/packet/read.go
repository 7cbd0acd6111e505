package packet

import (
	"io"
	"net/netip"
	"time"

	"xmppscope/session"
)

// Kind is what an Event tells.
type Kind uint8

// What can become of a connection; and Keys, which are of none.
const (
	Opened   Kind = iota + 1 // the first packet of a connection
	Data                     // Bytes that one side sent, in their order
	Gap                      // Lost bytes of one side that the capture does not have
	Ended                    // one side has finished sending (FIN)
	Closed                   // both have; or Dir has reset the connection
	Keys                     // Bytes are lines of a TLS key log
	Captured                 // Packet is one of the connection's (Options.Packets)
)

// Event is one thing that a capture tells. It and its Bytes are valid until emit
// returns.
type Event struct {
	Kind  Kind
	Conn  *Conn
	Dir   session.Dir
	At    time.Time
	Bytes []byte
	Lost  int64
	Reset bool

	Packet *Packet
}

// Conn is one TCP connection.
type Conn struct {
	// Client sent the first SYN. Where that is not in the capture, the one with the
	// port that no XMPP server has, else with the higher one.
	Client, Server netip.AddrPort
	Began          bool // its beginning is in the capture
	// Ignore is for the consumer to set: nothing more of the connection is wanted.
	Ignore bool
	// User is the consumer's.
	User any

	key        pair
	fromA      session.Dir // of packets from key.a
	halves     [3]half     // by direction
	packets    int         // so far
	first      session.Dir // who ended first
	over       bool
	isn        uint32 // of the client's SYN
	reset      reset
	prev, next *Conn // in the order of use
}

// pair is the two ends of a connection, the lower one first.
type pair struct{ a, b end }

// Stats counts what a capture held.
type Stats struct {
	Packets     int
	Connections int
	Unreadable  int // packets of link types that are not known here
	UnknownLink int // the number of the last of those link types
	// Late counts packets with bytes from before a connection that begins in the
	// middle, as it seemed: they stand too far behind in the file to be put in order.
	Late int
}

// Options says how a capture is read.
type Options struct {
	// Late is how far behind the newest one before it a packet of the file may be
	// (see Survey). Packets are put in the order of their times, within maxUnsorted;
	// 0: they are taken as they come.
	Late time.Duration
	// Packets asks for each packet of a connection before what it brings (Captured).
	// Those that are fragments come when the last of their datagram has.
	Packets bool
}

// Read reads a capture to its end and emits what its connections carried. An error
// of emit ends it and comes back as it is. A file that is cut off or damaged gives
// what is whole in it, and then a *Damaged.
func Read(r io.Reader, o Options, emit func(*Event) error) (Stats, error) {
	t := newTable(emit)
	t.tellsPackets = o.Packets
	f, err := open(r)
	if err != nil {
		return t.stats, err
	}
	if o.Late > 0 {
		f = &sorter{file: f, late: o.Late}
	}
	var p Packet
	for t.err == nil {
		p = Packet{}
		if err = f.next(&p); err != nil {
			break
		}
		if p.Keys != nil {
			t.tell(Event{Kind: Keys, Bytes: p.Keys, At: t.now})
			continue
		}
		t.packet(&p)
	}
	t.flush()
	switch d, ok := err.(*Damaged); {
	case t.err != nil:
		return t.stats, t.err
	case ok:
		d.Packets = t.stats.Packets
		return t.stats, d
	}
	return t.stats, nil
}

// packet takes one packet to where it belongs.
func (t *table) packet(p *Packet) {
	t.stats.Packets++
	t.now = p.At
	t.packets = append(t.packets[:0], p)
	if p.On.Link == linkExported {
		t.exported(p)
		return
	}
	b := network(p.On.Link, p.Data)
	if b == nil {
		if !known(p.On.Link) {
			t.stats.Unreadable++
			t.stats.UnknownLink = int(p.On.Link)
		}
		return
	}
	t.ip(b, p.Length-len(p.Data), 0)
}

// maxTunnels is how deep IP may lie in IP.
const maxTunnels = 4

func (t *table) ip(b []byte, cut, depth int) {
	p, ok := parseIP(b, cut)
	if !ok || depth > maxTunnels || p.fragment && !t.defragment(&p) {
		return
	}
	missing := p.size - len(p.payload)
	switch p.proto {
	case protoTCP:
		if s, ok := parseTCP(&p); ok {
			t.segment(&s)
		}
	case protoIPv4, protoIPv6:
		t.ip(p.payload, missing, depth+1)
	case protoGRE:
		t.ip(gre(p.payload), missing, depth+1)
	}
}

// defragment says whether a datagram is whole with this fragment, which then is
// that datagram; the packets that have brought it are those of all fragments.
func (t *table) defragment(p *ipPacket) bool {
	d, whole := t.fragments.add(p)
	if d == nil || !t.tellsPackets {
		return whole
	}
	if !whole {
		d.remember(t.packets[0])
		return false
	}
	t.packets = append(d.packets, t.packets...)
	return true
}

// tellPackets tells of the packets that have brought a segment.
func (t *table) tellPackets(c *Conn, dir session.Dir) {
	for _, p := range t.packets {
		t.tell(Event{Kind: Captured, Conn: c, Dir: dir, At: p.At, Packet: p})
	}
}
