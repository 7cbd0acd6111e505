package capture

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xmppscope/capture/packet"
	"xmppscope/session"
)

// Interfaces that differ in all there is to differ in.
var (
	pico = session.Interface{ID: 3, Link: 1, Name: "eth0", Description: "the one at the wall", Filter: "tcp port 5222", OS: "Linux 6", Snap: 1 << 18, Resolution: 10}
	twin = session.Interface{ID: 4, Link: 1, Name: "eth0", Description: "the one at the wall", Filter: "tcp port 5222", OS: "Linux 6", Snap: 1 << 18, Resolution: 10}
	slow = session.Interface{ID: 5, Link: 113, Resolution: 0x80 | 10, Offset: -3600}
)

// capturedSession is one that others have captured: its packets and keys, and events
// that they brought.
func capturedSession(t *testing.T, id int) []session.Event {
	packet := func(on session.Interface, stamp uint64, dir session.Dir, frame string, size int64, comments ...string) session.Event {
		return session.Event{
			Seen: session.Seen{Session: id, At: start, Leg: session.ClientLeg, Dir: dir, Raw: []byte(frame), Size: size, Truncated: size > int64(len(frame)),
				Body: session.WirePacket{On: on, Stamp: stamp, Remarks: session.Remarks{Comments: comments}}},
		}
	}
	events := []session.Event{
		packet(pico, 17953820567365276271, session.C2S, "a SYN", 5),
		{Seen: session.Seen{Session: id, At: start, Leg: session.ClientLeg, Body: session.TLSSecret{Line: "CLIENT_RANDOM 00 01"}}, Said: session.Said{Done: true}},
		packet(twin, 17, session.S2C, "a frame", 1500, "somebody's remark", "another"),
		packet(slow, 1<<62, session.C2S, "with "+password+" in it", 100),
	}
	b := newBuilder(t, id)
	b.login(0)
	for _, e := range numbered(b.events) {
		if tcp, ok := e.Body.(session.TCPOpened); ok {
			tcp.Captured = true
			e.Body = tcp
		}
		events = append(events, e)
	}
	return events
}

// replayAll is replay with what is not numbered.
func replayAll(file []byte) (events []session.Event, err error) {
	_, err = Read(bytes.NewReader(file), func(e session.Event) error {
		events = append(events, e)
		return nil
	})
	return events, err
}

// bare is a packet as it is written: without explanations of ours.
func bare(events []session.Event) (out []session.Event) {
	for _, e := range events {
		b, ok := e.Body.(session.WirePacket)
		if !ok {
			continue
		}
		b.Explained, b.On.ID, e.At = false, 0, start
		b.Comments = append([]string(nil), slices.DeleteFunc(slices.Clone(b.Comments), isExplanation.MatchString)...)
		e.Body = b
		out = append(out, e)
	}
	return out
}

// TestCapturedPackets: packets of others come back to the bit, time stamps that are
// finer than what we compute with included, on interfaces like those where they were captured; and
// the events are the same.
func TestCapturedPackets(t *testing.T) {
	events := capturedSession(t, 1)
	file := events
	for range 3 { // written, read, written …
		written := record(t, ".pcapng", Options{Packets: true}, file)
		got, err := replayAll(written)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(bare(events), bare(got), cmp.Transformer("raw", func(b []byte) string { return string(b) })); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff(numbered(events), numbered(got), sameEvent); diff != "" {
			t.Fatal(diff)
		}
		if got := interfaces(t, written); !cmp.Equal(got, map[string]int{"eth0": 2, "": 1}) {
			t.Errorf("interfaces: %v", got)
		}
		if n := bytes.Count(written, []byte("xmppscope session 1 #3,")); n != 2 { // beside the last packet, and on "decoded"
			t.Errorf("event 3 is explained %d times", n)
		}
		file = got
	}
}

// interfaces counts those that are not ours by their names.
func interfaces(t *testing.T, file []byte) map[string]int {
	out := map[string]int{}
	kinds, bodies := ngBlocks(t, file)
	for i, kind := range kinds {
		if kind != blockInterface {
			continue
		}
		in, err := packet.NewBlocks(nil).Interface(bodies[i])
		if err != nil {
			t.Fatal(err)
		}
		if in.Name != decodedName {
			out[in.Name]++
		}
	}
	return out
}

// TestCapturedKeysFirst: what unlocks packets stands before them, even those that
// wait for their comments.
func TestCapturedKeysFirst(t *testing.T) {
	kinds, bodies := ngBlocks(t, record(t, ".pcapng", Options{Packets: true}, capturedSession(t, 1)))
	keys := slices.Index(kinds, blockSecrets)
	hello := slices.IndexFunc(bodies, func(b []byte) bool { return bytes.Contains(b, []byte("a frame")) })
	if keys < 0 || hello < keys {
		t.Errorf("the keys are block %d, the packet block %d", keys, hello)
	}
}

// TestCapturedIsLeftOut: who shares a capture shares no packets of it.
func TestCapturedIsLeftOut(t *testing.T) {
	for _, o := range []Options{{Redact: true, Packets: true}, {Pseudonymise: true, Packets: true}} {
		for _, format := range those(func(f Format) bool { return f.Packets }) {
			ext := format.Ext
			f, err := Create(filepath.Join(t.TempDir(), "x"+ext), false, o)
			if err != nil {
				t.Fatal(err)
			}
			if f.Packets() || f.Wire() {
				t.Errorf("%s: %+v wants packets", ext, o)
			}
			file := saved(t, f, capturedSession(t, 1))
			for _, secret := range []string{password, "CLIENT_RANDOM", "a frame", "somebody's remark", "eth0"} {
				if strings.Contains(string(file), secret) {
					t.Errorf("%s: %q is in it", ext, secret)
				}
			}
		}
	}
}

// TestCapturedPcap: a .pcap has the packets and nothing else; or, revealed, what they
// carried; and never two link types.
func TestCapturedPcap(t *testing.T) {
	var events []session.Event
	for _, e := range capturedSession(t, 1) {
		if b, ok := e.Body.(session.WirePacket); !ok || b.On.Link == 1 {
			events = append(events, e)
		}
	}
	count := func(file []byte) (n int, link uint16) {
		t.Helper()
		stats, err := packet.Read(bytes.NewReader(file), packet.Options{Packets: true}, func(e *packet.Event) error {
			if e.Kind == packet.Captured {
				link = e.Packet.On.Link
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return stats.Packets, link
	}
	file := record(t, ".pcap", Options{Packets: true}, events)
	if n, _ := count(file); n != 2 || !bytes.Contains(file, []byte("a frame")) || bytes.Contains(file, []byte("<stream:stream")) {
		t.Errorf("%d packets: %q", n, file)
	}
	if got := le.Uint32(file[20:]); got != 1 {
		t.Errorf("link type %d", got)
	}
	if n, link := count(record(t, ".pcap", Options{Packets: true, Reveal: true}, events)); n < 5 || link != linkRaw {
		t.Errorf("revealed: %d packets of link type %d", n, link)
	}
	f, err := Create(filepath.Join(t.TempDir(), "x.pcap"), false, Options{Packets: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range capturedSession(t, 1) {
		if err = f.Write(e); err != nil {
			break
		}
	}
	if err == nil || !strings.Contains(err.Error(), ".pcapng takes all") {
		t.Errorf("two link types: %v", err)
	}
	f.Discard()
}

// TestRemarksOfLegs: written again, the packets of our own legs say what they said.
func TestRemarksOfLegs(t *testing.T) {
	explained := func(file []byte) (out []string) {
		kinds, bodies := ngBlocks(t, file)
		for i, kind := range kinds {
			if kind != blockPacket {
				continue
			}
			// The interface's number depends on which packet came first.
			packet := bodies[i][4:]
			out = append(out, string(packet))
		}
		slices.Sort(out)
		return out
	}
	for _, version := range []uint16{0, 0x0303, 0x0304} {
		first := record(t, ".pcapng", Options{}, full(t, 1, version))
		events, err := replayAll(first)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(explained(first), explained(record(t, ".pcapng", Options{Packets: true}, events))); diff != "" {
			t.Errorf("%x: (-first +again)\n%.3000s", version, diff)
		}
	}
}

// TestPipedBlocks: what goes into a pipe has no custom blocks, and is read as if it
// had.
func TestPipedBlocks(t *testing.T) {
	events := full(t, 1, 0x0304)
	file := record(t, ".pcapng", Options{Piped: true}, events)
	kinds, _ := ngBlocks(t, file)
	if slices.Contains(kinds, blockCustom) || !slices.Contains(kinds, blockLocal) {
		t.Error("the blocks are of the wrong type")
	}
	got, err := replay(file)
	if diff := cmp.Diff(numbered(events), numbered(got), sameEvent); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}
