package capture

import (
	"bytes"
	"crypto/tls"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"xmppscope/capture/packet"
	"xmppscope/session"
)

// wireEvent makes bytes of a leg by hand.
func wireEvent(id int, leg session.Leg, d session.Dir, raw string) session.Event {
	return session.Event{Seen: session.Seen{Session: id, At: start, Leg: leg, Dir: d, Body: session.WireBytes{}, Raw: []byte(raw), Size: int64(len(raw))}, Said: session.Said{Done: true}}
}

func opened(id int, leg session.Leg, o session.TCPOpened) session.Event {
	return session.Event{Seen: session.Seen{Session: id, Seq: uint64(leg), At: start, Leg: leg, Body: o}, Said: session.Said{Done: true}}
}

// ngBlocks walks a file and returns its blocks' types.
func ngBlocks(t *testing.T, file []byte) (kinds []uint32, bodies [][]byte) {
	t.Helper()
	blocks := packet.NewBlocks(bytes.NewReader(file))
	for {
		kind, body, err := blocks.Next()
		if err == io.EOF {
			return kinds, bodies
		}
		if err != nil {
			t.Fatal(err)
		}
		kinds, bodies = append(kinds, kind), append(bodies, bytes.Clone(body))
	}
}

// TestSecretsBeforePackets: the keys of a leg stand before its ServerHello, and
// its packets in order.
func TestSecretsBeforePackets(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		kinds, bodies := ngBlocks(t, record(t, ".pcapng", Options{}, full(t, 1, version)))
		keys, hellos := 0, 0
		for i, kind := range kinds {
			switch {
			case kind == blockSecrets:
				keys++
			case kind == blockPacket && isServerHello(bodies[i]):
				hellos++
				if version == tls.VersionTLS13 && keys < 4*hellos || keys < hellos {
					t.Errorf("%s: ServerHello %d comes after %d keys", tls.VersionName(version), hellos, keys)
				}
			}
		}
		if hellos != 2 {
			t.Errorf("%d ServerHellos", hellos)
		}
	}
}

// isServerHello looks at the version in it too: what is encrypted may begin like one.
func isServerHello(block []byte) bool {
	_, _, payload := openPacket(block[20:])
	return len(payload) > 10 && payload[0] == recordHandshake && payload[5] == 2 && payload[9] == 3 && payload[10] == 3
}

// TestWireSurvives: what the legs carried comes back byte for byte, and keys too.
func TestWireSurvives(t *testing.T) {
	type stream struct {
		Session int
		Leg     session.Leg
		Dir     session.Dir
	}
	gather := func(events []session.Event) (map[stream]string, []string) {
		bytes, keys := map[stream]string{}, []string(nil)
		for _, e := range events {
			switch b := e.Body.(type) {
			case session.WireBytes:
				bytes[stream{e.Session, e.Leg, e.Dir}] += string(e.Raw)
			case session.TLSSecret:
				keys = append(keys, e.Leg.String()+b.Line)
			}
		}
		return bytes, keys
	}
	events := mixed(t)
	wantBytes, wantKeys := gather(events)
	for _, again := range []string{"once", "twice"} {
		file := record(t, ".pcapng", Options{}, events)
		events = nil
		if _, err := Read(bytes.NewReader(file), func(e session.Event) error { events = append(events, e); return nil }); err != nil {
			t.Fatal(err)
		}
		gotBytes, gotKeys := gather(events)
		for s, want := range wantBytes {
			if gotBytes[s] != want {
				t.Errorf("%s: %+v: %d bytes differ from %d written", again, s, len(gotBytes[s]), len(want))
			}
		}
		if diff := cmp.Diff(wantKeys, gotKeys); diff != "" || len(wantKeys) == 0 {
			t.Errorf("%s: keys: %s", again, diff)
		}
	}
}

// TestFallback: without custom blocks the elements are still there.
func TestFallback(t *testing.T) {
	events := full(t, 1, tls.VersionTLS13)
	file := record(t, ".pcapng", Options{}, events)
	kinds, bodies := ngBlocks(t, file)
	var stripped []byte
	for i, kind := range kinds {
		if kind != blockCustom {
			stripped = appendBlock(stripped, kind, bodies[i])
		}
	}
	got, err := replay(stripped)
	if err != nil {
		t.Fatal(err)
	}
	var want []session.Event
	for _, e := range events {
		switch e.Body.(type) {
		case session.StreamOpened, session.StreamElement, session.StreamClosed:
			if n := len(e.Raw); n > 260_000 {
				e.Raw, e.Truncated = e.Raw[:maxCaptured-52], true
			}
			want = append(want, session.Event{
				Seen: session.Seen{Session: 1, Seq: uint64(len(want) + 1), At: e.At, Leg: e.Leg, Dir: e.Dir, Body: e.Body,
					Raw: e.Raw, Size: e.Size, Truncated: e.Truncated, Name: e.Name}, Said: session.Said{Space: e.Space},
			})
		}
	}
	for i := range got {
		if got[i].Space == "" { // jabber:client was declared on the stream header
			got[i].Space = "jabber:client"
		}
	}
	for i := range want {
		if want[i].Space == "" {
			want[i].Space = "jabber:client"
		}
	}
	if diff := cmp.Diff(want, got, sameEvent); diff != "" {
		t.Errorf("rebuilt events differ (-want +got):\n%.3000s", diff)
	}
}

func TestForeignIsSaid(t *testing.T) {
	kinds, bodies := ngBlocks(t, record(t, ".pcapng", Options{}, nil))
	var file []byte
	for i, kind := range kinds {
		if kind != blockCustom {
			file = appendBlock(file, kind, bodies[i])
		}
	}
	if _, err := replay(file); err == nil || !strings.Contains(err.Error(), "other origin") {
		t.Errorf("error is %v", err)
	}
}

// TestShownPorts: which ports a leg is shown with, and that two never share a
// tuple.
func TestShownPorts(t *testing.T) {
	const header = "<stream:stream xmlns='jabber:client'>"
	for _, c := range []struct {
		name  string
		o     session.TCPOpened
		first string
		want  string
	}{
		{"own port", session.TCPOpened{Local: "127.0.0.1:7000", Peer: "127.0.0.1:40000"}, header, "127.0.0.1:40000 127.0.0.1:5222"},
		{"server to server", session.TCPOpened{Local: "127.0.0.1:7000", Peer: "127.0.0.1:40000"}, "<stream:stream xmlns='jabber:server'>", "127.0.0.1:40000 127.0.0.1:5269"},
		{"direct TLS", session.TCPOpened{Local: "127.0.0.1:7000", Peer: "127.0.0.1:40000", Direct: true}, "\x16\x03\x01", "127.0.0.1:40000 127.0.0.1:5223"},
		{"IPv6", session.TCPOpened{Local: "[::1]:7000", Peer: "[::1]:40000"}, header, "[::1]:40000 [::1]:5222"},
		{"zone", session.TCPOpened{Local: "[fe80::1%eth0]:7000", Peer: "[fe80::2%eth0]:40000"}, header, "[fe80::2]:40000 [fe80::1]:5222"},
		{"mapped", session.TCPOpened{Local: "[::ffff:127.0.0.1]:7000", Peer: "127.0.0.1:40000"}, header, "127.0.0.1:40000 127.0.0.1:5222"},
		{"unknown", session.TCPOpened{Local: "pipe", Peer: "pipe"}, header, "192.0.2.1:49152 192.0.2.2:5222"},
	} {
		events := []session.Event{opened(1, session.ClientLeg, c.o), wireEvent(1, session.ClientLeg, session.C2S, c.first)}
		if got := firstPacket(t, events); got != c.want {
			t.Errorf("%s: shown as %s, want %s", c.name, got, c.want)
		}
	}
}

// firstPacket is the tuple of the SYN that comes last.
func firstPacket(t *testing.T, events []session.Event) (last string) {
	t.Helper()
	kinds, bodies := ngBlocks(t, record(t, ".pcapng", Options{}, events))
	for i, kind := range kinds {
		if kind == blockPacket && le.Uint32(bodies[i]) != 2 {
			from, to, payload := openPacket(bodies[i][20:])
			if len(payload) > 0 {
				last = from.String() + " " + to.String()
			}
		}
	}
	return last
}

func TestCollidingPortIsShifted(t *testing.T) {
	o := session.TCPOpened{Local: "127.0.0.1:7000", Peer: "127.0.0.1:40000"}
	up := session.TCPOpened{Local: "127.0.0.1:40000", Peer: "127.0.0.1:7001"}
	events := []session.Event{
		opened(1, session.ClientLeg, o), opened(1, session.ServerLeg, up),
		wireEvent(1, session.ClientLeg, session.C2S, "<a/>"), wireEvent(1, session.ServerLeg, session.C2S, "<a/>"),
	}
	if got := firstPacket(t, events); got != "127.0.0.1:40001 127.0.0.1:5222" {
		t.Errorf("the second leg is shown as %s", got)
	}
	file := record(t, ".pcapng", Options{}, events)
	if !bytes.Contains(file, []byte("shown as 40001 because")) {
		t.Error("no comment says that the port was moved")
	}
}

// TestHoldingIsBounded: a handshake that never ends is written after all.
func TestHoldingIsBounded(t *testing.T) {
	var out bytes.Buffer
	w, err := newPcapNG(&out, Options{})
	if err != nil {
		t.Fatal(err)
	}
	write := func(e session.Event) {
		t.Helper()
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	o := session.TCPOpened{Local: "127.0.0.1:7000", Peer: "127.0.0.1:40000"}
	write(opened(1, session.ClientLeg, o))
	write(wireEvent(1, session.ClientLeg, session.C2S, "\x16\x03\x01 hello"))
	before := out.Len()
	chunk := "\x16\x03\x03\x02\x00" + strings.Repeat("x", 60_000)
	for range 3 {
		write(wireEvent(1, session.ClientLeg, session.S2C, chunk))
	}
	if err := w.(Flusher).Flush(); err != nil {
		t.Fatal(err)
	}
	if grown := out.Len() - before; grown > 1000 {
		t.Errorf("ServerHello was written before the handshake had ended: %d bytes", grown)
	}
	for range maxHeld / len(chunk) {
		write(wireEvent(1, session.ClientLeg, session.S2C, chunk))
	}
	if err := w.(Flusher).Flush(); err != nil {
		t.Fatal(err)
	}
	if grown := out.Len() - before; grown < maxHeld {
		t.Errorf("only %d bytes written of a handshake of more than %d", grown, maxHeld)
	}
	if p := w.(*pcapngWriter); p.held != 0 || len(p.waiting) != 0 {
		t.Errorf("%d bytes held and %d packets waiting", p.held, len(p.waiting))
	}
}

// TestStateIsForgotten: sessions that have ended leave nothing behind.
func TestStateIsForgotten(t *testing.T) {
	for _, f := range those(func(f Format) bool { return f.Packets }) {
		ext := f.Ext
		w, err := f.New(io.Discard, Options{})
		if err != nil {
			t.Fatal(err)
		}
		b := newBuilder(t, 1)
		b.login(0)
		b.hang()
		for id := 1; id <= 3*maxEnded; id++ {
			for _, e := range b.events {
				e.Session = id
				if err := w.Write(e); err != nil {
					t.Fatal(err)
				}
			}
		}
		var sessions, open int
		switch p := w.(type) {
		case *pcapngWriter:
			sessions, open = len(p.sessions), len(p.open)
		case *pcapWriter:
			sessions, open = len(p.sessions), len(p.open)
		default:
			t.Fatalf("%s: what does it remember?", ext)
		}
		if sessions > maxEnded || open > 0 {
			t.Errorf("%s: %d sessions and %d tuples are left", ext, sessions, open)
		}
	}
}

// TestLateBytes: what comes after the end is no new connection.
func TestLateBytes(t *testing.T) {
	b := newBuilder(t, 1)
	b.login(0)
	b.hang()
	before := len(record(t, ".pcapng", Options{}, b.events))
	late := append(b.events, wireEvent(1, session.ClientLeg, session.S2C, "\x15\x03\x03\x00\x02\x01\x00"))
	if after := len(record(t, ".pcapng", Options{}, late)); after != before {
		t.Errorf("late bytes took %d bytes", after-before)
	}
}

func TestTLSStart(t *testing.T) {
	for raw, want := range map[string]int{
		"": -1, "<a/>": -1, "\x16\x03\x01": 0, "\x16": 0, "<starttls/>\x16\x03\x01": 11, "<a>\x16</a>": -1,
	} {
		if got := tlsStart([]byte(raw)); got != want {
			t.Errorf("%q: %d, want %d", raw, got, want)
		}
	}
}

func TestTimesKeepNanoseconds(t *testing.T) {
	at := time.Date(2026, 11, 22, 1, 2, 3, 999_999_999, time.UTC)
	file := appendPacket(nil, &ngPacket{intf: 2, stamp: nanos(at)})
	stamp := uint64(le.Uint32(file[12:]))<<32 | uint64(le.Uint32(file[16:]))
	if got := time.Unix(0, int64(stamp)).UTC(); !got.Equal(at) {
		t.Errorf("time is %v, want %v", got, at)
	}
}
