package packet

import (
	"bytes"
	"encoding/binary"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// TestLinkTypes: the same conversation inside each kind of frame.
func TestLinkTypes(t *testing.T) {
	eth := func(kind layers.EthernetType) *layers.Ethernet {
		return &layers.Ethernet{SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, DstMAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}, EthernetType: kind}
	}
	before := func(head ...byte) func([]byte) []byte {
		return func(ip []byte) []byte { return append(head[:len(head):len(head)], ip...) }
	}
	const snap = "\xaa\xaa\x03\x00\x00\x00\x08\x00"
	wifiHead := func(control string, more int) []byte { return append([]byte(control), make([]byte, 22+more)...) }
	tlv := func(o binary.AppendByteOrder, kind uint16, value []byte) []byte {
		b := append(o.AppendUint16(o.AppendUint16(nil, uint16(4+len(value))), kind), value...)
		return append(b, make([]byte, -len(b)&3)...)
	}
	nflogged := func(o binary.AppendByteOrder) func([]byte) []byte {
		return func(ip []byte) []byte {
			return slices.Concat([]byte{2, 0, 0, 5}, tlv(o, 1, make([]byte, 4)), tlv(o, 10, []byte("out\x00\x00")), tlv(o, 9, ip))
		}
	}
	for _, c := range []struct {
		name string
		link uint16
		wrap func(ip []byte) []byte
	}{
		{"IEEE 802.3 with LLC", linkEthernet, before([]byte("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x01\x00" + snap)...)},
		{"MPLS", linkEthernet, before([]byte("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x88\x47\x00\x01\x00\x40\x00\x01\x01\x40")...)},
		{"PPPoE", linkEthernet, before([]byte("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x88\x64\x11\x00\x00\x01\x00\x30\x00\x21")...)},
		{"PPP", linkPPP, before(0, 0x21)}, {"PPP, short", linkPPP, before(0x21)}, {"PPP with HDLC", linkPPPHDLC, before(0xff, 3, 0, 0x21)},
		{"802.11", linkWiFi, before(slices.Concat(wifiHead("\x08\x01", 0), []byte(snap))...)},
		{"802.11 QoS, four addresses", linkWiFi, before(slices.Concat(wifiHead("\x88\x83", 12), []byte(snap))...)},
		{"radiotap", linkRadiotap, before(slices.Concat([]byte("\x00\x00\x0a\x00\x00\x00\x00\x00\x00\x00"), wifiHead("\x08\x01", 0), []byte(snap))...)},
		{"NFLOG", linkNFLog, nflogged(binary.LittleEndian)}, {"NFLOG, big endian", linkNFLog, nflogged(binary.BigEndian)},
		{"PKTAP of RAW", linkPKTAP, before(append([]byte("\x10\x00\x00\x00\x01\x00\x00\x00\x65\x00\x00\x00"), 1, 2, 3, 4)...)},
		{"PKTAP of NULL", linkUser2, before([]byte("\x0c\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00")...)},
		{"IP in IP", linkRaw, func(ip []byte) []byte {
			return serialize(t, &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolIPv4, SrcIP: net.IP{1, 2, 3, 4}, DstIP: net.IP{5, 6, 7, 8}}, gopacket.Payload(ip))
		}},
		{"GRE with a key", linkRaw, func(ip []byte) []byte {
			return serialize(t, &layers.IPv6{Version: 6, NextHeader: layers.IPProtocolGRE, HopLimit: 64, SrcIP: usual6.client, DstIP: usual6.server},
				&layers.GRE{Protocol: layers.EthernetTypeIPv4, KeyPresent: true, Key: 7}, gopacket.Payload(ip))
		}},
		{"Ethernet", linkEthernet, func(ip []byte) []byte {
			return append(serialize(t, eth(layers.EthernetTypeIPv4), gopacket.Payload(ip)), "\x00\x00\x00\x00 padding"...)
		}},
		{"VLAN", linkEthernet, func(ip []byte) []byte {
			return serialize(t, eth(layers.EthernetTypeDot1Q), &layers.Dot1Q{VLANIdentifier: 7, Type: layers.EthernetTypeIPv4}, gopacket.Payload(ip))
		}},
		{"QinQ", linkEthernet, func(ip []byte) []byte {
			return serialize(t, eth(layers.EthernetTypeQinQ), &layers.Dot1Q{VLANIdentifier: 7, Type: layers.EthernetTypeDot1Q},
				&layers.Dot1Q{VLANIdentifier: 8, Type: layers.EthernetTypeIPv4}, gopacket.Payload(ip))
		}},
		{"Linux SLL", linkSLL, before(0, 0, 3, 4, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0)},
		{"Linux SLL2", linkSLL2, before(8, 0, 0, 0, 0, 0, 0, 1, 3, 4, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0)},
		{"RAW", linkRaw, before()}, {"RAW as BSD has it", linkRaw12, before()}, {"RAW as OpenBSD has it", linkRaw14, before()}, {"IPv4", linkIPv4, before()},
		{"NULL, little endian", linkNull, before(2, 0, 0, 0)}, {"NULL, big endian", linkNull, before(0, 0, 0, 2)}, {"LOOP", linkLoop, before(0, 0, 0, 2)},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDump(c.link)
			for _, p := range hello() {
				d.add(start, c.wrap(usual.ip(t, p)), 0)
			}
			got, _, err := told(d.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(helloOpen+helloTold, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
	for _, link := range []uint16{linkIPv6, linkRaw} {
		got, _, err := told(newDump(link).tcp(t, usual6, hello()...).Bytes())
		if want := "open [2001:db8::1]:40000>[2001:db8::2]:5222 true\n" + helloTold; err != nil || got != want {
			t.Errorf("IPv6 on %d: %v\n%s", link, err, got)
		}
	}
	_, stats, err := told(newDump(147).tcp(t, usual, hello()...).Bytes())
	if err != nil || stats.Unreadable != len(hello()) || stats.UnknownLink != 147 {
		t.Errorf("unknown link type: %v, %+v", err, stats)
	}
}

// TestFramesCutAnywhere: no frame is too short, or too nested, for any link type.
func TestFramesCutAnywhere(t *testing.T) {
	frames := [][]byte{
		[]byte("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x88\x64\x11\x00\x00\x01\x00\x30\xff\x03\x00\x21\x45"),
		[]byte("\x88\xc3" + strings.Repeat("\x00", 40) + "\xaa\xaa\x03\x00\x00\x00\x08\x00\x45"),
		[]byte("\x0c\x00\x00\x00\x01\x00\x00\x00\x02\x01\x00\x00\x45"), // PKTAP in PKTAP
		[]byte("\x02\x00\x00\x05\x08\x00\x01\x00\x00\x00\x00\x00\x00\x00\x09\x00"),
		bytes.Repeat([]byte{0x81, 0}, 60), bytes.Repeat([]byte{4, 0, 0, 0}, 30), make([]byte, 60),
	}
	for link := range links {
		for _, f := range frames {
			for n := range len(f) + 1 {
				if got := network(link, f[:n]); len(got) > n {
					t.Errorf("link type %d: %d bytes in a frame of %d", link, len(got), n)
				}
			}
		}
	}
	deep := usual.ip(t, hello()[0])
	for range 200 {
		deep = serialize(t, &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolIPv4, SrcIP: net.IP{1, 2, 3, 4}, DstIP: net.IP{5, 6, 7, 8}}, gopacket.Payload(deep))
	}
	d := newDump(linkRaw)
	d.add(start, deep, 0)
	if got, _, err := told(d.Bytes()); got != "" || err != nil {
		t.Errorf("200 times IP in IP: %q, %v", got, err)
	}
}

// TestFragments: datagrams in pieces, in any order, doubled, overlapping, and with
// one missing.
func TestFragments(t *testing.T) {
	type piece struct{ from, to int }
	whole := []piece{{0, 16}, {16, 32}, {32, 1000}}
	for name, c := range map[string]struct {
		pieces []piece
		ok     bool
	}{
		"in order":    {whole, true},
		"backwards":   {[]piece{whole[2], whole[1], whole[0]}, true},
		"doubled":     {[]piece{whole[0], whole[0], whole[2], whole[1]}, true},
		"overlapping": {[]piece{{0, 24}, {32, 1000}, {8, 32}}, true},
		"inside out":  {[]piece{{16, 24}, {8, 32}, {32, 1000}, {0, 16}}, true},
		"one missing": {[]piece{whole[0], whole[2]}, false},
	} {
		for version, e := range map[string]ends{"IPv4": usual, "IPv6": usual6} {
			t.Run(version+" "+name, func(t *testing.T) {
				d := newDump(linkRaw).tcp(t, e, hello()[:3]...)
				src, dst, segment := e.segmentBytes(t, tcpPacket{dir: c2s, seq: 1, flags: "A", ack: 1, data: "<hello>"})
				for _, p := range c.pieces {
					to := min(p.to, len(segment))
					d.add(start, fragment(t, src, dst, segment[p.from:to], p.from, to < len(segment)), 0)
				}
				d.tcp(t, e, hello()[4:]...)
				got, _, err := told(d.Bytes())
				if err != nil {
					t.Fatal(err)
				}
				want := helloTold
				if !c.ok {
					want = "s2c <welcome>\ns2c end\nc2s lost 7\nc2s end\nclosed s2c false\n"
				}
				if d := cmp.Diff(want, got[len(got)-min(len(got), len(want)):]); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
			})
		}
	}
}

func fragment(t *testing.T, src, dst net.IP, b []byte, at int, more bool) []byte {
	if src.To4() != nil {
		ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, Id: 77, FragOffset: uint16(at / 8), SrcIP: src, DstIP: dst}
		if more {
			ip.Flags = layers.IPv4MoreFragments
		}
		return serialize(t, ip, gopacket.Payload(b))
	}
	// Behind an extension header, as they may be.
	head := make([]byte, 16)
	head[0], head[8] = protoFragment, protoTCP
	offset := uint16(at)
	if more {
		offset |= 1
	}
	binary.BigEndian.PutUint16(head[10:], offset)
	binary.BigEndian.PutUint32(head[12:], 77)
	return serialize(t, &layers.IPv6{Version: 6, NextHeader: layers.IPProtocolIPv6HopByHop, HopLimit: 64, SrcIP: src, DstIP: dst}, gopacket.Payload(append(head, b...)))
}

// TestExtensionHeaders: what may stand between IPv6 and TCP.
func TestExtensionHeaders(t *testing.T) {
	d := newDump(linkRaw)
	for _, p := range hello() {
		src, dst, segment := usual6.segmentBytes(t, p)
		heads := []byte{
			protoRouting, 0, 1, 4, 0, 0, 0, 0, // hop by hop
			protoAuth, 0, 0, 0, 0, 0, 0, 0, // routing
			protoOptions, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // authentication
			protoFragment, 0, 1, 4, 0, 0, 0, 0, // destination options
			protoTCP, 0, 0, 0, 0, 0, 0, 9, // a fragment that is all there is
		}
		d.add(start, serialize(t, &layers.IPv6{Version: 6, NextHeader: layers.IPProtocolIPv6HopByHop, HopLimit: 64, SrcIP: src, DstIP: dst}, gopacket.Payload(append(heads, segment...))), 0)
	}
	got, _, err := told(d.Bytes())
	if want := "open [2001:db8::1]:40000>[2001:db8::2]:5222 true\n" + helloTold; err != nil || got != want {
		t.Errorf("%v\n%s", err, got)
	}
}

// TestOffload: segmentation offload leaves the length 0 where packets are captured
// on their way out.
func TestOffload(t *testing.T) {
	for _, e := range []ends{usual, usual6} {
		d := newDump(linkRaw)
		for _, p := range hello() {
			b := e.ip(t, p)
			if p.data != "" {
				at := 2
				if b[0]>>4 == 6 {
					at = 4
				}
				b[at], b[at+1] = 0, 0
			}
			d.add(start, b, 0)
		}
		if got, _, err := told(d.Bytes()); err != nil || len(got) < len(helloTold) || got[len(got)-len(helloTold):] != helloTold {
			t.Errorf("%v\n%s", err, got)
		}
	}
}

// TestExported: PDUs that Wireshark has exported, with and without their ends.
func TestExported(t *testing.T) {
	tag := func(b []byte, kind uint16, value string) []byte {
		b = binary.BigEndian.AppendUint16(b, kind)
		b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
		return append(b, value...)
	}
	pdu := func(dissector, from, to, fromPort, toPort, data string) []byte {
		b := tag(nil, TagDissector, dissector)
		if from != "" {
			b = tag(tag(tag(tag(b, TagIPv4Src, from), TagIPv4Dst, to), TagSrcPort, fromPort), TagDstPort, toPort)
		}
		return append(tag(b, TagEnd, ""), data...)
	}
	const client, server = "\x0a\x00\x00\x01", "\x0a\x00\x00\x02"
	const port, xmpp = "\x00\x00\x9c\x40", "\x00\x00\x14\x66"
	d := newDump(linkExported)
	d.add(start, pdu("xmpp\x00\x00\x00\x00", client, server, port, xmpp, "<a/>"), 0)
	d.add(start, pdu("xmpp", server, client, xmpp, port, "<b/>"), 0)
	d.add(start, pdu("tls", client, server, port, xmpp, "\x16\x03"), 0)
	d.add(start, pdu("sip", client, server, port, xmpp, "INVITE"), 0)
	d.add(start, pdu("xmpp", client, server, port, xmpp, "<cut/>"), 3)
	d.add(start, pdu("xmpp", "", "", "", "", "<nobody/>"), 0)
	d.add(start, []byte{0, 12, 0, 99}, 0)
	for _, p := range hello() {
		other := usual
		other.clientPort = 50000
		d.add(start, pdu("ip", "", "", "", "", string(other.ip(t, p))), 0)
	}
	got, _, err := told(d.Bytes())
	want := "open 10.0.0.1:40000>10.0.0.2:5222 false\nc2s <a/>\ns2c <b/>\nc2s \x16\x03\nc2s <cu\nc2s lost 3\n" +
		"open 0.0.0.0:0>0.0.0.0:0 false\nc2s <nobody/>\nopen 10.0.0.1:50000>10.0.0.2:5222 true\n" + helloTold
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("%v, (-want +got):\n%s", err, d)
	}
}
