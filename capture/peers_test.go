package capture

import (
	"bytes"
	"crypto/tls"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// peer runs a program of somebody else on a file and returns what it prints.
func peer(t *testing.T, name string, args ...string) string {
	t.Helper()
	xmpptest.Need(t, name)
	var out, problems bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, problems.String())
	}
	return strings.TrimSpace(out.String())
}

// tshark prints fields of the packets that a filter lets through, one line each.
func tshark(t *testing.T, file, filter string, fields ...string) []string {
	t.Helper()
	args := []string{"-n", "-r", file, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-Y", filter, "-T", "fields"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	out := peer(t, "tshark", args...)
	if out == "" {
		return nil
	}
	return strings.Split(out, "\n")
}

func save(t *testing.T, ext string, events []session.Event) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x"+ext)
	if err := os.WriteFile(path, record(t, ext, Options{Tool: "xmppscope test", Created: start}, events), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// amiss finds what Wireshark complains about. That an end tag stands by itself
// is what a stream's end looks like to it.
const amiss = `(tcp.analysis.flags || tcp.checksum.status == 0 || ip.checksum.status == 0 || _ws.malformed) && !(_ws.expert.message == "Closing an unopened tag")`

func expectNone(t *testing.T, file string) {
	t.Helper()
	for _, line := range tshark(t, file, amiss, "frame.number", "_ws.col.Info", "_ws.expert.message") {
		t.Errorf("Wireshark complains about packet %s", line)
	}
}

// ladder is what Wireshark shows of a login, from the auth on.
const ladder = "AUTH|SUCCESS|STREAM > example.net|STREAM < example.net|FEATURES|IQ(set) BIND|IQ(result) BIND|PRESENCE"

func expectLadder(t *testing.T, file, filter string) {
	t.Helper()
	var got []string
	for _, line := range tshark(t, file, filter, "_ws.col.Info") {
		got = append(got, strings.TrimSpace(line))
	}
	if joined := strings.Join(got, "|"); !strings.Contains(joined, ladder) {
		t.Errorf("%s: Wireshark shows %q", filter, joined)
	}
}

func TestWiresharkReadsPcapNG(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			file := save(t, ".pcapng", full(t, 1, version))
			expectNone(t, file)
			for _, leg := range []string{"client-leg", "server-leg"} {
				expectLadder(t, file, `frame.interface_name == "`+leg+`" && xmpp && tls`)
				hello := tshark(t, file, `frame.interface_name == "`+leg+`" && tls.handshake.type == 2`, "frame.comment")
				if len(hello) != 1 || !strings.Contains(hello[0], "step 6 tls") {
					t.Errorf("%s: comments on ServerHello are %q", leg, hello)
				}
			}
			if got := tshark(t, file, `frame.interface_name == "decoded" && xmpp.auth`, "frame.comment"); len(got) != 1 || !strings.Contains(got[0], "step 10 sasl-auth") {
				t.Errorf("decoded auth has the comments %q", got)
			}
			if got := tshark(t, file, `frame.interface_name == "client-leg" && xmpp.auth`, "frame.comment"); len(got) != 1 || !strings.Contains(got[0], "step 10 sasl-auth") || strings.Contains(got[0], password) {
				t.Errorf("auth on the client leg has the comments %q", got)
			}
			cut := tshark(t, file, `frame.len > frame.cap_len`, "frame.cap_len", "frame.comment")
			if len(cut) != 1 || !strings.HasPrefix(cut[0], "262144\tcut: the first") {
				t.Errorf("the large element is %q", cut)
			}
			info := peer(t, "capinfos", "-M", file)
			if !strings.Contains(info, "Name = decoded") || !strings.Contains(info, "nanoseconds") {
				t.Errorf("capinfos says %s", info)
			}
		})
	}
}

func TestWiresharkReadsInterleaved(t *testing.T) {
	file := save(t, ".pcapng", mixed(t))
	expectNone(t, file)
	if got := tshark(t, file, `xmpp.auth && frame.interface_name == "server-leg"`, "tcp.stream"); len(got) != 3 {
		t.Errorf("auth of three sessions on the server leg: %q", got)
	}
}

// TestWiresharkReadsOddEnds: IPv6, a half-close, a reset, a turn to TLS within
// one segment, and an event as large as one may be.
func TestWiresharkReadsOddEnds(t *testing.T) {
	const c, s = session.C2S, session.S2C
	up, down := session.ServerLeg, session.ClientLeg
	events := []session.Event{
		opened(1, down, session.TCPOpened{Local: "[::1]:7000", Peer: "[::1]:40000"}),
		opened(1, up, session.TCPOpened{Local: "[::1]:40000", Peer: "[::1]:7001"}),
		wireEvent(1, down, c, "<presence/>"), wireEvent(1, up, c, "<presence/>"),
		{Seen: session.Seen{Session: 1, Seq: 3, At: start, Leg: down, Dir: c, Body: session.TCPHalfClosed{}}, Said: session.Said{Done: true}},
		wireEvent(1, up, s, "<message/>"), wireEvent(1, down, s, "<message/>"),
		{Seen: session.Seen{Session: 1, Seq: 4, At: start, Leg: down, Body: session.TCPClosed{By: "client"}}, Said: session.Said{Done: true}},
		{Seen: session.Seen{Session: 1, Seq: 5, At: start, Leg: up, Body: session.TCPClosed{By: "server", Reason: "connection reset"}}, Said: session.Said{Done: true}},
		{Seen: session.Seen{Session: 1, Seq: 6, At: start, Leg: down, Dir: c, Body: session.RelayDropped{}, Raw: bytes.Repeat([]byte{1}, maxRaw+1), Size: maxRaw + 1}, Said: session.Said{Done: true}},
	}
	file := save(t, ".pcapng", events)
	expectNone(t, file)
	if got := tshark(t, file, "tcp.flags.reset == 1 || tcp.flags.fin == 1", "frame.interface_name", "tcp.srcport", "tcp.flags.str"); len(got) != 3 {
		t.Errorf("ends of connections are %q", got)
	}
	if got := tshark(t, file, "xmpp.presence || xmpp.message", "tcp.stream"); len(got) != 4 {
		t.Errorf("stanzas on two legs: %q", got)
	}
}

func TestWiresharkReadsPcap(t *testing.T) {
	events := full(t, 1, tls.VersionTLS13)
	file := save(t, ".pcap", events)
	lines := 0
	for _, line := range tshark(t, file, "syslog", "syslog.msg") {
		if strings.Contains(line, " - line - {") {
			lines++
		}
	}
	if want := 1 + len(numbered(events)); lines != want { // and a header
		t.Errorf("%d events are messages of syslog, want %d", lines, want)
	}
	expectNone(t, file)
	expectLadder(t, file, "xmpp && tcp.dstport != 0")
	if got := tshark(t, file, "xmpp.auth || xmpp.proceed", "tcp.stream"); len(got) != 2 || got[0] != "0" || got[1] != "1" {
		t.Errorf("proceed and auth are on the connections %q", got)
	}
	if got := tshark(t, file, "tls", "frame.number"); got != nil {
		t.Errorf("%d packets are taken for TLS", len(got))
	}
	if info := peer(t, "capinfos", "-M", file); !strings.Contains(info, "Raw IP") {
		t.Errorf("capinfos says %s", info)
	}
}

// TestWiresharkReadsHalfCloses: the order in which a relay sees a session end.
func TestWiresharkReadsHalfCloses(t *testing.T) {
	const c, s = session.C2S, session.S2C
	up, down := session.ServerLeg, session.ClientLeg
	half := func(leg session.Leg, d session.Dir) session.Event {
		return session.Event{Seen: session.Seen{Session: 1, Seq: 9, At: start, Leg: leg, Dir: d, Body: session.TCPHalfClosed{}}, Said: session.Said{Done: true}}
	}
	for _, by := range []string{"client", "server", "xmppscope"} {
		file := save(t, ".pcapng", []session.Event{
			opened(1, down, session.TCPOpened{Local: "127.0.0.1:7000", Peer: "127.0.0.1:40000"}),
			opened(1, up, session.TCPOpened{Local: "127.0.0.1:40002", Peer: "127.0.0.1:7001"}),
			wireEvent(1, down, c, "<presence/>"), half(down, c),
			wireEvent(1, up, c, "<presence/>"), wireEvent(1, up, s, "<message/>"), half(up, s),
			wireEvent(1, down, s, "<message/>"),
			{Seen: session.Seen{Session: 1, Seq: 10, At: start, Leg: up, Body: session.TCPClosed{By: by}}, Said: session.Said{Done: true}},
			{Seen: session.Seen{Session: 1, Seq: 11, At: start, Leg: down, Body: session.TCPClosed{By: by}}, Said: session.Said{Done: true}},
		})
		expectNone(t, file)
		if got := tshark(t, file, "tcp.flags.fin == 1", "tcp.stream"); len(got) != 4 {
			t.Errorf("ended by the %s: FINs on the connections %q", by, got)
		}
	}
}

// TestWiresharkReadsCutElements: what a recording has not kept leaves no hole in
// the sequence numbers of a .pcap.
func TestWiresharkReadsCutElements(t *testing.T) {
	element := func(d session.Dir, raw string, size int64) session.Event {
		return session.Event{Seen: session.Seen{Session: 1, Seq: 2, At: start, Leg: d.From(), Dir: d, Body: session.StreamElement{}, Raw: []byte(raw), Size: size, Truncated: size > int64(len(raw))}, Said: session.Said{Done: true}}
	}
	file := save(t, ".pcap", []session.Event{
		opened(1, session.ClientLeg, session.TCPOpened{Local: "127.0.0.1:7000", Peer: "127.0.0.1:40000"}),
		element(session.C2S, "<presence/>", 11),
		element(session.S2C, "<message><body>cut</body></message>", 5_000_000),
		element(session.C2S, "<message/>", 10),
		element(session.S2C, "", 300),
		element(session.S2C, "<presence/>", 11),
		{Seen: session.Seen{Session: 1, Seq: 9, At: start, Leg: session.ClientLeg, Body: session.TCPClosed{By: "client"}}, Said: session.Said{Done: true}},
	})
	expectNone(t, file)
	if got := tshark(t, file, "xmpp.presence || xmpp.message", "frame.number"); len(got) != 4 {
		t.Errorf("stanzas in the packets %q", got)
	}
}

func TestXMLLint(t *testing.T) {
	file := save(t, ".xml", mixed(t))
	peer(t, "xmllint", "--noout", file)
	// Cross-check: somebody else's parser finds the same text in it.
	got := peer(t, "xmllint", "--xpath", `string(//*[@kind="stream:element"][@name="auth"][1]/*[local-name()="raw"])`, file)
	if !strings.HasPrefix(got, "<auth xmlns=") || !strings.Contains(got, "[password #1, 13 characters]") {
		t.Errorf("xmllint reads %q", got)
	}
}
