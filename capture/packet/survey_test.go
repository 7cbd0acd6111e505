package packet

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func secretsBlock(order binary.AppendByteOrder, kind uint32, lines string) []byte {
	return block(order, BlockSecrets, append(order.AppendUint32(order.AppendUint32(nil, kind), uint32(len(lines))), lines...))
}

// TestSurveyFindsSecrets: key logs are found wherever they stand, in every section and
// byte order; a file that is damaged gives those before the damage.
func TestSurveyFindsSecrets(t *testing.T) {
	le, be := binary.LittleEndian, binary.BigEndian
	file := bytes.Join([][]byte{
		sectionBlock(le), interfaceBlock(le, linkRaw, 0), packetBlock(le, BlockPacket, 0, 1, make([]byte, 70000)), secretsBlock(le, secretsTLS, "one"),
		secretsBlock(le, 0x57474b4c, "WireGuard's"), block(le, BlockCustom, []byte{1, 2, 3, 4}),
		sectionBlock(be), interfaceBlock(be, linkRaw, 0), packetBlock(be, BlockSimple, 0, 0, make([]byte, 8)), secretsBlock(be, secretsTLS, "two"),
	}, nil)
	for _, c := range []struct {
		name, file, want string
		whole            bool
	}{
		{"whole", string(file), "one two", true},
		{"empty", "", "", false},
		{"cut off in a packet", string(file[:1000]), "", false},
		{"cut off in the secrets", string(file[:len(file)-6]), "one", false},
		{"cut off in a head", string(append(bytes.Clone(file), 6, 0, 0)), "one two", false},
		{"no length", string(append(bytes.Clone(file), make([]byte, 20)...)), "one two", false},
		{"no magic", string(append(bytes.Clone(file), block(le, BlockSection, make([]byte, 16))...)), "one two", false},
	} {
		var got []string
		_, err := Survey(again([]byte(c.file)), func(lines []byte) { got = append(got, string(lines)) })
		if strings.Join(got, " ") != c.want || (err == nil) != c.whole {
			t.Errorf("%s: %q, error %v", c.name, got, err)
		}
	}
}

func again(file []byte) func() (io.Reader, error) {
	return func() (io.Reader, error) { return bytes.NewReader(file), nil }
}

// spread is the conversation of hello with more to say, a packet a second.
func spread() []tcpPacket {
	list := hello()[:5]
	for i := range uint32(20) {
		list = append(list, tcpPacket{dir: c2s, seq: 8 + i, flags: "A", ack: 10 + i, data: string(rune('a' + i))},
			tcpPacket{dir: s2c, seq: 10 + i, flags: "A", ack: 9 + i, data: string(rune('A' + i))})
	}
	list = append(list, tcpPacket{dir: c2s, seq: 28, flags: "FA", ack: 30}, tcpPacket{dir: s2c, seq: 30, flags: "FA", ack: 29})
	for i := range list {
		list[i].at = time.Duration(i) * time.Second
	}
	return list
}

// TestOutOfOrder: in whatever order packets stand in a file, they are read in that of
// their times.
func TestOutOfOrder(t *testing.T) {
	want, _, _ := told(newDump(linkRaw).tcp(t, usual, spread()...).Bytes())
	random := rand.New(rand.NewPCG(5, 6))
	reversed := spread()
	slices.Reverse(reversed)
	for name, list := range map[string][]tcpPacket{
		"backwards":             reversed,
		"the first comes last":  append(spread()[1:], spread()[0]),
		"the second half first": append(spread()[20:], spread()[:20]...),
	} {
		surveyed(t, name, list, want)
	}
	for range 50 {
		list := spread()
		random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		surveyed(t, "shuffled", list, want)
	}
}

// surveyed reads packets as those do who can read a file twice.
func surveyed(t *testing.T, name string, list []tcpPacket, want string) {
	t.Helper()
	file := newDump(linkRaw).tcp(t, usual, list...).Bytes()
	late, err := Survey(again(file), nil)
	if err != nil || late == 0 {
		t.Errorf("%s: %v late, %v", name, late, err)
	}
	if got, stats, err := toldWith(file, Options{Late: late}); got != want || err != nil || stats.Late > 0 {
		t.Errorf("%s: %v, %+v, got\n%s", name, err, stats, got)
	}
}

// TestClockSetBack: where time goes back and the sequence numbers do not, the clock was
// set, and the packets are in order.
func TestClockSetBack(t *testing.T) {
	list := spread()
	for i := 20; i < len(list); i++ {
		list[i].at -= time.Hour
	}
	file := newDump(linkRaw).tcp(t, usual, list...).Bytes()
	if late, err := Survey(again(file), nil); late != 0 || err != nil {
		t.Errorf("%v late, %v", late, err)
	}
}

// TestSortingIsBounded: what waits to be put in order takes no more memory than it may,
// and what then is out of order is counted.
func TestSortingIsBounded(t *testing.T) {
	const size = 50_000
	const packets = 3 * maxUnsorted / 2 / size
	var list []tcpPacket
	for i := range packets {
		list = append(list, tcpPacket{dir: c2s, seq: 1 + uint32(i)*size, flags: "A", data: strings.Repeat("x", size), at: time.Duration(i) * time.Second})
	}
	slices.Reverse(list)
	file := newDump(linkRaw).tcp(t, usual, list...).Bytes()
	f, err := open(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	s := &sorter{file: f, late: packets * time.Second}
	for most := 0; ; most = max(most, s.size) {
		var p Packet
		if s.next(&p) != nil {
			if most < maxUnsorted/2 || most > maxUnsorted+2*size {
				t.Errorf("%d bytes wait", most)
			}
			break
		}
	}
	if _, stats, err := toldWith(file, Options{Late: packets * time.Second}); stats.Late < packets/4 || err != nil {
		t.Errorf("%d of %d packets are late, %v", stats.Late, packets, err)
	}
}
