package passive

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"xmppscope/capture/packet"
	"xmppscope/capture/tls"
	"xmppscope/decode"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

const (
	c2s = session.C2S
	s2c = session.S2C
)

var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// talk is a TCP connection on its way into a capture: raw IPv4 packets, a
// millisecond apart.
type talk struct {
	host           byte // of the client, the last of its address; 0: 1
	client, server uint16
	next           [3]uint32
	packets        [][]byte
}

// newTalk begins with the handshake, unless the capture has come too late for it.
func newTalk(client, server uint16, syn bool) *talk {
	k := &talk{client: client, server: server}
	k.next[c2s], k.next[s2c] = 1000, 0xffff_ff00
	if syn {
		k.flags(c2s, 2)
		k.flags(s2c, 0x12)
	}
	return k
}

func (k *talk) packet(dir session.Dir, flags byte, data []byte) *talk {
	from, to, src, dst := k.client, k.server, max(k.host, 1), byte(2)
	if dir == s2c {
		from, to, src, dst = to, from, dst, src
	}
	b := []byte{0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, src, 10, 0, 0, dst}
	binary.BigEndian.PutUint16(b[2:], uint16(40+len(data)))
	b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, from), to)
	b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, k.next[dir]), k.next[dir.Opposite()])
	b = append(b, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0)
	k.packets = append(k.packets, append(b, data...))
	return k
}

// say sends text of one side, in one segment.
func (k *talk) say(dir session.Dir, text string) *talk {
	k.packet(dir, 0x18, []byte(text))
	k.next[dir] += uint32(len(text))
	return k
}

// lose sends bytes that the capture does not get.
func (k *talk) lose(dir session.Dir, n int) *talk {
	k.next[dir] += uint32(n)
	return k
}

func (k *talk) flags(dir session.Dir, flags byte) *talk {
	k.packet(dir, flags, nil)
	if flags&3 != 0 {
		k.next[dir]++
	}
	return k
}

// bye ends the connection, the client first.
func (k *talk) bye() *talk { return k.flags(c2s, 0x11).flags(s2c, 0x11) }

// pcap is the file with all packets of the talks, one talk after another.
func pcap(talks ...*talk) []byte {
	var packets [][]byte
	for _, k := range talks {
		packets = append(packets, k.packets...)
	}
	return file(packets)
}

func file(packets [][]byte) []byte {
	le := binary.LittleEndian
	out := append(le.AppendUint32(nil, 0xa1b23c4d), 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0)
	for i, p := range packets {
		at := start.Add(time.Duration(i) * time.Millisecond)
		for _, n := range []int{int(at.Unix()), at.Nanosecond(), len(p), len(p)} {
			out = le.AppendUint32(out, uint32(n))
		}
		out = append(out, p...)
	}
	return out
}

const pcapHeader = 24

// cut gives the packets of a little-endian pcap file, with their headers.
func cut(file []byte) (packets [][]byte) {
	for rest := file[pcapHeader:]; len(rest) > 0; {
		n := 16 + int(binary.LittleEndian.Uint32(rest[8:]))
		packets = append(packets, rest[:n])
		rest = rest[n:]
	}
	return packets
}

// explainers make a decode.Session for each session, with all the rules there are.
func explainers() func() *decode.Session {
	rules, book := decode.Prepare(xmpptest.Rules()), new(session.Book)
	return func() *decode.Session { return rules.NewSession(book) }
}

// read gives the events of a capture and the report.
func read(t testing.TB, capture []byte, keylog string) ([]session.Event, Report) {
	t.Helper()
	keys := new(tls.Keys)
	if _, err := keys.Add([]byte(keylog)); err != nil {
		t.Fatal(err)
	}
	late, err := packet.Survey(func() (io.Reader, error) { return bytes.NewReader(capture), nil }, nil)
	if err != nil {
		t.Fatal(err)
	}
	var events []session.Event
	report, err := Read(bytes.NewReader(capture), Options{Keys: keys, Late: late, Explain: explainers()}, func(e session.Event, by *decode.Session) error {
		events = append(events, by.Explain(e.Seen))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return events, report
}

// told is a line for each event: who, what, and the rung or the text.
func told(events []session.Event) string {
	var out strings.Builder
	for _, e := range events {
		what := string(e.Raw)
		switch b := e.Body.(type) {
		case session.TCPOpened:
			what = fmt.Sprintf("%s > %s joined=%v", b.Peer, b.Local, b.Joined)
		case session.TCPClosed:
			what = strings.TrimSpace(b.By + " " + b.Reason)
		case session.LogLost:
			what = fmt.Sprint(b.Bytes)
		case session.TLSEstablished:
			what = b.Version
		case session.TLSLocked:
			what, _, _ = strings.Cut(b.Reason, " random ")
		case session.RelayOpaque:
			what = b.Reason
		}
		fmt.Fprintln(&out, strings.Join(strings.Fields(fmt.Sprintf("%d.%d %s %s %s", e.Session, e.Seq, e.Dir, e.Kind(), what)), " "))
	}
	return out.String()
}

const (
	header = "<stream:stream to='example.net' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
	reply  = "<stream:stream from='example.net' id='1' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
)
