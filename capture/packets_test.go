package capture

import (
	"bytes"
	"crypto/tls"
	"iter"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"xmppscope/capture/packet"
	"xmppscope/session"
)

// parsed is what a test wants to know of a packet.
type parsed struct {
	tcp *layers.TCP
	len int
}

func parse(t *testing.T, b []byte) parsed {
	t.Helper()
	p := gopacket.NewPacket(b, layers.LinkTypeRaw, gopacket.Default)
	if e := p.ErrorLayer(); e != nil {
		t.Fatal(e.Error())
	}
	tcp, ok := p.TransportLayer().(*layers.TCP)
	if !ok {
		t.Fatal("no TCP in the packet")
	}
	return parsed{tcp, len(b)}
}

// TestFlowAddsUp plays a connection and checks each number as a receiver would.
func TestFlowAddsUp(t *testing.T) {
	for _, ip := range []string{"127.0.0.1", "::1"} {
		a := netip.MustParseAddr(ip)
		f := newFlow(netip.AddrPortFrom(a, 40000), netip.AddrPortFrom(a, 5222), gopacket.NewSerializeBuffer())
		f.next[session.C2S] = 1<<32 - 100_000 // wraps on the way
		packets := f.open()
		up, down := strings.Repeat("u", 300_000), strings.Repeat("d", 70_000)
		packets = append(packets, collected(f.data(session.C2S, []byte(up)))...)
		packets = append(packets, collected(f.data(session.S2C, []byte(down)))...)
		packets = append(packets, collected(f.data(session.C2S, []byte("end")))...)
		packets = append(packets, f.finish(session.C2S, false)...)

		next := map[layers.TCPPort]uint32{}
		got := map[layers.TCPPort]string{}
		for i, b := range packets {
			p := parse(t, b)
			if p.len > maxPacket {
				t.Errorf("%s: packet %d has %d bytes", ip, i, p.len)
			}
			want, known := next[p.tcp.SrcPort]
			if known && p.tcp.Seq != want {
				t.Errorf("%s: packet %d has the number %d, want %d", ip, i, p.tcp.Seq, want)
			}
			if back, ok := next[p.tcp.DstPort]; p.tcp.ACK && ok && p.tcp.Ack != back {
				t.Errorf("%s: packet %d acknowledges %d, want %d", ip, i, p.tcp.Ack, back)
			}
			n := uint32(len(p.tcp.Payload))
			if p.tcp.SYN || p.tcp.FIN {
				n++
			}
			next[p.tcp.SrcPort] = p.tcp.Seq + n
			got[p.tcp.SrcPort] += string(p.tcp.Payload)
		}
		if got[40000] != up+"end" || got[5222] != down {
			t.Errorf("%s: the payloads differ from what was sent", ip)
		}
	}
}

// collected are packets that were lent.
func collected(lent iter.Seq[[]byte]) (out [][]byte) {
	for p := range lent {
		out = append(out, bytes.Clone(p))
	}
	return out
}

func TestFinish(t *testing.T) {
	a := netip.MustParseAddrPort("127.0.0.1:40000")
	z := netip.MustParseAddrPort("127.0.0.1:5222")
	f := newFlow(a, z, gopacket.NewSerializeBuffer())
	f.open()
	if reset := f.finish(session.S2C, true); len(reset) != 1 || !parse(t, reset[0]).tcp.RST || parse(t, reset[0]).tcp.SrcPort != 5222 {
		t.Error("a reset is not one RST of the side that reset")
	}
	f = newFlow(a, z, gopacket.NewSerializeBuffer())
	f.open()
	if f.fin(session.C2S) == nil || f.fin(session.C2S) != nil {
		t.Error("one side has not exactly one FIN")
	}
	fins := 0
	for _, b := range f.finish(session.C2S, false) {
		if tcp := parse(t, b).tcp; tcp.FIN {
			fins++
			if tcp.SrcPort != 5222 {
				t.Error("the side that had ended ends again")
			}
		}
	}
	if fins != 1 {
		t.Errorf("%d FINs after a half-close", fins)
	}
}

// TestFinishAcknowledgesOnce: after both FINs each is acknowledged, and neither
// twice, whichever side began and whoever says so.
func TestFinishAcknowledgesOnce(t *testing.T) {
	const c, s = session.C2S, session.S2C
	for name, play := range map[string]func(f *flow) [][]byte{
		"at once":                 func(f *flow) [][]byte { return f.finish(c, false) },
		"half-closed by the same": func(f *flow) [][]byte { return append([][]byte{f.fin(c)}, f.finish(c, false)...) },
		"by the other":            func(f *flow) [][]byte { return append([][]byte{f.fin(c)}, f.finish(s, false)...) },
		"both before":             func(f *flow) [][]byte { return append([][]byte{f.fin(c), f.fin(s)}, f.finish(s, false)...) },
		"data in between": func(f *flow) [][]byte {
			out := append([][]byte{f.fin(c)}, collected(f.data(s, []byte("</stream:stream>")))...)
			return append(out, f.finish(s, false)...)
		},
		"nothing left": func(f *flow) [][]byte {
			out := append([][]byte{f.fin(c)}, f.finish(c, false)...)
			return append(out, f.finish(s, false)...)
		},
	} {
		f := newFlow(netip.MustParseAddrPort("127.0.0.1:40000"), netip.MustParseAddrPort("127.0.0.1:5222"), gopacket.NewSerializeBuffer())
		f.open()
		pure := 0
		for _, b := range play(f) {
			if tcp := parse(t, b).tcp; !tcp.FIN && len(tcp.Payload) == 0 {
				pure++
			}
		}
		if pure != 1 || f.acked[c] != f.next[c] || f.acked[s] != f.next[s] {
			t.Errorf("%s: %d pure ACKs; sent %v, acknowledged %v", name, pure, f.next, f.acked)
		}
	}
}

func TestCloser(t *testing.T) {
	for _, c := range []struct {
		leg  session.Leg
		by   string
		want session.Dir
	}{
		{session.ClientLeg, "client", session.C2S}, {session.ClientLeg, "server", session.S2C}, {session.ClientLeg, "xmppscope", session.S2C},
		{session.ServerLeg, "client", session.C2S}, {session.ServerLeg, "server", session.S2C}, {session.ServerLeg, "xmppscope", session.C2S},
	} {
		if got := closer(c.leg, c.by); got != c.want {
			t.Errorf("%v leg ended by %s: %v is first, want %v", c.leg, c.by, got, c.want)
		}
	}
}

func TestTagsRoundTrip(t *testing.T) {
	for _, ends := range [][2]string{{"127.0.0.1:40000", "127.0.0.1:5222"}, {"[2001:db8::1]:5269", "[2001:db8::2]:40001"}} {
		from, to := netip.MustParseAddrPort(ends[0]), netip.MustParseAddrPort(ends[1])
		b := append(appendTags(nil, from, to), "<a/>"...)
		pdu, err := packet.ParsePDU(b)
		if err != nil || pdu.Dissector != "xmpp" || pdu.From != from || pdu.To != to || string(pdu.Data) != "<a/>" {
			t.Errorf("%v: read %+v %v", ends, pdu, err)
		}
		for n := range len(b) - len("<a/>") {
			if _, err := packet.ParsePDU(b[:n]); err == nil {
				t.Errorf("%v: no error for the first %d bytes", ends, n)
			}
		}
	}
}

func TestClaimEndsWhenAllAreTaken(t *testing.T) {
	open := tuples{}
	want := tuple{netip.MustParseAddrPort("127.0.0.1:65530"), netip.MustParseAddrPort("127.0.0.1:5222")}
	got, shifted := open.claim(want)
	if got != want || shifted {
		t.Errorf("the first one got %v", got)
	}
	last := want
	for range 65_536 - 1024 - 2 { // all but one and the XMPP port
		last, _ = open.claim(last)
		if port := last.client.Port(); port < 1024 || port == 5222 {
			t.Fatalf("claimed port %d", port)
		}
	}
	if len(open) != 65_536-1024-1 {
		t.Errorf("%d different ones", len(open))
	}
	open.claim(want) // comes back
}

// TestRedactedPackets: no leg, no key, and what is read back is blanked.
func TestRedactedPackets(t *testing.T) {
	events := full(t, 1, tls.VersionTLS13)
	for _, o := range []Options{{Redact: true}} {
		file := record(t, ".pcapng", o, events)
		for _, bad := range []string{password, plainPayload(), "TRAFFIC_SECRET", "client-leg"} {
			if bytes.Contains(file, []byte(bad)) {
				t.Errorf("the file holds %q", bad)
			}
		}
		got, err := replay(file)
		if diff := cmp.Diff(blanked(numbered(events)), got, sameEvent); err != nil || diff != "" {
			t.Errorf("%v, %.2000s", err, diff)
		}
		if _, err := Read(bytes.NewReader(file), func(e session.Event) error {
			if !session.Numbered(e.Body) {
				t.Errorf("there is %s", e.Kind())
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
}
