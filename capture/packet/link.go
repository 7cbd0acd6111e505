package packet

import "encoding/binary"

// Link types (https://www.tcpdump.org/linktypes.html). The RAW ones are the
// official number and those that systems have written in its place.
const (
	linkNull     = 0
	linkEthernet = 1
	linkPPP      = 9
	linkRaw12    = 12
	linkRaw14    = 14
	linkPPPHDLC  = 50
	linkRaw      = 101
	linkWiFi     = 105
	linkLoop     = 108
	linkSLL      = 113
	linkRadiotap = 127
	linkUser2    = 149 // what macOS has written for PKTAP
	linkIPv4     = 228
	linkIPv6     = 229
	linkNFLog    = 239
	linkExported = 252
	linkPKTAP    = 258
	linkSLL2     = 276
)

// What a frame says it carries: EtherTypes (IEEE 802 numbers).
const (
	etherLength = 0x0600 // what is less is a length, and LLC follows
	etherIPv4   = 0x0800
	etherIPv6   = 0x86dd
	etherVLAN   = 0x8100
	etherQinQ   = 0x88a8
	etherQinQ2  = 0x9100 // before it was standardised
	etherMPLS   = 0x8847
	etherPPPoE  = 0x8864
)

// unwrap finds the IP packet in a frame of one link type, nil if there is none.
type unwrap func(frame []byte) []byte

// links are the link types that can be read. It is filled in init, because one of
// them reads the others.
var links map[uint16]unwrap

func init() {
	links = map[uint16]unwrap{
		linkNull: behind(4), linkLoop: behind(4), // a family in the order of some machine, which the IP version tells again
		linkEthernet: func(f []byte) []byte { return typed(f, 12, 14) },
		linkSLL:      func(f []byte) []byte { return typed(f, 14, 16) },
		linkSLL2:     func(f []byte) []byte { return typed(f, 0, 20) },
		linkRaw:      behind(0), linkRaw12: behind(0), linkRaw14: behind(0), linkIPv4: behind(0), linkIPv6: behind(0),
		linkPPP: ppp, linkPPPHDLC: ppp, linkWiFi: wifi, linkRadiotap: radiotap, linkNFLog: nflog, linkPKTAP: pktap, linkUser2: pktap,
	}
}

// known says whether packets of a link type can be read at all.
func known(link uint16) bool { return link == linkExported || links[link] != nil }

// network finds the IP packet in a frame, nil if there is none.
func network(link uint16, frame []byte) []byte {
	if read := links[link]; read != nil {
		return read(frame)
	}
	return nil
}

// behind is for headers of one size.
func behind(n int) unwrap {
	return func(f []byte) []byte {
		if len(f) < n {
			return nil
		}
		return f[n:]
	}
}

// typed reads a frame that has an EtherType at one place and its payload at another.
func typed(f []byte, at, payload int) []byte {
	if len(f) < payload {
		return nil
	}
	return ether(binary.BigEndian.Uint16(f[at:]), f[payload:])
}

// maxTags bounds the tags before a packet.
const maxTags = 8

// ether passes over what may stand between an EtherType and IP.
func ether(kind uint16, b []byte) []byte {
	for range maxTags {
		switch {
		case kind == etherIPv4 || kind == etherIPv6:
			return b
		case kind == etherVLAN || kind == etherQinQ || kind == etherQinQ2:
			if len(b) < 4 {
				return nil
			}
			kind, b = binary.BigEndian.Uint16(b[2:]), b[4:]
		case kind == etherMPLS:
			return mpls(b)
		case kind == etherPPPoE:
			return ppp(cut(b, 6))
		case kind < etherLength:
			return llc(b)
		default:
			return nil
		}
	}
	return nil
}

func cut(b []byte, n int) []byte { return b[min(n, len(b)):] }
