package peertest

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
)

// TestExportedCaptures: an export of a capture of others is one file that tshark
// opens and decrypts alone, with the packets of the session as they were; editcap
// may rewrite it; and read back it gives the same events.
func TestExportedCaptures(t *testing.T) {
	t.Parallel()
	xmpptest.Need(t, "slixmpp", "tshark")
	prosody := xmpptest.StartProsody(t)
	bob := xmpptest.StartBob(t, prosody)
	for _, c := range []struct {
		name, addr string
		direct     bool
	}{{"STARTTLS", prosody.StartTLS, false}, {"direct TLS", prosody.Direct, true}} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			keys := filepath.Join(dir, "keys.txt")
			dump := startDump(t, filepath.Join(dir, "login.pcapng"), c.addr)
			ran := xmpptest.Slixmpp(t, xmpptest.Login{Addr: dump.addr, CAFile: prosody.CAFile, Direct: c.direct, Says: "on the wire", KeyLog: keys})
			if !ran.OK {
				t.Fatalf("slixmpp failed:\n%s", ran.Output)
			}
			bob.Expect(t, "on the wire")
			dump.stop(t)
			checkExport(t, dir, dump.file, keys)
		})
	}
}

func checkExport(t *testing.T, dir, captured, keys string) {
	t.Helper()
	want, err := command(t, "print", "--json", "--reveal", "--keylog", keys, captured).Output()
	if err != nil {
		t.Fatal(err)
	}
	live := decode(t, want)
	login := alicesPort(t, live)
	exported, edited := filepath.Join(dir, "one.pcapng"), filepath.Join(dir, "edited.pcapng")
	mustRun(t, command(t, "export", captured, "--keylog", keys, "-o", exported))
	mustRun(t, exec.Command("editcap", exported, edited))
	inside := tsharkInside(t, captured, keys)
	for _, file := range []string{exported, edited} {
		for _, pair := range tsharkInside(t, file, os.DevNull) {
			if !slices.ContainsFunc(inside, func(want []string) bool { return slices.Equal(want, pair) }) {
				t.Errorf("%s: tshark shows other plaintext than in the capture with its keys", file)
			}
		}
		checkRead(t, live, file)
	}
	only := "tcp.port == " + login
	if a, b := packetsOf(t, captured, only), packetsOf(t, exported, only+" && frame.interface_name != \"decoded\""); !slices.Equal(a, b) || len(a) == 0 {
		t.Errorf("%d packets were captured of the login, %d are exported, or others", len(a), len(b))
	}
	shared := filepath.Join(dir, "shared.pcapng")
	mustRun(t, command(t, "export", exported, "--redact", "-o", shared))
	if left := packetsOf(t, shared, "frame.interface_name != \"decoded\""); len(left) > 0 {
		t.Errorf("%d captured packets in what is to be shared", len(left))
	}
}

// alicesPort is the client's port of alice's session.
func alicesPort(t *testing.T, r recording) string {
	t.Helper()
	for i := range r.events {
		for _, n := range r.events[i].Notes {
			if n.Name == "jid" && strings.HasPrefix(n.Value, xmpptest.AliceJID+"/") {
				return portOf(t, r, r.events[i].Session)
			}
		}
	}
	t.Fatal("alice does not log in in the capture")
	return ""
}

func portOf(t *testing.T, r recording, id int) string {
	t.Helper()
	for i := range r.events {
		if e := &r.events[i]; e.Session == id && e.Kind == "tcp:opened" {
			_, peer, _ := strings.Cut(e.Summary, "connected from ")
			peer, _, _ = strings.Cut(peer, " ")
			return peer[strings.LastIndex(peer, ":")+1:]
		}
	}
	t.Fatalf("session %d is not opened", id)
	return ""
}

// packetsOf is the packets that a filter shows, each as tshark prints it in hex, with
// its time.
func packetsOf(t *testing.T, file, filter string) []string {
	t.Helper()
	cmd := exec.Command("tshark", "-r", file, "-n", "-Y", filter, "-T", "fields", "-e", "frame.time_epoch", "-e", "frame.len", "-e", "tcp.seq_raw", "-e", "tcp.ack_raw", "-e", "tcp.payload", "-e", "eth.type")
	cmd.Env = append(cmd.Environ(), "HOME="+t.TempDir())
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	return strings.Fields(strings.ReplaceAll(string(out), "\n", " "))
}

func mustRun(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
}
