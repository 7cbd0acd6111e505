package main

import (
	"bufio"
	"errors"
	"net"
	"os"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// writeCapture writes a pcap file of one connection in the clear: a login, then so many
// mixed stanzas of both sides, a packet each, a millisecond apart.
func writeCapture(path string, stanzas int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(f, 1<<20)
	p := &packets{pcap: pcapgo.NewWriter(buffered), at: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC), next: map[sender]uint32{fromClient: 1000, fromServer: 2000}}
	p.err = p.pcap.WriteFileHeader(1<<16, layers.LinkTypeRaw)
	p.write(fromClient, layers.TCP{SYN: true}, nil)
	p.write(fromServer, layers.TCP{SYN: true, ACK: true}, nil)
	p.write(fromClient, layers.TCP{ACK: true}, nil)
	const anonymous = "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>ANONYMOUS</mechanism></mechanisms>" + endOfFeatures
	for _, said := range []struct {
		from sender
		text string
	}{
		{fromClient, clientHeader}, {fromServer, serverHeader + anonymous},
		{fromClient, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>"},
		{fromServer, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"},
		{fromClient, clientHeader}, {fromServer, serverHeader + offersBind},
		{fromClient, bindRequest}, {fromServer, bindResult},
	} {
		p.write(said.from, layers.TCP{ACK: true, PSH: true}, []byte(said.text))
	}
	up, down := newGenerator(fromClient), newGenerator(fromServer)
	var text []byte
	for i := range stanzas {
		g, from := up, fromClient
		if i%2 == 1 {
			g, from = down, fromServer
		}
		text = g.appendNext(text[:0])
		p.write(from, layers.TCP{ACK: true, PSH: true}, text)
	}
	return errors.Join(p.err, buffered.Flush(), f.Close())
}

// packets writes the packets of one connection.
type packets struct {
	pcap *pcapgo.Writer
	at   time.Time
	next map[sender]uint32 // the sequence number of a side's next byte
	err  error             // the first one
}

var loopback = net.IPv4(127, 0, 0, 1)

func (p *packets) write(from sender, tcp layers.TCP, payload []byte) {
	if p.err != nil {
		return
	}
	const client, server = 40000, 5222
	other := fromServer
	tcp.SrcPort, tcp.DstPort = client, server
	if from == fromServer {
		other = fromClient
		tcp.SrcPort, tcp.DstPort = server, client
	}
	tcp.Seq, tcp.Window = p.next[from], 1<<16-1
	if tcp.ACK {
		tcp.Ack = p.next[other]
	}
	p.next[from] += uint32(len(payload))
	if tcp.SYN {
		p.next[from]++
	}
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: loopback, DstIP: loopback}
	tcp.SetNetworkLayerForChecksum(ip)
	b := gopacket.NewSerializeBuffer()
	o := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if p.err = gopacket.SerializeLayers(b, o, ip, &tcp, gopacket.Payload(payload)); p.err != nil {
		return
	}
	size := len(b.Bytes())
	p.at = p.at.Add(time.Millisecond)
	p.err = p.pcap.WritePacket(gopacket.CaptureInfo{Timestamp: p.at, CaptureLength: size, Length: size}, b.Bytes())
}
