package peertest

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// wiretap makes a pcap file of the bytes of one connection: the TCP and IP
// headers are made up, and gopacket writes them.
type wiretap struct {
	pcap   *pcapgo.Writer
	server layers.TCPPort
	now    func() time.Time
	next   [3]uint32 // by direction: the sequence number of the next byte
	err    error     // the first one
}

// startWiretap puts a tap before the server at addr.
func startWiretap(t *testing.T, file, addr string) dump {
	t.Helper()
	server, err := netip.ParseAddrPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	var pcap bytes.Buffer
	r := newWiretap(&pcap, server.Port(), time.Now)
	tap := xmpptest.StartTap(t, addr, r.saw)
	return dump{tap.Addr, file, func(t *testing.T) {
		select {
		case <-tap.Done:
		case <-time.After(patience):
			t.Fatal("the connection through the tap did not end")
		}
		if r.err != nil {
			t.Fatal(r.err)
		}
		if err := os.WriteFile(file, pcap.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}}
}

// newWiretap begins a file with the TCP handshake of a connection to a port.
func newWiretap(out io.Writer, port uint16, now func() time.Time) *wiretap {
	r := &wiretap{pcap: pcapgo.NewWriter(out), server: layers.TCPPort(port), now: now, next: [3]uint32{session.C2S: 1000, session.S2C: 2000}}
	r.err = r.pcap.WriteFileHeader(1<<16, layers.LinkTypeRaw)
	r.packet(session.C2S, layers.TCP{SYN: true}, nil)
	r.packet(session.S2C, layers.TCP{SYN: true, ACK: true}, nil)
	r.packet(session.C2S, layers.TCP{ACK: true}, nil)
	return r
}

// saw is told of the bytes of a side, none at its end.
func (r *wiretap) saw(dir session.Dir, p []byte) {
	r.packet(dir, layers.TCP{ACK: true, PSH: len(p) > 0, FIN: len(p) == 0}, p)
}

// packet appends a packet with this payload.
func (r *wiretap) packet(dir session.Dir, tcp layers.TCP, payload []byte) {
	const client = 40000
	tcp.SrcPort, tcp.DstPort = client, r.server
	if dir == session.S2C {
		tcp.SrcPort, tcp.DstPort = r.server, client
	}
	tcp.Seq, tcp.Window = r.next[dir], 1<<16-1
	if tcp.ACK {
		tcp.Ack = r.next[dir.Opposite()]
	}
	r.next[dir] += uint32(len(payload))
	if tcp.SYN || tcp.FIN {
		r.next[dir]++
	}
	loopback := net.IPv4(127, 0, 0, 1)
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: loopback, DstIP: loopback}
	tcp.SetNetworkLayerForChecksum(ip)
	b := gopacket.NewSerializeBuffer()
	err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ip, &tcp, gopacket.Payload(payload))
	if err == nil {
		size := len(b.Bytes())
		err = r.pcap.WritePacket(gopacket.CaptureInfo{Timestamp: r.now(), CaptureLength: size, Length: size}, b.Bytes())
	}
	if r.err == nil {
		r.err = err
	}
}
