package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"xmppscope/capture"
	"xmppscope/session"
)

// Each run of the test kills xmppscope this often; for a hundred times:
//
//	XMPPSCOPE_KILLS=100 go test ./cmd/xmppscope -run KillNine -timeout 30m
const killsByDefault = 3

func kills(t *testing.T) int {
	s := os.Getenv("XMPPSCOPE_KILLS")
	if s == "" {
		return killsByDefault
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("XMPPSCOPE_KILLS=%q: want a number", s)
	}
	return n
}

// TestKillNine kills xmppscope with SIGKILL while stanzas rush through it. Every
// file has to open, and to hold every event that was in it before.
func TestKillNine(t *testing.T) {
	for i := range kills(t) {
		t.Run(fmt.Sprint(i), func(t *testing.T) { killOnce(t, i) })
	}
}

func killOnce(t *testing.T, round int) {
	dir := t.TempDir()
	flood := startFlood(t)
	args := []string{"--json", "--listen", "127.0.0.1:0", "--upstream", flood.Addr().String(), "--ca-dir", filepath.Join(dir, "ca")}
	for _, f := range capture.Formats() {
		args = append(args, "--save", filepath.Join(dir, "x"+f.Ext))
	}
	if round%2 == 1 {
		args = append(args, "--save-rotate", "300kB")
	}
	cmd, printed, addr := startSelf(t, args)
	client, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := io.WriteString(client, "<?xml version='1.0'?><stream:stream to='a.example' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"); err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, client) // ends with the connection
	// Not at the same place each time: after 300 to 1,500 events at least, and when
	// every file has some.
	for n := 0; n < 300+round*397%1200 || n%50 != 0 || !begun(t, dir); n++ {
		if _, err := printed.ReadBytes('\n'); err != nil {
			t.Fatal(err)
		}
	}
	before := map[string][]byte{}
	for _, path := range savedFiles(t, dir) {
		before[path] = readNow(t, path, 1<<62)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	after := savedFiles(t, dir)
	if len(after) < len(capture.Formats()) {
		t.Fatalf("there are %q", after)
	}
	for _, path := range after {
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		opens(t, path, before[path], file)
	}
}

// begun says whether each file that can be read back has some events, and a report its
// first.
func begun(t *testing.T, dir string) bool {
	t.Helper()
	for _, path := range savedFiles(t, dir) {
		if readable(path) {
			if bytes.Count(readNow(t, path, 1<<20), []byte("stream:element")) < 100 && (!strings.Contains(path, "x-") || strings.Contains(path, "-00001")) {
				return false
			}
		}
		if filepath.Ext(path) == ".html" && !bytes.Contains(readNow(t, path, 1<<20), []byte(`id="s1e1"`)) {
			return false
		}
	}
	return true
}

// readNow reads what a file holds now, so much of it at most. It grows meanwhile, and may
// grow as fast as it is read.
func readNow(t *testing.T, path string, most int64) []byte {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	read, err := io.ReadAll(io.LimitReader(file, min(most, info.Size())))
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// readable says whether the format of a file can be read back.
func readable(path string) bool {
	f, err := capture.ForPath(path)
	return err == nil && f.Read != nil
}

// savedFiles are those that have their names; others are not fit to be opened yet.
func savedFiles(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "x*"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(files, func(path string) bool { return strings.HasSuffix(path, ".unfinished") })
}

// opens checks a file of a killed run against what it held shortly before.
func opens(t *testing.T, path string, before, file []byte) {
	t.Helper()
	switch ext := filepath.Ext(path); {
	case readable(path):
		a, b := eventsOf(t, path, before), eventsOf(t, path, file)
		if len(b) < len(a) || !slices.Equal(a, b[:len(a)]) {
			t.Errorf("%s: %d events, and %d before", path, len(b), len(a))
		}
		t.Logf("%s: %d events, %d before", filepath.Base(path), len(b), len(a))
	case ext == ".html":
		for _, id := range [][]byte{[]byte(`id="s1e1"`), []byte("</style>")} {
			if !bytes.Contains(file, id) {
				t.Errorf("%s: %s is not there", path, id)
			}
		}
		if a, b := bytes.Count(before, []byte(` id="s1e`)), bytes.Count(file, []byte(` id="s1e`)); b < a {
			t.Errorf("%s: %d events, and %d before", path, b, a)
		}
	case ext == ".txt":
		// One that ended since then has the verdict on top.
		if _, drawn, _ := bytes.Cut(before, []byte("━━ session")); !bytes.HasPrefix(file, before) && !bytes.Contains(file, upToLastEvent(drawn)) {
			t.Errorf("%s does not go on where it was", path)
		}
	default: // .md is drawn anew, .keylog is empty without TLS
		if len(before) > 0 && len(file) == 0 {
			t.Errorf("%s is empty", path)
		}
	}
}

var eventAt = regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d\.\d{6} `)

// upToLastEvent is a ladder without its last event, and what may stand behind that.
func upToLastEvent(ladder []byte) []byte {
	events := eventAt.FindAllIndex(ladder, -1)
	if len(events) == 0 {
		return nil
	}
	return ladder[:events[len(events)-1][0]]
}

// eventsOf gives "session.seq" of what can be read; they are without gaps.
func eventsOf(t *testing.T, path string, file []byte) (out []string) {
	t.Helper()
	if len(file) == 0 {
		return nil
	}
	last := uint64(0)
	_, err := capture.Read(bytes.NewReader(file), func(e session.Event) error {
		if !session.Numbered(e.Body) {
			return nil
		}
		if last > 10 && e.Seq != last+1 { // a rotated file begins with what is carried over
			t.Errorf("%s: event %d follows on %d", path, e.Seq, last)
		}
		last = e.Seq
		line, err := json.Marshal(e.Raw)
		out = append(out, fmt.Sprintf("%d.%d %s", e.Session, e.Seq, line))
		return err
	})
	var cut *capture.Truncated
	if err != nil && !errors.As(err, &cut) {
		t.Errorf("%s: %v", path, err)
	}
	return out
}

// startSelf runs xmppscope and waits until it says where it listens; what it says
// after that is thrown away.
func startSelf(t *testing.T, args []string) (cmd *exec.Cmd, printed *bufio.Reader, addr string) {
	t.Helper()
	cmd, stdout, problems, addr := startHeard(t, args)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for problems.Scan() {
		}
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-drained
	})
	return cmd, bufio.NewReader(stdout), addr
}

// startHeard runs xmppscope, which is this test's own binary under its name, and
// waits until it says where it listens. problems goes on with what it says next.
func startHeard(t *testing.T, args []string) (cmd *exec.Cmd, stdout io.ReadCloser, problems *bufio.Scanner, addr string) {
	t.Helper()
	cmd = scope(t, t.TempDir(), args...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	problems = bufio.NewScanner(stderr)
	for problems.Scan() {
		if addr, ok := strings.CutPrefix(problems.Text(), "listening on "); ok {
			return cmd, stdout, problems, addr
		}
	}
	t.Fatalf("xmppscope does not listen: %v", problems.Err())
	return nil, nil, nil, ""
}

// startFlood is a server that sends stanzas, one a line, for as long as it can.
func startFlood(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		out := bufio.NewWriter(c)
		fmt.Fprintf(out, "<?xml version='1.0'?><stream:stream from='a.example' id='1' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'><stream:features/>\n")
		for i := 0; err == nil; i++ {
			_, err = fmt.Fprintf(out, "<message from='b@a.example' id='m%d'><body>%s</body></message>\n", i, strings.Repeat("load ", i%100))
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l
}
