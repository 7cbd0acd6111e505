package main

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
)

const (
	header = "<?xml version='1.0'?><stream:stream to='a.example' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
	answer = "<?xml version='1.0'?><stream:stream from='a.example' id='1' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'><stream:features/>"
)

// TestWiresharkFollows: what happens is seen by a packet reader at the other end of
// --save - before the next thing happens; and when that reader goes, the session
// does not notice.
func TestWiresharkFollows(t *testing.T) {
	xmpptest.Need(t, "tshark")
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	scope, packets, addr := startSelf(t, []string{
		"--plain", "--save", "-", "--listen", "127.0.0.1:0", "--upstream", server.Addr().String(), "--ca-dir", filepath.Join(t.TempDir(), "ca"),
	})
	shark, seen := startShark(t, packets)
	client, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	say := func(c net.Conn, text, shown string) {
		t.Helper()
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		if shown != "" {
			awaitShown(t, seen, shown)
		}
	}
	say(client, header, "client-leg\tSTREAM > a.example")
	upstream, err := server.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer upstream.Close()
	say(upstream, answer, "server-leg\tSTREAM < a.example")
	say(client, "<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>", "client-leg\tIQ(get) QUERY(jabber:iq:roster)")
	say(upstream, "<iq type='result' id='1'><query xmlns='jabber:iq:roster'/></iq>", "decoded\tIQ(result) QUERY(jabber:iq:roster)")

	shark.Process.Kill()
	shark.Wait()
	expect := bufio.NewReader(upstream)
	for _, id := range []string{"after", "and-more", "the-last"} { // the first finds nobody who reads
		say(client, "<presence id='"+id+"'/>", "")
		for got := ""; !strings.HasSuffix(got, "<presence id='"+id+"'/>"); {
			b, err := expect.ReadByte()
			if err != nil {
				t.Fatalf("the server has got %q: %v", got, err)
			}
			got += string(b)
		}
	}
	if err := scope.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := scope.Wait(); err != nil {
		t.Errorf("at the end: %v", err)
	}
}

// startShark lets tshark read a live capture; it prints a line for each packet with
// XMPP.
func startShark(t *testing.T, packets io.Reader) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	shark := exec.Command("tshark", "-l", "-n", "-i", "-", "-Y", "xmpp", "-T", "fields", "-e", "frame.interface_name", "-e", "_ws.col.Info")
	dir := t.TempDir()
	shark.Env = append(shark.Environ(), "HOME="+dir, "TMPDIR="+dir)
	in, err := shark.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := shark.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := shark.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shark.Process.Kill() })
	go func() { // ends with either side
		io.Copy(in, packets)
		in.Close()
	}()
	return shark, bufio.NewScanner(out)
}

// awaitShown waits for a line.
func awaitShown(t *testing.T, seen *bufio.Scanner, want string) {
	t.Helper()
	var lines []string
	for seen.Scan() {
		lines = append(lines, seen.Text())
		if strings.TrimSpace(seen.Text()) == want {
			return
		}
	}
	t.Fatalf("tshark has not shown %q, but %q", want, lines)
}
