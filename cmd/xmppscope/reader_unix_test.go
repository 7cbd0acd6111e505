//go:build unix

package main

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xmppscope/certs"
	"xmppscope/internal/demo"
)

// TestReaderGoes: whoever reads standard output may go, and is told of; the login
// that comes after is saved as if nothing had been.
func TestReaderGoes(t *testing.T) {
	for _, c := range []struct {
		name, said string
		args       []string
	}{
		{"text", "standard output was closed: nothing more is printed there; the sessions go on", nil},
		{"packets", "standard output was closed: nothing more is saved there; the sessions go on", []string{"--save", "-"}},
	} {
		t.Run(c.name, func(t *testing.T) { readerGoes(t, c.said, c.args) })
	}
}

func readerGoes(t *testing.T, said string, args []string) {
	scenario, err := demo.Find(demo.Default)
	if err != nil {
		t.Fatal(err)
	}
	server, err := demo.StartServer(scenario)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	dir := t.TempDir()
	folder, saved := filepath.Join(dir, "ca"), filepath.Join(dir, "x.jsonl")
	cmd, stdout, problems, addr := startHeard(t, append(args, "--plain", "--listen", "127.0.0.1:0", "--upstream", server.Addr(), "--insecure-upstream",
		"--ca-dir", folder, "--save", saved))

	// The first client makes xmppscope print; then the reader goes, and only then the
	// client comes that logs in: so there is something left to print, however fast it is.
	first, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if _, err := io.ReadFull(stdout, make([]byte, 20)); err != nil {
		t.Fatal(err)
	}
	stdout.Close()
	ca, err := certs.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.RunClient(context.Background(), scenario, addr, ca.Pool(), 0); err != nil {
		t.Fatal(err)
	}
	var all []string
	for problems.Scan() {
		if all = append(all, problems.Text()); problems.Text() == said {
			break
		}
	}
	if len(all) == 0 || all[len(all)-1] != said {
		t.Fatalf("it was not said that %q, but:\n%s", said, strings.Join(all, "\n"))
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for problems.Scan() {
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ends with %v", err)
	}
	file, err := os.ReadFile(saved)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(file), `"id":"session-result"`) {
		t.Error("the login is not in the capture")
	}
}
