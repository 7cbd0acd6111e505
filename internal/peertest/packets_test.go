package peertest

import (
	"encoding/hex"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
)

// TestCapturedLogins: logins of a real client at real servers, with no xmppscope
// on the way, captured as packets and read with the client's key log: they are
// decrypted to the bytes that tshark shows.
func TestCapturedLogins(t *testing.T) {
	t.Parallel()
	xmpptest.Need(t, "slixmpp", "tshark")
	prosody, ejabberd := xmpptest.StartProsody(t), xmpptest.StartEjabberd(t)
	bobs := map[*xmpptest.PeerServer]*xmpptest.Bob{prosody: xmpptest.StartBob(t, prosody), ejabberd: xmpptest.StartBob(t, ejabberd)}
	for _, c := range []struct {
		name   string
		server *xmpptest.PeerServer
		addr   string
		direct bool
		tls    string
		dump   func(t *testing.T, file, addr string) dump
	}{
		{"prosody", prosody, prosody.StartTLS, false, "TLS 1.3", startDump},
		{"prosody direct", prosody, prosody.Direct, true, "TLS 1.3", startDump},
		{"prosody without dumpcap", prosody, prosody.StartTLS, false, "TLS 1.3", startWiretap},
		{"ejabberd", ejabberd, ejabberd.StartTLS, false, "TLS 1.3", startDump},
		{"ejabberd TLS 1.2", ejabberd, ejabberd.TLS12, false, "TLS 1.2", startDump},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			keys := filepath.Join(dir, "keys.txt")
			dump := c.dump(t, filepath.Join(dir, "login"), c.addr)
			ran := xmpptest.Slixmpp(t, xmpptest.Login{Addr: dump.addr, CAFile: c.server.CAFile, Direct: c.direct, Says: "on the wire", KeyLog: keys})
			if !ran.OK {
				t.Fatalf("slixmpp failed:\n%s", ran.Output)
			}
			bobs[c.server].Expect(t, "on the wire")
			dump.stop(t)
			checkCapture(t, dump.file, keys, c.tls)
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
