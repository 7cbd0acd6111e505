package packet

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReadPackets: every packet of a connection is told of, fragments with the last of
// their datagram, before what they bring.
func TestReadPackets(t *testing.T) {
	for version, e := range map[string]ends{"IPv4": usual, "IPv6": usual6} {
		d := newDump(linkRaw).tcp(t, e, hello()[:3]...)
		src, dst, segment := e.segmentBytes(t, tcpPacket{dir: c2s, seq: 1, flags: "A", ack: 1, data: "<hello>"})
		for _, p := range []struct{ from, to int }{{0, 16}, {16, len(segment)}, {0, 16}} { // the last one in vain
			d.add(start, fragment(t, src, dst, segment[p.from:p.to], p.from, p.to < len(segment)), 0)
		}
		d.tcp(t, e, hello()[4:]...)
		var want, got [][]byte
		each(t, d.Bytes(), func(p *Packet) { want = append(want, bytes.Clone(p.Data)) })
		want = append(want[:5], want[6:]...) // the fragment whose datagram never is whole
		_, err := Read(bytes.NewReader(d.Bytes()), Options{Packets: true}, func(e *Event) error {
			switch e.Kind {
			case Captured:
				got = append(got, bytes.Clone(e.Packet.Data))
			case Data:
				if len(got) < 5 {
					t.Errorf("%s: %q comes after %d packets", version, e.Bytes, len(got))
				}
			}
			return nil
		})
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("%s: %v (-want +got)\n%s", version, err, d)
		}
	}
}

// TestFragmentsAreBounded: who sends the same fragment again and again does not fill
// the memory.
func TestFragmentsAreBounded(t *testing.T) {
	d := new(datagram)
	for range 10 * maxFragments {
		d.remember(&Packet{Data: make([]byte, 1000)})
	}
	if kept := len(d.packets); kept == 0 || kept*1000 > 4*maxDatagram {
		t.Errorf("%d packets are kept", kept)
	}
}
