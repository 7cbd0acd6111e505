package packet

import (
	"encoding/binary"
	"net/netip"
)

const (
	protoHopByHop = 0
	protoIPv4     = 4
	protoTCP      = 6
	protoIPv6     = 41
	protoRouting  = 43
	protoFragment = 44
	protoGRE      = 47
	protoAuth     = 51
	protoOptions  = 60
)

// segment is a TCP segment, as far as it was captured.
type segment struct {
	from, to end
	seq, ack uint32
	flags    byte
	data     []byte // of the payload
	size     int    // of the payload on the wire; more than len(data) if it was cut
}

// end is an address and a port, as bytes: IPv4 addresses in their IPv6 form.
type end [18]byte

func newEnd(addr []byte, port uint16) (e end) {
	if len(addr) == 4 {
		e[10], e[11] = 0xff, 0xff
		copy(e[12:], addr)
	} else {
		copy(e[:16], addr)
	}
	binary.BigEndian.PutUint16(e[16:], port)
	return e
}

func (e end) addrPort() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16([16]byte(e[:16])).Unmap(), e.port())
}

func (e end) port() uint16 { return binary.BigEndian.Uint16(e[16:]) }

// ipPacket is what an IP header says of the payload behind it.
type ipPacket struct {
	src, dst []byte
	proto    byte
	payload  []byte // as far as it was captured
	size     int    // of the payload on the wire
	fragment bool
	id       uint32
	offset   int
	more     bool
}

// parseIP reads an IP packet; cut is how many bytes of the frame were not
// captured. Segmentation offload leaves the length 0 on the way out.
func parseIP(b []byte, cut int) (p ipPacket, ok bool) {
	if len(b) == 0 {
		return p, false
	}
	switch b[0] >> 4 {
	case 4:
		return parseIPv4(b, cut)
	case 6:
		return parseIPv6(b, cut)
	}
	return p, false
}

func parseIPv4(b []byte, cut int) (p ipPacket, ok bool) {
	if len(b) < 20 {
		return p, false
	}
	head, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if total == 0 {
		total = len(b) + cut
	}
	if head < 20 || total < head || len(b) < head {
		return p, false
	}
	p = ipPacket{src: b[12:16], dst: b[16:20], proto: b[9], size: total - head, payload: b[head:min(total, len(b))]}
	flags := binary.BigEndian.Uint16(b[6:])
	p.offset, p.more = int(flags&0x1fff)*8, flags&0x2000 != 0
	p.fragment = p.more || p.offset > 0
	p.id = uint32(binary.BigEndian.Uint16(b[4:]))
	return p, true
}

func parseIPv6(b []byte, cut int) (p ipPacket, ok bool) {
	if len(b) < 40 {
		return p, false
	}
	p = ipPacket{src: b[8:24], dst: b[24:40], proto: b[6], size: int(binary.BigEndian.Uint16(b[4:]))}
	if p.size == 0 {
		p.size = len(b) - 40 + cut
	}
	p.payload = b[40:min(40+p.size, len(b))]
	for !p.fragment {
		head := 8
		switch p.proto {
		case protoHopByHop, protoRouting, protoOptions:
			if len(p.payload) > 1 {
				head += int(p.payload[1]) * 8
			}
		case protoAuth:
			if len(p.payload) > 1 {
				head = (int(p.payload[1]) + 2) * 4
			}
		case protoFragment:
		default:
			return p, true
		}
		if len(p.payload) < head {
			return p, false
		}
		if p.proto == protoFragment {
			at := binary.BigEndian.Uint16(p.payload[2:])
			p.offset, p.more = int(at&^7), at&1 != 0
			p.fragment = p.more || p.offset > 0 // one that is whole is none (RFC 6946)
			p.id = binary.BigEndian.Uint32(p.payload[4:])
		}
		p.proto = p.payload[0]
		p.payload, p.size = p.payload[head:], p.size-head
	}
	return p, true
}

// parseTCP reads the segment in an IP packet. Where the capture ends within the
// header the payload's length is all that is known of it.
func parseTCP(p *ipPacket) (s segment, ok bool) {
	b := p.payload
	if len(b) < 14 {
		return s, false
	}
	head := int(b[12]>>4) * 4
	if head < 20 || p.size < head {
		return s, false
	}
	s = segment{
		from: newEnd(p.src, binary.BigEndian.Uint16(b)), to: newEnd(p.dst, binary.BigEndian.Uint16(b[2:])),
		seq: binary.BigEndian.Uint32(b[4:]), ack: binary.BigEndian.Uint32(b[8:]), flags: b[13], size: p.size - head,
	}
	if len(b) > head {
		s.data = b[head:]
	}
	return s, true
}
