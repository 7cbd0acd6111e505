package packet

import "encoding/binary"

// Link types (https://www.tcpdump.org/linktypes.html). The RAW ones are the
// official number and those that systems have written in its place.
const (
	linkNull     = 0
	linkEthernet = 1
	linkRaw12    = 12
	linkRaw14    = 14
	linkRaw      = 101
	linkLoop     = 108
	linkSLL      = 113
	linkIPv4     = 228
	linkIPv6     = 229
	linkExported = 252
	linkSLL2     = 276
)

const (
	etherIPv4  = 0x0800
	etherIPv6  = 0x86dd
	etherVLAN  = 0x8100
	etherQinQ  = 0x88a8
	etherQinQ2 = 0x9100 // before it was standardised
)

// network finds the IP packet in a frame, nil if there is none.
func network(link uint16, frame []byte) []byte {
	ether := uint16(0)
	head := 0
	switch link {
	case linkEthernet:
		head = 14
	case linkSLL:
		head = 16
	case linkSLL2:
		if len(frame) < 20 {
			return nil
		}
		return behindTags(binary.BigEndian.Uint16(frame), frame[20:])
	case linkNull, linkLoop: // a family in the order of some machine, which the IP version tells again
		if len(frame) < 4 {
			return nil
		}
		return frame[4:]
	case linkRaw, linkRaw12, linkRaw14, linkIPv4, linkIPv6:
		return frame
	default:
		return nil
	}
	if len(frame) < head {
		return nil
	}
	ether = binary.BigEndian.Uint16(frame[head-2:])
	return behindTags(ether, frame[head:])
}

// behindTags passes over VLAN tags.
func behindTags(ether uint16, b []byte) []byte {
	for ether == etherVLAN || ether == etherQinQ || ether == etherQinQ2 {
		if len(b) < 4 {
			return nil
		}
		ether, b = binary.BigEndian.Uint16(b[2:]), b[4:]
	}
	if ether != etherIPv4 && ether != etherIPv6 {
		return nil
	}
	return b
}

// known says whether packets of a link type can be read at all.
func known(link uint16) bool {
	switch link {
	case linkNull, linkEthernet, linkRaw12, linkRaw14, linkRaw, linkLoop, linkSLL, linkIPv4, linkIPv6, linkExported, linkSLL2:
		return true
	}
	return false
}
