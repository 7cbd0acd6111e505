package packet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
)

// Tags of a packet of link type 252, which is a list of them and then the PDU
// itself, for the dissector that they name (Wireshark, epan/exported_pdu.h). Each
// is two bytes of kind and two of length, in network order, and its value.
const (
	TagEnd       = 0
	TagDissector = 12
	TagIPv4Src   = 20
	TagIPv4Dst   = 21
	TagIPv6Src   = 22
	TagIPv6Dst   = 23
	TagPortType  = 24
	TagSrcPort   = 25
	TagDstPort   = 26
)

// PDU is an exported PDU. The ends are zero values where no tag names them.
type PDU struct {
	Dissector string
	From, To  netip.AddrPort
	Data      []byte
}

var errTags = errors.New("the tags of an exported PDU are cut off")

// ParsePDU reads a packet of link type 252.
func ParsePDU(b []byte) (p PDU, err error) {
	var addrs [2]netip.Addr
	var ports [2]uint16
	for {
		if len(b) < 4 {
			return p, errTags
		}
		kind, size := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if len(b) < 4+size {
			return p, errTags
		}
		value := b[4 : 4+size]
		b = b[4+size:]
		switch kind {
		case TagEnd:
			p.From, p.To = netip.AddrPortFrom(addrs[0], ports[0]), netip.AddrPortFrom(addrs[1], ports[1])
			p.Data = b
			return p, nil
		case TagDissector:
			p.Dissector = string(bytes.TrimRight(value, "\x00")) // names are padded
		case TagIPv4Src, TagIPv6Src:
			addrs[0], _ = netip.AddrFromSlice(value)
		case TagIPv4Dst, TagIPv6Dst:
			addrs[1], _ = netip.AddrFromSlice(value)
		case TagSrcPort:
			ports[0] = tagPort(value)
		case TagDstPort:
			ports[1] = tagPort(value)
		}
	}
}

func tagPort(value []byte) uint16 {
	if len(value) != 4 {
		return 0
	}
	return uint16(binary.BigEndian.Uint32(value))
}

// exported takes a PDU: of XMPP or TLS as bytes of a connection between its ends,
// each right behind the one before; of IP as the packet that it is.
func (t *table) exported(p *Packet) {
	pdu, err := ParsePDU(p.Data)
	if err != nil {
		return
	}
	cut := p.Length - len(p.Data)
	switch pdu.Dissector {
	case "ip", "ipv6":
		t.ip(pdu.Data, cut, 0)
		return
	case "xmpp", "tls", "ssl":
	default:
		return
	}
	s := segment{from: newEnd(addrOf(pdu.From), pdu.From.Port()), to: newEnd(addrOf(pdu.To), pdu.To.Port()), data: pdu.Data, size: len(pdu.Data) + cut}
	s.seq = t.exportedSeq(&s)
	t.segment(&s)
}

func addrOf(a netip.AddrPort) []byte {
	if !a.Addr().IsValid() {
		return make([]byte, 4)
	}
	return a.Addr().AsSlice()
}

// exportedSeq is the number that makes a PDU the next of its direction.
func (t *table) exportedSeq(s *segment) uint32 {
	key, fromA := pairOf(s)
	c := t.conns[key]
	if c == nil {
		return 0
	}
	return c.halves[c.dir(fromA)].next
}
