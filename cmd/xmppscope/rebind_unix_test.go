//go:build unix

package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"xmppscope/internal/demo"
)

// TestRebindNeedsPasswords: where nobody can type one, it says what is missing.
func TestRebindNeedsPasswords(t *testing.T) {
	cmd := scope(t, t.TempDir(), "proxy", "--plain", "--rebind", "--listen", "127.0.0.1:0")
	out, _ := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != exitUsage || !strings.Contains(string(out), "--password-file JID=FILE") {
		t.Errorf("exit %d:\n%s", cmd.ProcessState.ExitCode(), out)
	}
}

// TestOwnCert: the client is shown the server's own certificate, and a key that others can
// read is refused.
func TestOwnCert(t *testing.T) {
	dir := t.TempDir()
	authority, err := demo.NewAuthority("the server's CA")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := authority.Issue("example.net")
	if err != nil {
		t.Fatal(err)
	}
	chain, key, err := demo.EncodePEM(pair)
	if err != nil {
		t.Fatal(err)
	}
	name := func(file string) string { return filepath.Join(dir, file) }
	for file, data := range map[string][]byte{"chain.pem": chain, "key.pem": key, "ca.pem": authority.PEM()} {
		if err := os.WriteFile(name(file), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	upstream, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	defer upstream.Close()
	go func() {
		for {
			c, err := upstream.Accept()
			if err != nil {
				return
			}
			go func(c net.Conn) {
				defer c.Close()
				c.(*tls.Conn).Handshake()
				c.Read(make([]byte, 1))
			}(c)
		}
	}()
	args := []string{"proxy", "--plain", "--listen", "127.0.0.1:0", "--upstream", "tls://" + upstream.Addr().String(), "--upstream-ca", name("ca.pem"),
		"--ca-dir", name("ca"), "--own-cert", name("chain.pem") + "," + name("key.pem")}
	cmd, _, addr := startSelf(t, args)
	c, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: authority.Roots(), ServerName: "example.net"})
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	if got := c.ConnectionState().PeerCertificates[0]; !got.Equal(leaf) {
		t.Errorf("the client was shown %s, issued by %s", got.Subject, got.Issuer)
	}
	c.Close()
	cmd.Process.Signal(syscall.SIGTERM)
	cmd.Wait()

	if err := os.Chmod(name("key.pem"), 0o640); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []struct{ pair, says string }{
		{name("chain.pem") + "," + name("key.pem"), "can be read by others"},
		{name("chain.pem"), "want CERT,KEY"},
		{name("chain.pem") + "," + name("nowhere"), "there is no file"},
	} {
		cmd := scope(t, dir, "proxy", "--plain", "--listen", "127.0.0.1:0", "--own-cert", bad.pair)
		if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != exitUsage || !strings.Contains(string(out), bad.says) {
			t.Errorf("--own-cert %s: exit %d:\n%s", bad.pair, cmd.ProcessState.ExitCode(), out)
		}
	}
}

// TestSameSignalTwice: timeout(1) sends its signal to the child and then to the whole
// process group: that is no wish to end at once.
func TestSameSignalTwice(t *testing.T) {
	dir := t.TempDir()
	flood := startFlood(t)
	file := filepath.Join(dir, "x.jsonl")
	cmd, stdout, problems, addr := startHeard(t, []string{"proxy", "--plain", "--listen", "127.0.0.1:0", "--upstream", flood.Addr().String(), "--ca-dir", filepath.Join(dir, "ca"), "--save", file})
	go io.Copy(io.Discard, stdout)
	client, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	fmt.Fprint(client, plainHeader)
	client.Read(make([]byte, 1))
	for range 2 {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	said := ""
	for problems.Scan() {
		said += problems.Text() + "\n"
	}
	if err := cmd.Wait(); err != nil || strings.Contains(said, "another signal") {
		t.Errorf("ended with %v:\n%s", err, said)
	}
}
