//go:build unix

package main

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"xmppscope/session"
)

const (
	plainHeader = "<stream:stream to='a.example' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
	plainReply  = "<stream:stream from='a.example' id='1' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'><stream:features/>"
)

// TestTimeouts: each limit ends what it is about, or lets it go on, and says so.
func TestTimeouts(t *testing.T) {
	for _, c := range []struct {
		line    string
		says    string // the client
		reply   string // the server
		more    string // the client, then
		reaches string // the server, in the end
		want    string
	}{
		{line: "proxy --json --first-byte-timeout 50ms", want: "the client has said nothing"},
		{line: "proxy --json --header-timeout 50ms", says: "<stream:str", reaches: "<stream:str", want: "no complete stream header"},
		{line: "proxy --json --header-timeout 50ms", says: plainHeader, reaches: plainHeader, want: "the server has not answered"},
		{line: "proxy --json --idle-timeout 50ms", says: plainHeader, reply: plainReply, reaches: plainHeader, want: "neither side has said anything"},
		{line: "proxy --json --starttls-timeout 50ms --idle-timeout 1s", says: plainHeader, reply: plainReply,
			more:    "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><presence/>",
			reaches: plainHeader + "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><presence/>", want: "goes on in the clear"},
	} {
		t.Run(c.want, func(t *testing.T) {
			server, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			got := make(chan string, 1)
			go func() {
				s, err := server.Accept()
				if err != nil {
					got <- ""
					return
				}
				defer s.Close()
				io.WriteString(s, c.reply)
				all, _ := io.ReadAll(s)
				got <- string(all)
			}()
			printed, _ := through(t, t.TempDir(), c.line+" --upstream "+server.Addr().String(), func(addr string, _ *x509.CertPool) {
				client, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				io.WriteString(client, c.says)
				if c.more != "" {
					io.ReadFull(client, make([]byte, len(c.reply)))
					io.WriteString(client, c.more)
				}
				io.Copy(io.Discard, client) // until xmppscope ends it
			})
			server.Close()
			if reached := <-got; reached != c.reaches {
				t.Errorf("the server got %q, want %q", reached, c.reaches)
			}
			if !strings.Contains(printed, `"kind":"relay:timeout"`) || !strings.Contains(printed, c.want) {
				t.Errorf("printed:\n%s", printed)
			}
		})
	}
}

// TestBacklogFlag: what comes beyond it passes, and is counted to the byte.
func TestBacklogFlag(t *testing.T) {
	const body = 300_000
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	element := "<message><body>" + strings.Repeat("x", body) + "</body></message>"
	got := make(chan int, 1)
	go func() {
		s, err := server.Accept()
		if err != nil {
			got <- 0
			return
		}
		defer s.Close()
		io.WriteString(s, plainReply)
		n, _ := io.Copy(io.Discard, s)
		got <- int(n)
	}()
	printed, _ := through(t, t.TempDir(), "proxy --json --reveal --backlog 1kB --upstream "+server.Addr().String(), func(addr string, _ *x509.CertPool) {
		client, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		io.WriteString(client, plainHeader+element)
		client.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, client)
	})
	if n := <-got; n != len(plainHeader+element) {
		t.Errorf("the server got %d bytes of %d", n, len(plainHeader+element))
	}
	seen, lost := 0, int64(0)
	for line := range strings.Lines(printed) {
		e, err := session.DecodeJSON([]byte(line))
		if err != nil || e.Dir != session.C2S {
			continue // the header of the recording, and the other side
		}
		if l, ok := e.Body.(session.LogLost); ok {
			if lost += l.Bytes; !strings.Contains(l.Cause, "--backlog") {
				t.Errorf("the cause is %q", l.Cause)
			}
		}
		if session.IsPlaintext(e.Body) {
			seen += int(e.Size)
		}
	}
	if lost == 0 || seen+int(lost) != len(plainHeader+element) {
		t.Errorf("%d bytes seen and %d lost of %d", seen, lost, len(plainHeader+element))
	}
}

// TestDrainFlag: SIGTERM does not wait longer for who does not read.
func TestDrainFlag(t *testing.T) {
	flood := startFlood(t)
	line := "proxy --json --drain 100ms --listen 127.0.0.1:0 --upstream " + flood.Addr().String() + " --ca-dir " + t.TempDir()
	cmd, stdout, problems, addr := startHeard(t, strings.Fields(line))
	defer stdout.Close()
	client, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	io.WriteString(client, plainHeader)
	io.CopyN(io.Discard, client, 1<<20) // more than a pipe holds of it
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	client.Close()
	said := ""
	for problems.Scan() {
		said += problems.Text() + "\n"
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != exitFailed {
		t.Errorf("ended with %v", err)
	}
	if !strings.Contains(said, "--drain is 100ms; what was left: ") || !strings.Contains(said, "printing to standard output") {
		t.Errorf("said:\n%s", said)
	}
}

var messageID = regexp.MustCompile(`<message from='b@a\.example' id='m(\d+)'`)

// TestNothingIsLostToKill: what was forwarded more than a second before a kill -9 is in the
// file or beside it, and open goes on from there, without a gap.
func TestNothingIsLostToKill(t *testing.T) {
	for _, ext := range []string{".jsonl", ".pcapng", ".xml"} {
		t.Run(ext, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "x"+ext)
			flood := startFlood(t)
			cmd, _, addr := startSelf(t, []string{"--plain", "--listen", "127.0.0.1:0", "--upstream", flood.Addr().String(), "--ca-dir", filepath.Join(dir, "ca"), "--save", file})
			client, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			io.WriteString(client, plainHeader)
			var got bytes.Buffer
			io.CopyN(&got, client, 3<<20)
			forwarded := messageID.FindAllStringSubmatch(got.String(), -1)
			last := forwarded[len(forwarded)-1][1]
			awaitOnDisk(t, file, last)
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			cmd.Wait()
			next, found := 0, false
			readAgain(t, file, func(e *leftEvent) {
				if m := messageID.FindStringSubmatch(e.Raw); m != nil {
					if m[1] != fmt.Sprint(next) {
						t.Fatalf("message %s comes in place of %d", m[1], next)
					}
					found = found || m[1] == last
					next++
				}
			})
			if !found {
				t.Errorf("%d messages came back, and not m%s", next, last)
			}
		})
	}
}

// leftEvent is what is looked at of an event that is read again after a kill.
type leftEvent struct {
	Session   int
	Seq       uint64
	Kind, Raw string
	line      []byte // all of it
}

// readAgain gives the events of session 1 of a file, which are numbered without a gap.
func readAgain(t *testing.T, file string, each func(*leftEvent)) {
	t.Helper()
	out, err := scope(t, filepath.Dir(file), "print", "--json", "--reveal", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	seq := uint64(0)
	for line := range bytes.Lines(out) {
		e := leftEvent{line: line}
		if json.Unmarshal(line, &e) != nil || e.Session != 1 {
			continue
		}
		if seq++; e.Seq != seq {
			t.Fatalf("event %d comes as number %d", seq, e.Seq)
		}
		each(&e)
	}
}

// awaitOnDisk waits until a message is in the recording or beside it.
func awaitOnDisk(t *testing.T, file, id string) {
	t.Helper()
	quote := "(?:'|&#39;)" // as on the wire, and in XML
	wanted := regexp.MustCompile("id=" + quote + "m" + id + quote)
	for {
		for _, name := range []string{file, file + session.UnexplainedExt} {
			if content, err := os.ReadFile(name); err == nil && wanted.Match(content) {
				return
			}
		}
		if t.Context().Err() != nil {
			t.Fatal("it never came")
		}
	}
}

// TestUnexplainedIsNotOverwritten: what an earlier run has left is not given up unasked.
func TestUnexplainedIsNotOverwritten(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "x.jsonl")
	if err := os.WriteFile(file+session.UnexplainedExt, []byte("left"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := scope(t, dir, "demo", "--plain", "--save", file)
	said, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != exitUsage || !bytes.Contains(said, []byte("did not come to its end")) || !bytes.Contains(said, []byte("--overwrite")) {
		t.Errorf("%v:\n%s", err, said)
	}
	if said, err := scope(t, dir, "demo", "--plain", "--overwrite", "--save", file).CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, said)
	}
	if _, err := os.Stat(file + session.UnexplainedExt); !os.IsNotExist(err) {
		t.Errorf("after an orderly end: %v", err)
	}
}
