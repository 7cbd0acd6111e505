package packet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"xmppscope/internal/lent"
	"xmppscope/session"
)

// The packets of these tests are made by gopacket, which knows nothing of how they
// are read here.

func init() { lent.Spoil = true }

var start = time.Date(2026, 11, 22, 12, 0, 0, 123_456_000, time.UTC)

// tcpPacket is a segment on its way into a capture. Numbers count from the first
// byte of each side, which is 1: its SYN is 0.
type tcpPacket struct {
	dir      session.Dir
	seq, ack uint32
	flags    string // of S A F R
	data     string
	snap     int           // captured bytes of the payload; 0 for all
	at       time.Duration // since start
}

// isn are the initial numbers: the client's is near the end of the space.
var isn = [3]uint32{session.C2S: 0xffff_fff0, session.S2C: 5_000_000}

type ends struct {
	client, server         net.IP
	clientPort, serverPort uint16
}

var usual = ends{net.IP{10, 0, 0, 1}, net.IP{10, 0, 0, 2}, 40000, 5222}
var usual6 = ends{net.ParseIP("2001:db8::1"), net.ParseIP("2001:db8::2"), 40000, 5222}

// segmentBytes is the TCP segment, ready for an IP header.
func (e ends) segmentBytes(t testing.TB, p tcpPacket) (src, dst net.IP, segment []byte) {
	t.Helper()
	src, dst = e.client, e.server
	tcp := &layers.TCP{SrcPort: layers.TCPPort(e.clientPort), DstPort: layers.TCPPort(e.serverPort), Window: 1000}
	if p.dir == session.S2C {
		src, dst, tcp.SrcPort, tcp.DstPort = dst, src, tcp.DstPort, tcp.SrcPort
	}
	tcp.Seq = isn[p.dir] + p.seq
	tcp.SYN, tcp.FIN, tcp.RST = strings.Contains(p.flags, "S"), strings.Contains(p.flags, "F"), strings.Contains(p.flags, "R")
	if strings.Contains(p.flags, "A") {
		tcp.ACK, tcp.Ack = true, isn[p.dir.Opposite()]+p.ack
	}
	tcp.Options = []layers.TCPOption{{OptionType: layers.TCPOptionKindTimestamps, OptionLength: 10, OptionData: make([]byte, 8)}, {OptionType: layers.TCPOptionKindNop}, {OptionType: layers.TCPOptionKindNop}}
	return src, dst, serialize(t, tcp, gopacket.Payload(p.data))
}

func serialize(t testing.TB, list ...gopacket.SerializableLayer) []byte {
	t.Helper()
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true}, list...); err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(buf.Bytes())
}

// ip is the whole IP packet.
func (e ends) ip(t testing.TB, p tcpPacket) []byte {
	t.Helper()
	src, dst, segment := e.segmentBytes(t, p)
	if e.client.To4() == nil {
		return serialize(t, &layers.IPv6{Version: 6, NextHeader: layers.IPProtocolTCP, HopLimit: 64, SrcIP: src, DstIP: dst}, gopacket.Payload(segment))
	}
	return serialize(t, &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: src, DstIP: dst}, gopacket.Payload(segment))
}

// dump is a pcap file in the making.
type dump struct {
	bytes.Buffer
}

func newDump(link uint16) *dump {
	d := new(dump)
	head := binary.LittleEndian.AppendUint32(nil, 0xa1b23c4d)
	head = append(head, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0)
	d.Write(binary.LittleEndian.AppendUint32(head, uint32(link)))
	return d
}

// add appends a packet of which cut bytes at the end were not captured.
func (d *dump) add(at time.Time, b []byte, cut int) {
	for _, n := range []uint32{uint32(at.Unix()), uint32(at.Nanosecond()), uint32(len(b) - cut), uint32(len(b))} {
		binary.Write(d, binary.LittleEndian, n)
	}
	d.Write(b[:len(b)-cut])
}

// tcp appends segments as raw IP packets.
func (d *dump) tcp(t testing.TB, e ends, list ...tcpPacket) *dump {
	t.Helper()
	for _, p := range list {
		cut := 0
		if p.snap > 0 {
			cut = len(p.data) - p.snap
		}
		d.add(start.Add(p.at), e.ip(t, p), cut)
	}
	return d
}

// told is what Read says of a capture, a line for each event.
func told(file []byte) (string, Stats, error) { return toldWith(file, Options{}) }

func toldWith(file []byte, o Options) (string, Stats, error) {
	var out strings.Builder
	stats, err := Read(bytes.NewReader(file), o, func(e *Event) error {
		switch e.Kind {
		case Opened:
			fmt.Fprintf(&out, "open %v>%v %v\n", e.Conn.Client, e.Conn.Server, e.Conn.Began)
		case Data:
			fmt.Fprintf(&out, "%v %s\n", e.Dir, e.Bytes)
		case Gap:
			fmt.Fprintf(&out, "%v lost %d\n", e.Dir, e.Lost)
		case Ended:
			fmt.Fprintf(&out, "%v end\n", e.Dir)
		case Closed:
			fmt.Fprintf(&out, "closed %v %v\n", e.Dir, e.Reset)
		case Keys:
			fmt.Fprintf(&out, "keys %s\n", e.Bytes)
		}
		return nil
	})
	return out.String(), stats, err
}

const (
	c2s = session.C2S
	s2c = session.S2C
)

// hello is a short conversation.
func hello() []tcpPacket {
	return []tcpPacket{
		{dir: c2s, flags: "S"}, {dir: s2c, flags: "SA", ack: 1}, {dir: c2s, seq: 1, flags: "A", ack: 1},
		{dir: c2s, seq: 1, flags: "A", ack: 1, data: "<hello>"}, {dir: s2c, seq: 1, flags: "A", ack: 8, data: "<welcome>"},
		{dir: c2s, seq: 8, flags: "FA", ack: 10}, {dir: s2c, seq: 10, flags: "FA", ack: 9}, {dir: c2s, seq: 9, flags: "A", ack: 11},
	}
}

const helloTold = "c2s <hello>\ns2c <welcome>\nc2s end\ns2c end\nclosed c2s false\n"
const helloOpen = "open 10.0.0.1:40000>10.0.0.2:5222 true\n"
