package capture

import (
	"encoding/binary"
	"net/netip"

	"xmppscope/capture/packet"
)

const portTypeTCP = 2 // Wireshark's PT_TCP

// appendTags appends the tags of an XMPP element that went from one end to
// another (see packet.TagEnd for their form).
func appendTags(b []byte, from, to netip.AddrPort) []byte {
	tag := func(kind uint16, value []byte) {
		b = binary.BigEndian.AppendUint16(b, kind)
		b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
		b = append(b, value...)
	}
	number := func(kind uint16, v uint32) { tag(kind, binary.BigEndian.AppendUint32(nil, v)) }
	tag(packet.TagDissector, []byte("xmpp"))
	src, dst := uint16(packet.TagIPv4Src), uint16(packet.TagIPv4Dst)
	if !from.Addr().Is4() {
		src, dst = packet.TagIPv6Src, packet.TagIPv6Dst
	}
	tag(src, from.Addr().AsSlice())
	tag(dst, to.Addr().AsSlice())
	number(packet.TagPortType, portTypeTCP)
	number(packet.TagSrcPort, uint32(from.Port()))
	number(packet.TagDstPort, uint32(to.Port()))
	tag(packet.TagEnd, nil)
	return b
}
