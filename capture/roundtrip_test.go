package capture

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xmppscope/session"
)

// record writes events in a format, as File would.
func record(t testing.TB, ext string, o Options, events []session.Event) []byte {
	t.Helper()
	f, err := ForPath("x" + ext)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := f.New(&out, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if err := w.Write(e); err != nil {
			t.Fatalf("%s: %s: %v", ext, e.Kind(), err)
		}
	}
	if c, ok := w.(Closer); ok {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// saved writes events to a file and closes it, and gives what is in it.
func saved(t *testing.T, f *File, events []session.Event) []byte {
	t.Helper()
	for _, e := range events {
		if err := f.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(f.Path())
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// replay reads a recording, numbered events only.
func replay(file []byte) (events []session.Event, err error) {
	_, err = Read(bytes.NewReader(file), func(e session.Event) error {
		if session.Numbered(e.Body) {
			events = append(events, e)
		}
		return nil
	})
	return events, err
}

func numbered(events []session.Event) (out []session.Event) {
	for _, e := range events {
		if session.Numbered(e.Body) {
			out = append(out, e)
		}
	}
	return out
}

func blanked(events []session.Event) (out []session.Event) {
	for _, e := range events {
		out = append(out, session.Blank(e))
	}
	return out
}

// mixed is three sessions, interleaved event by event, with everything hostile, and one more.
func mixed(t *testing.T) []session.Event {
	b := newBuilder(t, 3)
	b.login(0)
	b.nasty()
	lists := [][]session.Event{full(t, 1, tls.VersionTLS13), full(t, 2, tls.VersionTLS12), b.events}
	out := []session.Event{{Seen: session.Seen{At: start, Body: session.LogLost{Events: 3}}, Said: session.Said{Done: true, Summary: "lost"}}} // nobody's
	for len(lists) > 0 {
		lists = slices.DeleteFunc(lists, func(l []session.Event) bool { return len(l) == 0 })
		for i := range lists {
			out = append(out, lists[i][0])
			lists[i] = lists[i][1:]
		}
	}
	return append(out, joined()...)
}

// joined is a session that a second connection has joined.
func joined() (out []session.Event) {
	for i, s := range []session.Seen{
		{Leg: session.ClientLeg, Body: session.TCPOpened{Local: "127.0.0.1:5280", Peer: "127.0.0.1:40000"}},
		{Leg: session.ClientLeg, Conn: 2, Beside: true, Body: session.TCPOpened{Local: "127.0.0.1:5280", Peer: "127.0.0.1:40001"}},
		{Leg: session.ClientLeg, Conn: 2, Dir: session.C2S, Body: session.StreamElement{}, Name: "presence", Raw: []byte("<presence/>"), Size: 11},
		{Leg: session.ClientLeg, Conn: 2, Beside: true, Body: session.TCPClosed{By: "client"}},
	} {
		s.Session, s.Seq, s.At = 4, uint64(i+1), start
		out = append(out, session.Event{Seen: s, Said: session.Said{Done: true, Summary: "what it is"}})
	}
	return out
}

// sameEvent compares bytes at once, which cmp left to itself does one by one.
var sameEvent = cmp.Comparer(bytes.Equal)

// those are the formats that a test is about. Whoever adds one need not think of it.
func those(fit func(Format) bool) []Format {
	return slices.DeleteFunc(Formats(), func(f Format) bool { return !fit(f) })
}

func readable(f Format) bool { return f.Read != nil }

// TestRoundTrip: what is written is read, with its secrets where the format holds them
// by nature or is to reveal them.
func TestRoundTrip(t *testing.T) {
	events := mixed(t)
	for _, f := range those(readable) {
		for _, reveal := range []bool{true, false} {
			want := numbered(events)
			if !reveal && !f.Secrets {
				want = blanked(want)
			}
			got, err := replay(record(t, f.Ext, Options{Tool: "xmppscope test", Created: start, Reveal: reveal}, events))
			if err != nil {
				t.Errorf("%s: %v", f.Ext, err)
			}
			if diff := cmp.Diff(want, got, sameEvent); diff != "" {
				t.Errorf("%s, reveal %v: events differ (-written +read):\n%.3000s", f.Ext, reveal, diff)
			}
		}
	}
}

// TestEveryPrefix cuts recordings at many places and expects the whole events
// before each cut, and word of the rest.
func TestEveryPrefix(t *testing.T) {
	b := newBuilder(t, 1)
	b.login(tls.VersionTLS13)
	b.nasty()
	for _, f := range those(readable) {
		ext := f.Ext
		file := record(t, ext, Options{Reveal: true}, b.events)
		all, err := replay(file)
		if err != nil {
			t.Fatalf("%s: %v", ext, err)
		}
		seen := 0
		for n := 1; n < len(file); n += 1 + n%13 {
			got, err := replay(file[:n])
			if len(got) < seen {
				t.Fatalf("%s: %d events at %d bytes, %d at fewer", ext, len(got), n, seen)
			}
			for i := seen; i < len(got); i++ {
				if diff := cmp.Diff(all[i], got[i], sameEvent); diff != "" {
					t.Fatalf("%s cut at %d: %s", ext, n, diff)
				}
			}
			seen = len(got)
			if seen == 0 && (errors.Is(err, ErrUnknown) || errors.Is(err, ErrForeign)) {
				continue // not even the beginning is there
			}
			var cut *Truncated
			if err != nil && (!errors.As(err, &cut) || cut.Events < seen || cut.Offset > int64(n)) {
				t.Fatalf("%s cut at %d: error %v", ext, n, err)
			}
			if err == nil && ext == ".xml" && n < len(file)-1 {
				t.Fatalf("xml cut at %d: no word about the missing end", n)
			}
		}
		if seen < len(all)-1 {
			t.Errorf("%s: the longest prefix gives %d of %d events", ext, seen, len(all))
		}
	}
}

// TestDamage overwrites a byte in the middle and expects what stood before it.
func TestDamage(t *testing.T) {
	b := newBuilder(t, 1)
	b.login(0)
	for _, f := range those(readable) {
		ext := f.Ext
		file := record(t, ext, Options{Reveal: true}, b.events)
		clean, _ := replay(file)
		for n := 700; n < len(file); n += 97 {
			bad := bytes.Clone(file)
			bad[n] ^= 0x55
			got, err := replay(bad)
			if len(got) < len(clean) && err == nil && !f.Packets { // what else is there is passed over
				t.Errorf("%s damaged at %d: %d events of %d and no error", ext, n, len(got), len(clean))
			}
		}
	}
}

func TestSecretsStayOut(t *testing.T) {
	events := mixed(t)
	for _, f := range those(func(f Format) bool { return !f.Secrets }) {
		ext := f.Ext
		for _, reveal := range []bool{false, true} {
			file := record(t, ext, Options{Reveal: reveal}, events)
			// base64 of the raw bytes would hide it from this search, so no
			// event with a secret may be one whose raw is not text.
			for _, secret := range []string{password, plainPayload()} {
				if bytes.Contains(file, []byte(secret)) != reveal {
					t.Errorf("%s: reveal is %v, but holding %q is %v", ext, reveal, secret, !reveal)
				}
			}
			if bytes.Contains(file, []byte("TRAFFIC_SECRET")) {
				t.Errorf("%s holds TLS keys", ext)
			}
		}
	}
}

func TestCommentsHoldNoSecrets(t *testing.T) {
	for _, e := range numbered(mixed(t)) {
		c := explain(e)
		if bytes.Contains([]byte(c), []byte(password)) || bytes.Contains([]byte(c), []byte(plainPayload())) {
			t.Errorf("comment holds the password: %q", c)
		}
	}
}

func TestReadUnknown(t *testing.T) {
	for name, file := range map[string]string{
		"empty": "", "text": "hello, world\n", "other XML": "<?xml version='1.0'?><a/>",
	} {
		if _, err := replay([]byte(file)); !errors.Is(err, ErrUnknown) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

func TestReadPassesErrorOn(t *testing.T) {
	stop := errors.New("stop")
	b := newBuilder(t, 1)
	for _, f := range those(readable) {
		ext := f.Ext
		file := record(t, ext, Options{}, b.events)
		if _, err := Read(bytes.NewReader(file), func(session.Event) error { return stop }); err != stop {
			t.Errorf("%s: error is %v", ext, err)
		}
	}
}

// TestXMLShowsNothingUnsafe: a terminal that prints the file is not steered by
// what was on the wire, and reading it back gives just that.
func TestXMLShowsNothingUnsafe(t *testing.T) {
	unsafe := "\x7f\u0080\u0085\u009b2J\u009f\u00ad\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069\ufeff\ue000\U000e0041\U0001fffe"
	harmless := "a ü 漢 👩\u200d🚀 \ufffd \t\r\n <&>\"'"
	want := []session.Event{{
		Seen: session.Seen{Session: 1, Seq: 1, At: start, Leg: session.ClientLeg, Dir: session.C2S, Body: session.RelayOpaque{Reason: unsafe}, Name: "n" + unsafe, Raw: []byte("<a>" + unsafe + harmless + "</a>")}, Said: session.Said{Done: true, Space: unsafe + harmless, Summary: harmless + unsafe, Notes: []session.Note{{Rule: "x", Name: unsafe, Value: harmless + unsafe + harmless, Text: unsafe}}},
	}}
	file := record(t, ".xml", Options{Reveal: true}, want)
	wellFormed(t, file)
	if text := string(file); session.Safe(text) != text {
		t.Errorf("the file is not safe to show:\n%q", text)
	}
	if bytes.Contains(file, []byte("base64")) || !bytes.Contains(file, []byte("漢")) || !bytes.Contains(file, []byte("&#x9b;2J")) {
		t.Errorf("text is hidden that could be shown:\n%q", file)
	}
	got, err := replay(file)
	if diff := cmp.Diff(want, got, sameEvent); err != nil || diff != "" {
		t.Errorf("%v; events differ (-written +read):\n%s", err, diff)
	}
}

// TestReadForeign: packets without events are not ours.
func TestReadForeign(t *testing.T) {
	var packets []session.Event
	for _, e := range capturedSession(t, 1) {
		if b, ok := e.Body.(session.WirePacket); ok && b.On.Link == 1 {
			packets = append(packets, e)
		}
	}
	for name, file := range map[string][]byte{
		"pcap": record(t, ".pcap", Options{Packets: true}, packets), "no packet": record(t, ".pcap", Options{}, nil),
		"a part of a header": []byte("\xd4\xc3\xb2\xa1\x02\x00\x04\x00"), "pcapng": appendSection(nil, "dumpcap", ""),
	} {
		if _, err := replay(file); !errors.Is(err, ErrForeign) {
			t.Errorf("%s: error is %v", name, err)
		}
		if !Foreign(bufio.NewReader(bytes.NewReader(file))) {
			t.Errorf("%s: it is not foreign", name)
		}
	}
}
