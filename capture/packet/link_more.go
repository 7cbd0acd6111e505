package packet

import "encoding/binary"

// Frames that are seldom seen: of modems, radios, and of what phones and other
// systems capture with.

// ppp reads a frame of PPP, with or without HDLC's address and control, and with
// the protocol's number in one byte or two (RFC 1661 §2, RFC 1662 §3.1).
func ppp(b []byte) []byte {
	if len(b) > 2 && b[0] == 0xff && b[1] == 3 {
		b = b[2:]
	}
	if len(b) < 2 {
		return nil
	}
	protocol, rest := uint16(b[0]), b[1:]
	if protocol&1 == 0 {
		protocol, rest = protocol<<8|uint16(b[1]), b[2:]
	}
	if protocol == 0x21 || protocol == 0x57 {
		return rest
	}
	return nil
}

// mpls passes over a stack of labels (RFC 3032 §2.1); IP is all that can be told
// from what follows it.
func mpls(b []byte) []byte {
	for len(b) > 4 {
		last := b[2]&1 != 0
		if b = b[4:]; last {
			return b
		}
	}
	return nil
}

// llc reads a header of IEEE 802.2 with a SNAP extension.
func llc(b []byte) []byte {
	if len(b) < 8 || b[0] != 0xaa || b[1] != 0xaa || b[2] != 3 {
		return nil
	}
	return ether(binary.BigEndian.Uint16(b[6:]), b[8:])
}

// wifi reads a data frame of IEEE 802.11 that is not encrypted.
func wifi(b []byte) []byte {
	const (
		isData, isQoS, noData      = 0x08, 0x80, 0x40
		toAndFrom, protected, htc  = 0x03, 0x40, 0x80
		head, address4, qos, extra = 24, 6, 2, 4
	)
	if len(b) < head || b[0]&0x0f != isData || b[0]&noData != 0 || b[1]&protected != 0 {
		return nil
	}
	size := head
	if b[1]&toAndFrom == toAndFrom {
		size += address4
	}
	if b[0]&isQoS != 0 {
		size += qos
		if b[1]&htc != 0 {
			size += extra
		}
	}
	return llc(cut(b, size))
}

// radiotap passes over what a receiver has noted of a frame.
func radiotap(b []byte) []byte {
	if len(b) < 4 {
		return nil
	}
	return wifi(cut(b, int(binary.LittleEndian.Uint16(b[2:]))))
}

// nflog reads what Linux's netfilter has logged: a list of lengths, types and
// values in the order of that machine.
func nflog(b []byte) []byte {
	const payload = 9
	for b = cut(b, 4); len(b) >= 4; {
		order := binary.ByteOrder(binary.LittleEndian)
		if b[2] == 0 && b[3] != 0 { // a type that is large the other way round
			order = binary.BigEndian
		}
		size, kind := int(order.Uint16(b)), order.Uint16(b[2:])
		if size < 4 {
			return nil
		}
		if kind == payload {
			return b[4:min(size, len(b))]
		}
		b = cut(b, (size+3)&^3)
	}
	return nil
}

// pktap reads what macOS writes, for iPhones too: a header that names the link type
// of the rest.
func pktap(b []byte) []byte {
	if len(b) < 12 {
		return nil
	}
	size, link := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[8:])
	if size < 12 || int64(size) > int64(len(b)) || link == linkPKTAP || link == linkUser2 || link > 1<<16-1 {
		return nil
	}
	return network(uint16(link), b[size:])
}

// gre reads a tunnel's header (RFC 2784 §2, RFC 2890 §2).
func gre(b []byte) []byte {
	if len(b) < 4 || b[1]&7 != 0 {
		return nil
	}
	size := 4
	for _, has := range []byte{0x80, 0x20, 0x10} { // checksum, key, sequence number
		if b[0]&has != 0 {
			size += 4
		}
	}
	return ether(binary.BigEndian.Uint16(b[2:]), cut(b, size))
}
