package peertest

import (
	"os/exec"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
)

// checkRead reads the capture back: it has the same events.
func checkRead(t *testing.T, r recording, file string) {
	t.Helper()
	out, err := command(t, "print", "--json", "--reveal", file).Output()
	if err != nil {
		t.Fatalf("print: %v", err)
	}
	again := decode(t, out)
	if len(again.events) != len(r.events) {
		t.Fatalf("the capture has %d events, --json had %d", len(again.events), len(r.events))
	}
	for i := range r.events {
		a, b := &r.events[i], &again.events[i]
		same := a.Session == b.Session && a.Seq == b.Seq && a.Leg == b.Leg && a.Dir == b.Dir && a.Kind == b.Kind &&
			a.Name == b.Name && a.NS == b.NS && a.Size == b.Size && len(a.Notes) == len(b.Notes) &&
			(a.Step == nil) == (b.Step == nil)
		if same && a.Step != nil {
			same = *a.Step == *b.Step
		}
		for k := 0; same && k < len(a.Notes); k++ {
			same = a.Notes[k] == b.Notes[k]
		}
		if !same {
			t.Errorf("live  %s\nsaved %s", line(a), line(b))
		}
	}
}

// checkTshark opens the capture in tshark with no option set: on both legs it sees
// through TLS to the auth element, the bind and our comments, and the decoded
// elements stand on an interface of their own.
func checkTshark(t *testing.T, file string) {
	t.Helper()
	xmpptest.Need(t, "tshark")
	frames := tshark(t, file, wanted)
	for _, leg := range []string{"client-leg", "server-leg", "decoded"} {
		seen := map[string]int{}
		jid := ""
		for _, f := range frames {
			if f["frame.interface_name"] != leg {
				continue
			}
			for name, value := range f {
				if value != "" {
					seen[name]++
				}
			}
			if v := f["xmpp.iq.bind.jid"]; v != "" {
				jid = v
			}
			// Wireshark's XML parser wants whole documents: a lone </stream:stream>
			// is malformed to it, and so are two elements in one TLS record.
			if leg == "decoded" && f["_ws.malformed"] != "" && f["xmpp.stream_end"] == "" {
				t.Errorf("frame %s of the decoded elements is malformed to tshark", f["frame.number"])
			}
		}
		for _, name := range []string{"xmpp.starttls", "xmpp.auth", "xmpp.iq.bind", "frame.comment"} {
			if seen[name] == 0 {
				t.Errorf("tshark shows no %s on %s", name, leg)
			}
		}
		for _, name := range []string{"tcp.analysis.lost_segment", "tcp.analysis.retransmission"} {
			if seen[name] > 0 {
				t.Errorf("tshark finds %d times %s on %s", seen[name], name, leg)
			}
		}
		if !strings.HasPrefix(jid, xmpptest.AliceJID+"/") {
			t.Errorf("tshark shows the bound JID %q on %s", jid, leg)
		}
	}
	for _, f := range tshark(t, file, []string{"frame.number", "tcp.checksum.status"}, "-o", "tcp.check_checksum:TRUE") {
		const bad = "0"
		if f["tcp.checksum.status"] == bad {
			t.Errorf("frame %s has a wrong TCP checksum", f["frame.number"])
		}
	}
}

// wanted are the fields that checkTshark looks at.
var wanted = []string{
	"frame.number", "frame.interface_name", "frame.comment",
	"xmpp.starttls", "xmpp.auth", "xmpp.iq.bind", "xmpp.iq.bind.jid", "xmpp.stream_end",
	"_ws.malformed", "tcp.analysis.lost_segment", "tcp.analysis.retransmission",
}

// tshark returns fields of every frame, by name; "" is for those a frame lacks.
func tshark(t *testing.T, file string, fields []string, options ...string) []map[string]string {
	t.Helper()
	args := append([]string{"-r", file, "-T", "fields", "-E", "occurrence=f"}, options...)
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	cmd := exec.Command("tshark", args...)
	cmd.Env = append(cmd.Environ(), "HOME="+t.TempDir())
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v\n%s", err, complaints.String())
	}
	var frames []map[string]string
	for row := range strings.Lines(string(out)) {
		frame := map[string]string{}
		for i, value := range strings.Split(strings.TrimSuffix(row, "\n"), "\t") {
			if i < len(fields) {
				frame[fields[i]] = value
			}
		}
		frames = append(frames, frame)
	}
	return frames
}
