package capture

import (
	"encoding/binary"
	"net/netip"
)

// A packet of link type 252 is a list of tags and then the PDU itself, which
// Wireshark gives to the dissector that the tags name. Each tag is two bytes of
// kind and two of length, in network order, and then its value.
const (
	tagEnd       = 0
	tagDissector = 12
	tagIPv4Src   = 20
	tagIPv4Dst   = 21
	tagIPv6Src   = 22
	tagIPv6Dst   = 23
	tagPortType  = 24
	tagSrcPort   = 25
	tagDstPort   = 26

	portTypeTCP = 2
)

// appendTags appends the tags of an XMPP element that went from one end to
// another.
func appendTags(b []byte, from, to netip.AddrPort) []byte {
	tag := func(kind uint16, value []byte) {
		b = binary.BigEndian.AppendUint16(b, kind)
		b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
		b = append(b, value...)
	}
	number := func(kind uint16, v uint32) { tag(kind, binary.BigEndian.AppendUint32(nil, v)) }
	tag(tagDissector, []byte("xmpp"))
	src, dst := uint16(tagIPv4Src), uint16(tagIPv4Dst)
	if !from.Addr().Is4() {
		src, dst = tagIPv6Src, tagIPv6Dst
	}
	tag(src, from.Addr().AsSlice())
	tag(dst, to.Addr().AsSlice())
	number(tagPortType, portTypeTCP)
	number(tagSrcPort, uint32(from.Port()))
	number(tagDstPort, uint32(to.Port()))
	tag(tagEnd, nil)
	return b
}
