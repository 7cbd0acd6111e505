//go:build linux || darwin

package attach

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"xmppscope/capture"
	"xmppscope/internal/ownership"
	"xmppscope/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// atHome gives the test a folder for sockets, short enough for them.
func atHome(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "a")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	t.Setenv("XDG_RUNTIME_DIR", dir)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	t.Setenv("HOME", dir)
	return dir
}

func event(n int) session.Event {
	return session.Event{
		Seen: session.Seen{Session: 1, Seq: uint64(n), At: time.Unix(1, 0).UTC(), Dir: session.C2S, Body: session.StreamElement{}, Name: "auth", Raw: []byte("<auth>the secret</auth>"), Size: 23},
		Said: session.Said{Done: true, Summary: "an event", Secrets: []session.Secret{{Kind: "password", Span: session.Span{Start: 6, End: 16}, Mark: "[password #1]"}}},
	}
}

func start(t *testing.T, log *session.Log) *Server {
	t.Helper()
	s, err := Listen(log, "xmppscope test", "a run", func() {})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestLook: who looks gets a recording of what was and of what comes, whole, secrets in it;
// what ends is gone from the list.
func TestLook(t *testing.T) {
	dir := atHome(t)
	log := session.NewLog()
	defer log.Close()
	s := start(t, log)
	for path, perm := range map[string]os.FileMode{s.Path(): 0o600, filepath.Dir(s.Path()): 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != perm || !strings.HasPrefix(path, dir) {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	runs, err := Runs()
	if err != nil || len(runs) != 1 || runs[0].Title != "a run" || runs[0].PID != os.Getpid() || runs[0].Path != s.Path() {
		t.Fatalf("%+v, %v", runs, err)
	}
	log.Append(event(1))
	log.Append(session.Event{Seen: session.Seen{Session: 1, Body: session.TLSSecret{Line: "CLIENT_RANDOM"}}, Said: session.Said{Done: true}})
	got := make(chan session.Event, 10)
	ended := make(chan error, 2)
	for range 2 {
		conn, err := Dial(s.Path())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		go func() {
			format, err := capture.Read(conn, func(e session.Event) error { got <- e; return nil })
			if err == nil && format.Ext != ".jsonl" {
				err = errors.New(format.Ext)
			}
			ended <- err
		}()
	}
	log.Append(event(2))
	for range 4 {
		if e := <-got; string(e.Raw) != "<auth>the secret</auth>" || len(e.Secrets) != 1 {
			t.Errorf("%+v", e)
		}
	}
	log.End()
	s.Close()
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if runs, err := Runs(); err != nil || len(runs) != 0 {
		t.Errorf("%+v, %v", runs, err)
	}
}

// TestHangers: those who read nothing, who go, and too many of them keep nobody waiting, nor
// the end.
func TestHangers(t *testing.T) {
	atHome(t)
	log := session.NewLog()
	defer log.Close()
	s := start(t, log)
	var conns []net.Conn
	for range 2 * maxLookers {
		conn, err := Dial(s.Path())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns = append(conns, conn)
	}
	lines := bufio.NewReader(conns[0])
	if _, err := lines.ReadSlice('\n'); err != nil {
		t.Fatal(err)
	}
	if _, err := capture.Read(conns[2*maxLookers-1], func(session.Event) error { return nil }); err == nil || !strings.Contains(err.Error(), "16 look at this run already") {
		t.Errorf("one too many got %v", err)
	}
	if runs, err := Runs(); len(runs) != 1 || err != nil {
		t.Errorf("with many who look: %v, %v", runs, err)
	}
	conns[1].Close()
	big := event(1)
	big.Raw = bytes.Repeat([]byte("x"), 64<<10)
	for range 200 { // more than a socket holds
		log.Append(big)
	}
	for n := range 200 {
		if line, err := lines.ReadBytes('\n'); err != nil || len(line) < len(big.Raw) {
			t.Fatalf("line %d: %d bytes, %v", n, len(line), err)
		}
	}
	log.End()
	s.Close() // it does not wait for those who do not read
}

// TestOthers: a process of another user gets nothing, and is not believed.
func TestOthers(t *testing.T) {
	dir := atHome(t)
	log := session.NewLog()
	defer log.Close()
	log.Append(event(1))
	other := os.Geteuid() + 1
	s, err := listen(log, "xmppscope test", "a run of another", func() {}, other)
	if err != nil {
		t.Fatal(err)
	}
	if conn, err := dial(s.Path(), other); err == nil {
		conn.Close()
		t.Error("the process of another user was taken for a run of ours")
	}
	conn, err := net.Dial("unix", s.Path()) // whom the run takes for another user
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); len(got) != 0 || err != nil {
		t.Errorf("another user got %q, %v", got, err)
	}
	conn.Close()
	log.End()
	s.Close()
	// A folder that is another's, or a link that another has laid, is not used.
	ownership.Self = func() int { return other }
	defer func() { ownership.Self = os.Geteuid }()
	if _, _, err := listenIn(dir); err == nil {
		t.Error("a socket was made in another user's folder")
	}
}

// TestStray: the socket of a process that was killed is removed.
func TestStray(t *testing.T) {
	dir := filepath.Join(atHome(t), "xmppscope")
	l, path, err := listenIn(dir)
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if err := os.WriteFile(filepath.Join(dir, "notes"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if runs, err := Runs(); len(runs) != 0 || err != nil {
		t.Errorf("%v, %v", runs, err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("it is still there")
	}
	if _, err := os.Stat(filepath.Join(dir, "notes")); err != nil {
		t.Error(err)
	}
}

// TestNamesakes: processes of one number, as containers with a common folder have them, do
// not take each other's socket.
func TestNamesakes(t *testing.T) {
	atHome(t)
	log := session.NewLog()
	defer log.Close()
	first, second := start(t, log), start(t, log)
	if first.Path() == second.Path() {
		t.Fatalf("both are %s", first.Path())
	}
	if runs, err := Runs(); len(runs) != 2 || err != nil {
		t.Errorf("%v, %v", runs, err)
	}
	log.End()
	first.Close()
	if runs, err := Runs(); len(runs) != 1 || err != nil || runs[0].Path != second.Path() {
		t.Errorf("%v, %v", runs, err)
	}
	second.Close()
}
