package capture

import (
	"iter"
	"net/netip"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"xmppscope/session"
)

const (
	// maxPacket is the longest IP packet (RFC 791 §3.1); IPv6 could have 40
	// bytes more, but readers of link type RAW need not take them.
	maxPacket = 65535
	// maxSegment leaves room for an IPv6 and a TCP header.
	maxSegment = maxPacket - 40 - 20
	// ackEvery is how much one side may send before the other acknowledges it
	// with a packet of its own. The window is larger.
	ackEvery = 1 << 16
	// windowScale makes the window of 65,535 one of 8 MiB (RFC 7323 §2).
	windowScale = 7
)

// flow makes the packets of one TCP connection out of the bytes that its two
// sides have sent: sequence numbers, acknowledgements and checksums add up. The
// packets are raw IP (link type 101).
type flow struct {
	client, server netip.AddrPort           // either both IPv4 or both IPv6
	next           [3]uint32                // by direction: the sequence number of the next byte
	acked          [3]uint32                // by direction: what the other side has acknowledged
	ended          [3]bool                  // by direction: FIN or RST was sent
	room           gopacket.SerializeBuffer // for a packet that is lent; flows of one file share it
}

func newFlow(client, server netip.AddrPort, room gopacket.SerializeBuffer) *flow {
	f := &flow{client: client, server: server, room: room}
	// Any number will do; two far apart are told apart at a glance.
	f.next[session.C2S], f.next[session.S2C] = 1_000_000, 2_000_000_000
	return f
}

type tcpFlags uint8

const (
	synFlag tcpFlags = 1 << iota
	ackFlag
	pshFlag
	finFlag
	rstFlag
)

// open is the three-way handshake (RFC 9293 §3.5).
func (f *flow) open() [][]byte {
	syn := f.packet(session.C2S, synFlag, nil)
	f.next[session.C2S]++
	synAck := f.packet(session.S2C, synFlag|ackFlag, nil)
	f.next[session.S2C]++
	return [][]byte{syn, synAck, f.packet(session.C2S, ackFlag, nil)}
}

// data is what one side has sent, in as many segments as it takes. The last
// packet is always one that carries data. Each is lent until the next is made.
func (f *flow) data(d session.Dir, b []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(b) > 0 {
			n := min(len(b), maxSegment)
			if f.next[d]-f.acked[d] > ackEvery && !yield(f.packetIn(f.room, d.Opposite(), ackFlag, nil)) {
				return
			}
			p := f.packetIn(f.room, d, ackFlag|pshFlag, b[:n])
			f.next[d] += uint32(n)
			if b = b[n:]; !yield(p) {
				return
			}
		}
	}
}

// skip says that bytes were sent that nobody recorded.
func (f *flow) skip(d session.Dir, n int64) { f.next[d] += uint32(n) }

// finish ends the connection as far as it is not ended already; first is the
// side that began to. A reset is one packet; an ordinary end is a FIN of either
// side and an acknowledgement of the last one, unless that came with a packet
// before: once more it would be a duplicate.
func (f *flow) finish(first session.Dir, reset bool) [][]byte {
	if reset {
		f.ended[first] = true
		return [][]byte{f.packet(first, rstFlag|ackFlag, nil)}
	}
	var out [][]byte
	for _, d := range []session.Dir{first, first.Opposite()} {
		if p := f.fin(d); p != nil {
			out = append(out, p)
		}
	}
	for _, d := range []session.Dir{first, first.Opposite()} {
		if f.acked[d] != f.next[d] {
			out = append(out, f.packet(d.Opposite(), ackFlag, nil))
		}
	}
	return out
}

// fin is the end of one side, nil if it has ended before.
func (f *flow) fin(d session.Dir) []byte {
	if f.ended[d] {
		return nil
	}
	f.ended[d] = true
	p := f.packet(d, finFlag|ackFlag, nil)
	f.next[d]++
	return p
}

// packet builds one IP packet of a side.
func (f *flow) packet(d session.Dir, flags tcpFlags, payload []byte) []byte {
	return f.packetIn(gopacket.NewSerializeBuffer(), d, flags, payload)
}

// packetIn builds one where there is room for it.
func (f *flow) packetIn(room gopacket.SerializeBuffer, d session.Dir, flags tcpFlags, payload []byte) []byte {
	from, to := f.client, f.server
	if d == session.S2C {
		from, to = to, from
	}
	back := d.Opposite()
	tcp := &layers.TCP{
		SrcPort: layers.TCPPort(from.Port()), DstPort: layers.TCPPort(to.Port()),
		Seq: f.next[d], Window: 65535,
		SYN: flags&synFlag != 0, ACK: flags&ackFlag != 0, PSH: flags&pshFlag != 0,
		FIN: flags&finFlag != 0, RST: flags&rstFlag != 0,
	}
	if tcp.ACK {
		tcp.Ack = f.next[back]
		f.acked[back] = f.next[back]
	}
	if tcp.SYN {
		tcp.Options = []layers.TCPOption{
			{OptionType: layers.TCPOptionKindWindowScale, OptionLength: 3, OptionData: []byte{windowScale}},
		}
	}
	return rawIP(room, from.Addr(), to.Addr(), layers.IPProtocolTCP, tcp, payload)
}

// transport is the header of TCP or UDP.
type transport interface {
	gopacket.SerializableLayer
	SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
}

// rawIP builds an IP packet, in place of what there was in the room.
func rawIP(room gopacket.SerializeBuffer, from, to netip.Addr, proto layers.IPProtocol, header transport, payload []byte) []byte {
	var ip interface {
		gopacket.SerializableLayer
		gopacket.NetworkLayer
	}
	if from.Is4() {
		ip = &layers.IPv4{
			Version: 4, TTL: 64, Protocol: proto, Flags: layers.IPv4DontFragment, SrcIP: from.AsSlice(), DstIP: to.AsSlice(),
		}
	} else {
		ip = &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: proto, SrcIP: from.AsSlice(), DstIP: to.AsSlice()}
	}
	_ = header.SetNetworkLayerForChecksum(ip) // fails for other layers than IP only
	options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	// It can fail for addresses of the wrong length only, which netip rules out.
	_ = gopacket.SerializeLayers(room, options, ip, header, gopacket.Payload(payload))
	return room.Bytes()
}

// openPacket is the way back: the ends and the payload of a raw IP packet with
// TCP in it, no payload for any other.
func openPacket(b []byte) (from, to netip.AddrPort, payload []byte) {
	p := gopacket.NewPacket(b, layers.LinkTypeRaw, gopacket.DecodeOptions{Lazy: true, NoCopy: true})
	ip := p.NetworkLayer()
	tcp, _ := p.TransportLayer().(*layers.TCP)
	if ip == nil || tcp == nil {
		return from, to, nil
	}
	src, dst := ip.NetworkFlow().Endpoints()
	a, _ := netip.AddrFromSlice(src.Raw())
	z, _ := netip.AddrFromSlice(dst.Raw())
	return netip.AddrPortFrom(a, uint16(tcp.SrcPort)), netip.AddrPortFrom(z, uint16(tcp.DstPort)), tcp.Payload
}
