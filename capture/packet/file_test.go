package packet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// block is a pcapng block in the given byte order.
func block(order binary.AppendByteOrder, kind uint32, body []byte) []byte {
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	size := uint32(12 + len(body))
	b := order.AppendUint32(order.AppendUint32(nil, kind), size)
	return order.AppendUint32(append(b, body...), size)
}

type orders interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

func sectionBlock(o orders) []byte {
	b := o.AppendUint32(nil, 0x1A2B3C4D)
	b = o.AppendUint16(o.AppendUint16(b, 1), 0)
	return block(o, BlockSection, o.AppendUint64(b, 1<<64-1))
}

func option(o orders, b []byte, code uint16, value ...byte) []byte {
	b = o.AppendUint16(o.AppendUint16(b, code), uint16(len(value)))
	b = append(b, value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func interfaceBlock(o orders, link uint16, snap uint32, options ...byte) []byte {
	b := o.AppendUint32(o.AppendUint16(o.AppendUint16(nil, link), 0), snap)
	return block(o, BlockInterface, append(b, options...))
}

func packetBlock(o orders, kind uint32, intf uint32, stamp uint64, data []byte) []byte {
	var b []byte
	switch kind {
	case BlockPacket:
		b = o.AppendUint32(nil, intf)
	case BlockOldPacket:
		b = o.AppendUint16(o.AppendUint16(nil, uint16(intf)), 3) // 3 were dropped
	}
	if kind != BlockSimple {
		b = o.AppendUint32(o.AppendUint32(b, uint32(stamp>>32)), uint32(stamp))
		b = o.AppendUint32(b, uint32(len(data)))
	}
	b = o.AppendUint32(b, uint32(len(data)))
	b = append(b, data...)
	return block(o, kind, b)
}

// mixed is a pcapng file with much of what there can be: a section of each byte
// order, interfaces with clocks of their own, all kinds of packets, keys, and
// blocks that are of no interest.
func mixed(t testing.TB) []byte {
	var file []byte
	packets := hello()
	at := func(o orders, kind uint32, intf uint32, stamp uint64, i int) {
		file = append(file, packetBlock(o, kind, intf, stamp, usual.ip(t, packets[i]))...)
	}
	le, be := binary.LittleEndian, binary.BigEndian
	file = append(file, sectionBlock(le)...)
	file = append(file, interfaceBlock(le, linkRaw, 0)...)
	file = append(file, interfaceBlock(le, linkRaw, 0, option(le, option(le, nil, optResolution, 9), optTimeOffset, le.AppendUint64(nil, 100)...)...)...)
	file = append(file, block(le, 4, []byte("names that were resolved"))...)
	file = append(file, block(le, BlockSecrets, append(le.AppendUint32(le.AppendUint32(nil, secretsTLS), 11), "KEY LINE 1\n"...))...)
	file = append(file, block(le, BlockCustom, []byte("\x01\x02\x03\x04whose is this"))...)
	at(le, BlockPacket, 0, 1_000_000_000_000_000, 0)
	at(le, BlockPacket, 1, 999_999_900_000_000_001, 1)
	at(le, BlockOldPacket, 0, 1_000_000_000_000_002, 2)
	at(le, BlockSimple, 0, 0, 3)
	file = append(file, sectionBlock(be)...)
	file = append(file, interfaceBlock(be, linkRaw, 0, option(be, nil, optResolution, 0x80|10)...)...)
	for i := 4; i < len(packets); i++ {
		at(be, BlockPacket, 0, 1_000_000_000<<10+uint64(i)*512, i)
	}
	return append(file, block(be, BlockSecrets, append(be.AppendUint32(be.AppendUint32(nil, secretsTLS), 4), "KEY2"...))...)
}

func TestPcapng(t *testing.T) {
	file := mixed(t)
	got, stats, err := told(file)
	if err != nil || stats.Packets != len(hello()) {
		t.Fatalf("%v, %+v", err, stats)
	}
	want := "keys KEY LINE 1\n\n" + helloOpen + helloTold + "keys KEY2\n"
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	var times []string
	each(t, file, func(p *Packet) {
		if p.Keys == nil {
			times = append(times, p.At.Format("05.000000000"))
		}
	})
	if d := cmp.Diff([]string{"40.000000000", "40.000000001", "40.000002000", "40.000002000", "42.000000000", "42.500000000", "43.000000000", "43.500000000"}, times); d != "" {
		t.Errorf("times (-want +got):\n%s", d)
	}
}

// TestPcap is the older format in both byte orders and units of time.
func TestPcap(t *testing.T) {
	for _, o := range []orders{binary.LittleEndian, binary.BigEndian} {
		for magic, unit := range map[uint32]time.Duration{0xa1b2c3d4: time.Microsecond, 0xa1b23c4d: time.Nanosecond, 0xa1b2cd34: time.Microsecond} {
			file := o.AppendUint32(nil, magic)
			file = o.AppendUint16(o.AppendUint16(file, 2), 4)
			file = o.AppendUint32(o.AppendUint64(file, 0), 1<<18)
			file = o.AppendUint32(file, 0x10000000|linkRaw) // checksums of 0 bytes, as some say
			for _, p := range hello() {
				b := usual.ip(t, p)
				file = o.AppendUint32(o.AppendUint32(file, 1_000_000_000), 7)
				file = o.AppendUint32(o.AppendUint32(file, uint32(len(b))), uint32(len(b)))
				if magic == 0xa1b2cd34 {
					file = append(file, 0, 0, 0, 1, 8, 0, 0, 0) // the interface, and what it thinks of the packet
				}
				file = append(file, b...)
			}
			if got, _, err := told(file); err != nil || got != helloOpen+helloTold {
				t.Errorf("%v %v: %v\n%s", o, unit, err, got)
			}
			other := newDump(linkLoop) // behind it, in another form: cat does that
			for _, p := range hello() {
				other.add(start, append([]byte{0, 0, 0, 2}, usual.ip(t, p)...), 0)
			}
			twice := helloOpen + helloTold + helloOpen + helloTold
			if got, _, err := told(append(bytes.Clone(file), other.Bytes()...)); err != nil || got != twice {
				t.Errorf("%v %v, joined with another: %v\n%s", o, unit, err, got)
			}
			each(t, file, func(p *Packet) {
				if want := time.Unix(1_000_000_000, 7*int64(unit)).UTC(); !p.At.Equal(want) {
					t.Errorf("%v %v: time %v, want %v", o, unit, p.At, want)
				}
			})
		}
	}
}

// TestTimesStayInText: whatever a file says, its times can be written as text.
func TestTimesStayInText(t *testing.T) {
	for _, c := range []struct {
		ticks  uint64
		offset int64
	}{{1, 1 << 62}, {1, 0}, {1, -1 << 62}, {1 << 62, -5}} {
		i := Interface{ticks: c.ticks}
		i.Offset = c.offset
		for _, stamp := range []uint64{0, 1, 1 << 63, 1<<64 - 1} {
			if _, err := i.Time(stamp).MarshalText(); err != nil {
				t.Errorf("%+v, %d: %v", i, stamp, err)
			}
		}
	}
}

func TestTicks(t *testing.T) {
	for resolution, want := range map[byte]uint64{6: 1e6, 9: 1e9, 0: 1, 0x80 | 10: 1024, 0xff: 1e6, 0x7f: 1e6} {
		if got := ticks(resolution); got != want {
			t.Errorf("if_tsresol %#x: %d ticks, want %d", resolution, got, want)
		}
	}
}

// TestEveryPrefix: of a file that is cut off all that is whole is told, and where
// it ends.
func TestEveryPrefix(t *testing.T) {
	for name, file := range map[string][]byte{"pcap": newDump(linkRaw).tcp(t, usual, hello()...).Bytes(), "pcapng": mixed(t)} {
		all, _, err := told(file)
		if err != nil {
			t.Fatal(err)
		}
		var before string
		for n := range len(file) {
			got, _, err := told(file[:n])
			var damaged *Damaged
			if err != nil && (!errors.As(err, &damaged) || damaged.Offset > int64(n)) {
				t.Fatalf("%s, %d bytes: %v", name, n, err)
			}
			if !strings.HasPrefix(all, got) || len(got) < len(before) {
				t.Fatalf("%s, %d bytes: %q", name, n, got)
			}
			before = got
		}
	}
}

// TestDamage: a file with wrong bytes in it is read as far as it goes.
func TestDamage(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, file := range [][]byte{newDump(linkRaw).tcp(t, usual, hello()...).Bytes(), mixed(t)} {
		for range 3000 {
			bad := bytes.Clone(file)
			for range 1 + random.IntN(4) {
				bad[random.IntN(len(bad))] = byte(random.Uint32())
			}
			told(bad) // it ends, and without a panic
		}
	}
}

func TestEmitCanStop(t *testing.T) {
	stop := errors.New("enough")
	calls := 0
	_, err := Read(bytes.NewReader(mixed(t)), Options{}, func(e *Event) error { calls++; return stop })
	if err != stop || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

func FuzzPacket(f *testing.F) {
	f.Add(newDump(linkRaw).tcp(f, usual, hello()...).Bytes())
	f.Add(newDump(linkEthernet).Bytes())
	f.Add(mixed(f))
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) > 24 {
			file[20] &= 0x7f // more of the link types that are known
		}
		sizes := map[*Conn]int{}
		_, err := Read(bytes.NewReader(file), Options{Late: time.Duration(len(file)%2) * time.Hour}, func(e *Event) error {
			if e.Kind == Data {
				sizes[e.Conn] += len(e.Bytes)
			}
			if (e.Kind == Data) != (len(e.Bytes) > 0) && e.Kind != Keys || (e.Kind == Gap) != (e.Lost > 0) {
				t.Errorf("event %+v", e)
			}
			return nil
		})
		var damaged *Damaged
		if err != nil && !errors.As(err, &damaged) {
			t.Errorf("error %v", err)
		}
		total := 0
		for _, n := range sizes {
			total += n
		}
		if total > len(file) {
			t.Errorf("%d bytes of data out of a file of %d", total, len(file))
		}
	})
}
