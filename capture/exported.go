package capture

import (
	"encoding/binary"
	"errors"
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

var errTags = errors.New("the tags of an exported PDU are cut off")

// parseTags reads what appendTags wrote, and what of it others may write. The
// ends are zero values where no tag names them.
func parseTags(b []byte) (dissector string, from, to netip.AddrPort, rest []byte, err error) {
	var fromAddr, toAddr netip.Addr
	var fromPort, toPort uint16
	for {
		if len(b) < 4 {
			return "", from, to, nil, errTags
		}
		kind, size := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if len(b) < 4+size {
			return "", from, to, nil, errTags
		}
		value := b[4 : 4+size]
		b = b[4+size:]
		switch kind {
		case tagEnd:
			return dissector, netip.AddrPortFrom(fromAddr, fromPort), netip.AddrPortFrom(toAddr, toPort), b, nil
		case tagDissector:
			dissector = string(value)
			for len(dissector) > 0 && dissector[len(dissector)-1] == 0 { // names are padded
				dissector = dissector[:len(dissector)-1]
			}
		case tagIPv4Src, tagIPv6Src:
			fromAddr, _ = netip.AddrFromSlice(value)
		case tagIPv4Dst, tagIPv6Dst:
			toAddr, _ = netip.AddrFromSlice(value)
		case tagSrcPort:
			fromPort = tagPort(value)
		case tagDstPort:
			toPort = tagPort(value)
		}
	}
}

func tagPort(value []byte) uint16 {
	if len(value) != 4 {
		return 0
	}
	return uint16(binary.BigEndian.Uint32(value))
}
