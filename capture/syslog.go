package capture

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"xmppscope/capture/packet"
	"xmppscope/internal/lent"
)

// A .pcap file has no place for anything but packets. So the lines of a recording stand
// in it as messages of syslog (RFC 5424, over UDP: RFC 5426), which Wireshark shows as
// such and which belong to no connection. A line that is too long for a datagram goes
// on in the next ones; the line feed is its end.
const (
	portSyslog  = 514
	syslogFirst = "<134>1 - - xmppscope - line - "
	syslogMore  = "<134>1 - - xmppscope - more - "
	// maxMessage leaves room for an IPv6 and a UDP header.
	maxMessage = maxPacket - 40 - 8
)

// syslogPackets are the raw IP packets that carry a line from one end to another.
func syslogPackets(from, to netip.Addr, line []byte) (out [][]byte) {
	head := syslogFirst
	for line = append(line, '\n'); len(line) > 0; head = syslogMore {
		n := min(len(line), maxMessage-len(head))
		out = append(out, datagram(from, to, append([]byte(head), line[:n]...)))
		line = line[n:]
	}
	return out
}

func datagram(from, to netip.Addr, payload []byte) []byte {
	udp := &layers.UDP{SrcPort: portSyslog, DstPort: portSyslog}
	return rawIP(gopacket.NewSerializeBuffer(), from, to, layers.IPProtocolUDP, udp, payload)
}

// syslogReader finds the lines of a recording among packets.
type syslogReader struct {
	line []byte // as far as it has come
	open bool   // it is not at its end
}

// next gives the line that ends with a packet, without the line feed; it is borrowed.
func (r *syslogReader) next(p *packet.Packet) (line []byte, ok bool) {
	if p.On.Link != linkRaw {
		return nil, false
	}
	message := openDatagram(p.Data)
	if !r.open {
		lent.Back(r.line)
	}
	if part, first := bytes.CutPrefix(message, []byte(syslogFirst)); first {
		r.line, r.open = append(r.line[:0], part...), true
	} else if part, more := bytes.CutPrefix(message, []byte(syslogMore)); more && r.open && len(r.line) <= maxRecord {
		r.line = append(r.line, part...)
	} else {
		return nil, false
	}
	line, ok = bytes.CutSuffix(r.line, []byte{'\n'})
	r.open = !ok
	return line, ok
}

// openDatagram is the way back from datagram, nil for other packets.
func openDatagram(b []byte) (payload []byte) {
	const udp = byte(layers.IPProtocolUDP)
	switch {
	case len(b) > 20+8 && b[0] == 0x45 && b[9] == udp:
		b = b[20:]
	case len(b) > 40+8 && b[0]>>4 == 6 && b[6] == udp:
		b = b[40:]
	default:
		return nil
	}
	if binary.BigEndian.Uint16(b[2:]) != portSyslog {
		return nil
	}
	return b[8:]
}
