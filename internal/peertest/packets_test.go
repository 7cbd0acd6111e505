package peertest

import (
	"bufio"
	"encoding/hex"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"xmppscope/capture/packet"
	"xmppscope/internal/xmpptest"
)

// TestCapturedLogins: logins of a real client at real servers, with no xmppscope
// on the way, captured as packets and read with the client's key log: they are
// decrypted to the bytes that tshark shows.
func TestCapturedLogins(t *testing.T) {
	xmpptest.Need(t, "slixmpp", "tshark", "dumpcap")
	prosody, ejabberd := xmpptest.StartProsody(t), xmpptest.StartEjabberd(t)
	bobs := map[*xmpptest.PeerServer]*xmpptest.Bob{prosody: xmpptest.StartBob(t, prosody), ejabberd: xmpptest.StartBob(t, ejabberd)}
	for _, c := range []struct {
		name   string
		server *xmpptest.PeerServer
		addr   string
		direct bool
		tls    string
	}{
		{"prosody", prosody, prosody.StartTLS, false, "TLS 1.3"},
		{"prosody direct", prosody, prosody.Direct, true, "TLS 1.3"},
		{"ejabberd", ejabberd, ejabberd.StartTLS, false, "TLS 1.3"},
		{"ejabberd TLS 1.2", ejabberd, ejabberd.TLS12, false, "TLS 1.2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			keys := filepath.Join(dir, "keys.txt")
			dump := startDump(t, filepath.Join(dir, "login.pcapng"), c.addr)
			ran := xmpptest.Slixmpp(t, xmpptest.Login{Addr: c.addr, CAFile: c.server.CAFile, Direct: c.direct, Says: "on the wire", KeyLog: keys})
			if !ran.OK {
				t.Fatalf("slixmpp failed:\n%s", ran.Output)
			}
			bobs[c.server].Expect(t, "on the wire")
			file := dump.stop(t)
			checkCapture(t, file, keys, c.tls)
		})
	}
}

// checkCapture compares what we make of a capture with what tshark does.
func checkCapture(t *testing.T, file, keys, version string) {
	t.Helper()
	out, err := command(t, "print", "--json", "--reveal", "--keylog", keys, file).Output()
	if err != nil {
		t.Fatalf("print: %v", err)
	}
	inside := map[int]map[string]string{} // by session and direction: the plaintext inside TLS
	jid := false
	for _, e := range decode(t, out).events {
		if e.Kind == "tls:established" {
			inside[e.Session] = map[string]string{}
		}
		if inside[e.Session] != nil && e.Raw != nil {
			inside[e.Session][e.Dir] += *e.Raw
		}
		for _, n := range e.Notes {
			jid = jid || n.Name == "jid" && strings.HasPrefix(n.Value, xmpptest.AliceJID+"/")
		}
	}
	if !jid {
		t.Errorf("no bound JID of alice among %d sessions", len(inside))
	}
	found := false
	for _, want := range tsharkInside(t, file, keys) {
		for _, got := range inside {
			sides := []string{got["c2s"], got["s2c"]}
			slices.Sort(sides)
			found = found || slices.Equal(sides, want)
		}
	}
	if !found {
		t.Errorf("tshark shows other plaintext inside %s", version)
	}
	if text, err := command(t, "print", "--keylog", keys, file).Output(); err != nil || !strings.Contains(string(text), version) {
		t.Errorf("no %s in what is printed (%v)", version, err)
	}
}

// tsharkInside is the plaintext of both sides of each connection with TLS, as
// tshark follows it; which side is which it does not tell reliably.
func tsharkInside(t *testing.T, file, keys string) (out [][]string) {
	t.Helper()
	for _, stream := range []string{"0", "1", "2", "3"} {
		cmd := exec.Command("tshark", "-r", file, "-o", "tls.keylog_file:"+keys, "-q", "-z", "follow,tls,raw,"+stream)
		cmd.Env = append(cmd.Environ(), "HOME="+t.TempDir())
		text, err := cmd.Output()
		if err != nil {
			continue // there is no such stream
		}
		var sides [2]strings.Builder
		for line := range strings.Lines(string(text)) {
			b, err := hex.DecodeString(strings.TrimSpace(line))
			if err != nil {
				continue
			}
			side := 0
			if strings.HasPrefix(line, "\t") {
				side = 1
			}
			sides[side].Write(b)
		}
		if sides[0].Len() > 0 {
			pair := []string{sides[0].String(), sides[1].String()}
			slices.Sort(pair)
			out = append(out, pair)
		}
	}
	if len(out) == 0 {
		t.Fatal("tshark decrypts nothing")
	}
	return out
}

// dump is a capture that dumpcap is making of a port on loopback.
type dump struct {
	cmd  *exec.Cmd
	file string
}

// startDump returns when the capture has begun. To capture may not be permitted.
func startDump(t *testing.T, file, addr string) *dump {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("dumpcap", "-i", "lo", "-f", "tcp port "+port, "-w", file)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	said := ""
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		said += lines.Text() + "\n"
		if strings.HasPrefix(lines.Text(), "File: ") {
			return &dump{cmd, file}
		}
	}
	// It is there, but that it may do this is up to the machine, whoever requires it.
	t.Skipf("dumpcap may not capture on lo here (run as root, or setcap cap_net_raw+ep): %s", said)
	return nil
}

// stop ends the capture once the client's connection has ended in it.
func (d *dump) stop(t *testing.T) string {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !d.complete(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("the end of the connection was not captured")
		}
	}
	if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	d.cmd.Wait() // by the signal, or well
	return d.file
}

func (d *dump) complete() bool {
	f, err := os.Open(d.file)
	if err != nil {
		return false
	}
	defer f.Close()
	ended := false
	packet.Read(f, func(e *packet.Event) error {
		ended = ended || e.Kind == packet.Closed
		return nil
	})
	return ended
}
