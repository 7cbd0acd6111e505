package packet

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestTCP is what can happen to segments on their way into a capture.
func TestTCP(t *testing.T) {
	syn := hello()[:3]
	c := func(seq uint32, data string) tcpPacket {
		return tcpPacket{dir: c2s, seq: seq, flags: "A", ack: 1, data: data}
	}
	s := func(seq, ack uint32, data string) tcpPacket {
		return tcpPacket{dir: s2c, seq: seq, flags: "A", ack: ack, data: data}
	}
	with := func(list ...tcpPacket) []tcpPacket { return append(syn[:len(syn):len(syn)], list...) }
	late := func(p tcpPacket, at time.Duration) tcpPacket { p.at = at; return p }
	const joined = "open 10.0.0.1:40000>10.0.0.2:5222 false\n"
	for _, test := range []struct {
		name    string
		packets []tcpPacket
		want    string
	}{
		{"in order", hello(), helloOpen + helloTold},
		{"out of order", with(c(4, "def"), c(7, "ghi"), c(1, "abc")), helloOpen + "c2s abc\nc2s def\nc2s ghi\n"},
		{"backwards", with(c(7, "ghi"), c(4, "def"), c(1, "abc")), helloOpen + "c2s abc\nc2s def\nc2s ghi\n"},
		{"sent twice", with(c(1, "abc"), c(1, "abc"), c(4, "def")), helloOpen + "c2s abc\nc2s def\n"},
		{"sent again with more", with(c(1, "abc"), c(1, "abcdef")), helloOpen + "c2s abc\nc2s def\n"},
		{"overlap: the first holds", with(c(1, "abc"), c(2, "XYdef")), helloOpen + "c2s abc\nc2s def\n"},
		{"overlap behind a gap", with(c(4, "def"), c(6, "XYZ"), c(1, "abc")), helloOpen + "c2s abc\nc2s def\nc2s YZ\n"},
		{"late twice, longer", with(c(4, "d"), c(4, "def"), c(1, "abc")), helloOpen + "c2s abc\nc2s def\n"},
		{"keep-alive probe", with(c(1, "abc"), c(3, "c"), c(4, "d")), helloOpen + "c2s abc\nc2s d\n"},
		{"lost, at the end of the capture", with(c(1, "abc"), c(7, "ghi")), helloOpen + "c2s abc\nc2s lost 3\nc2s ghi\n"},
		{"lost, and acknowledged a while ago", with(c(1, "abc"), s(1, 7, "ok"), late(s(3, 7, "on"), 2*time.Second), late(c(7, "ghi"), 3*time.Second)),
			helloOpen + "c2s abc\ns2c ok\ns2c on\nc2s lost 3\nc2s ghi\n"},
		{"late, and acknowledged just before", with(c(1, "abc"), s(1, 7, "ok"), c(4, "def")), helloOpen + "c2s abc\ns2c ok\nc2s def\n"},
		{"lost, and nobody says so", with(c(1, "abc"), c(7, "ghi"), late(c(10, "j"), time.Minute)), helloOpen + "c2s abc\nc2s lost 3\nc2s ghi\nc2s j\n"},
		{"no SYN", []tcpPacket{s(50, 1, "welcome"), c(1, "hello")}, joined + "s2c welcome\nc2s hello\n"},
		{"no SYN, bytes before the first", []tcpPacket{c(10, "def"), c(7, "abc"), c(13, "ghi")}, joined + "c2s def\nc2s ghi\n"},
		{"no SYN, lost bytes", []tcpPacket{s(50, 20, "welcome"), late(s(57, 20, "!"), time.Second), late(c(23, "x"), 9*time.Second), late(s(58, 24, "?"), 40*time.Second)},
			joined + "s2c welcome\ns2c !\ns2c ?\nc2s lost 3\nc2s x\n"},
		{"only the answer to the SYN", append(syn[1:2:2], c(1, "abc"), s(1, 4, "ok")), helloOpen + "c2s abc\ns2c ok\n"},
		{"data with the SYN", []tcpPacket{{dir: c2s, flags: "S", data: "abc"}, {dir: s2c, flags: "SA", ack: 4}, c(4, "def")}, helloOpen + "c2s abc\nc2s def\n"},
		{"reset", with(c(1, "abc"), c(7, "ghi"), tcpPacket{dir: s2c, seq: 1, flags: "RA", ack: 4}, c(10, "x")),
			helloOpen + "c2s abc\nc2s lost 3\nc2s ghi\nclosed s2c true\n"},
		{"a reset from nowhere", with(c(1, "abc"), tcpPacket{dir: s2c, seq: 1 << 30, flags: "R"}, c(4, "def")), helloOpen + "c2s abc\nc2s def\n"},
		{"a reset before what was sent before it", with(c(1, "abc"), tcpPacket{dir: c2s, seq: 7, flags: "RA", ack: 1}, c(4, "def")),
			helloOpen + "c2s abc\nc2s def\nclosed c2s true\n"},
		{"a reset before what the other side had sent", with(c(1, "abc"), tcpPacket{dir: s2c, seq: 1, flags: "RA", ack: 7}, c(4, "def")),
			helloOpen + "c2s abc\nc2s def\nclosed s2c true\n"},
		{"a reset, and what was sent before it is lost", with(c(1, "abc"), tcpPacket{dir: c2s, seq: 7, flags: "RA", ack: 1}),
			helloOpen + "c2s abc\nclosed c2s true\n"},
		{"a reset, and what the other side had sent is lost", with(c(1, "abc"), tcpPacket{dir: s2c, seq: 1, flags: "RA", ack: 7}, late(s(1, 7, "x"), 2*time.Second)),
			helloOpen + "c2s abc\ns2c x\nc2s lost 3\nclosed s2c true\n"},
		{"the ports are used again", append(hello(), tcpPacket{dir: c2s, seq: 1 << 26, flags: "S"}, c(1<<26+1, "again")),
			helloOpen + helloTold + helloOpen + "c2s again\n"},
		{"used again without an end", with(c(1, "abc"), tcpPacket{dir: c2s, seq: 1 << 26, flags: "S"}, c(1<<26+1, "again")),
			helloOpen + "c2s abc\nclosed  false\n" + helloOpen + "c2s again\n"},
		{"the SYN is sent twice", append(syn[:1:1], hello()...), helloOpen + helloTold},
		{"late segments of what is over", append(hello(), c(1, "<hello>")), helloOpen + helloTold},
		{"the end comes before the last bytes", with(tcpPacket{dir: c2s, seq: 4, flags: "FA", ack: 1}, c(1, "abc")), helloOpen + "c2s abc\nc2s end\n"},
		{"cut when captured", with(tcpPacket{dir: c2s, seq: 1, flags: "A", ack: 1, data: "abcdef", snap: 2}, c(7, "ghi")),
			helloOpen + "c2s ab\nc2s lost 4\nc2s ghi\n"},
		{"a scan", []tcpPacket{{dir: c2s, flags: "S"}, {dir: s2c, flags: "RA", ack: 1}}, helloOpen + "closed s2c true\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _, err := told(newDump(linkRaw).tcp(t, usual, test.packets...).Bytes())
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestTwoConnections: what belongs to one does not reach the other.
func TestTwoConnections(t *testing.T) {
	other := usual
	other.clientPort = 40001
	d := newDump(linkRaw)
	for _, p := range hello() {
		d.tcp(t, usual, p).tcp(t, other, p)
	}
	got, stats, err := told(d.Bytes())
	if err != nil || stats.Connections != 2 || strings.Count(got, "<hello>") != 2 || strings.Count(got, "closed c2s false") != 2 {
		t.Errorf("%v, %+v:\n%s", err, stats, got)
	}
}

// TestWhoIsTheClient: without a SYN the ports tell, as far as they do.
func TestWhoIsTheClient(t *testing.T) {
	for _, test := range []struct {
		from, to uint16
		want     string
	}{
		{5222, 40000, "s2c"}, {40000, 5222, "c2s"}, {5269, 443, "s2c"}, {443, 40000, "s2c"}, {40000, 443, "c2s"},
	} {
		e := usual
		e.clientPort, e.serverPort = test.from, test.to
		got, _, err := told(newDump(linkRaw).tcp(t, e, tcpPacket{dir: c2s, seq: 1, flags: "A", ack: 1, data: "x"}).Bytes())
		if err != nil || !strings.HasSuffix(got, "\n"+test.want+" x\n") {
			t.Errorf("from port %d to %d: %v, %q, want %s", test.from, test.to, err, got, test.want)
		}
	}
}

// TestBounds: a capture that never fills its gaps, and one of a scan, take no more
// memory than they may.
func TestBounds(t *testing.T) {
	d := newDump(linkRaw)
	piece := strings.Repeat("x", 60_000)
	d.tcp(t, usual, hello()[:3]...)
	for i := range 120 {
		d.tcp(t, usual, tcpPacket{dir: c2s, seq: uint32(10 + i*len(piece)), flags: "A", ack: 1, data: piece})
	}
	most := 0
	tab := newTable(func(*Event) error { return nil })
	each(t, d.Bytes(), func(p *Packet) {
		tab.packet(p)
		most = max(most, tab.behind)
	})
	if most < maxHalf/2 || most > maxHalf+len(piece) {
		t.Errorf("%d bytes wait behind a gap", most)
	}

	d = newDump(linkRaw)
	for i := range maxConns + 100 {
		e := usual
		e.client, e.clientPort = net.IP{10, 0, byte(i >> 14), 1}, uint16(20000+i&0x3fff)
		d.tcp(t, e, hello()[0])
	}
	tab = newTable(func(*Event) error { return nil })
	each(t, d.Bytes(), tab.packet)
	if len(tab.conns) != maxConns || tab.stats.Connections != maxConns+100 {
		t.Errorf("%d connections are kept of %d", len(tab.conns), tab.stats.Connections)
	}
}

func each(t *testing.T, file []byte, do func(*Packet)) {
	t.Helper()
	f, err := open(strings.NewReader(string(file)))
	if err != nil {
		t.Fatal(err)
	}
	for {
		var p Packet
		if err := f.next(&p); err != nil {
			return
		}
		do(&p)
	}
}
