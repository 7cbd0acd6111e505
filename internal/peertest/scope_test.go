package peertest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long anything may take; what is healthy takes a hundredth.
const patience = 60 * time.Second

// binary builds cmd/xmppscope once and gives its path. It looks at every source
// file, so that "go test" does not take an older result for that of a new binary.
var binary = sync.OnceValues(func() (string, error) {
	if err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") {
			_, err = os.Stat(path)
		}
		return err
	}); err != nil {
		return "", err
	}
	path := filepath.Join(buildDir, "xmppscope")
	out, err := exec.Command("go", "build", "-o", path, "xmppscope/cmd/xmppscope").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

var buildDir string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "peertest-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	buildDir = dir
	return m.Run()
}

// command is the binary with arguments, in a folder and with a home of its own.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir}
	cmd.WaitDelay = time.Second
	return cmd
}

// scope is a running xmppscope that writes JSON.
type scope struct {
	Addr   string // where it listens
	CAFile string // what clients must trust
	Saved  string // the capture it writes

	cmd    *exec.Cmd
	stderr bytes.Buffer  // complete once done is closed
	done   chan struct{} // both outputs have ended

	mu     sync.Mutex
	stdout []byte
	grown  chan struct{} // gets a value when stdout has grown
	told   chan string   // the first lines on standard error
}

// startScope starts xmppscope in front of a server, "" for that of the account's domain.
// Further arguments are added to the command line.
func startScope(t *testing.T, upstream, upstreamCA string, args ...string) *scope {
	t.Helper()
	flags := []string{"proxy", "--upstream-ca", upstreamCA}
	if upstream != "" {
		flags = append(flags, "--upstream", upstream)
	}
	return launch(t, append(flags, args...)...)
}

// launch starts a command of xmppscope that clients can connect to.
func launch(t *testing.T, args ...string) *scope {
	t.Helper()
	dir := t.TempDir()
	s := &scope{
		CAFile: filepath.Join(dir, "root.pem"),
		Saved:  filepath.Join(dir, "session.pcapng"),
		done:   make(chan struct{}),
		grown:  make(chan struct{}, 1),
		told:   make(chan string, 100),
	}
	ca := filepath.Join(dir, "ca")
	ours := []string{args[0], "--json", "--ca-dir", ca, "--save", s.Saved} // what args say holds
	if !slices.Contains(args, "--listen") {
		ours = append(ours, "--listen", "127.0.0.1:0")
	}
	s.cmd = command(t, append(ours, args[1:]...)...)
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	listening := make(chan string, 1)
	var readers sync.WaitGroup
	readers.Go(func() { s.readOutput(stdout) })
	readers.Go(func() { s.readErrors(stderr, listening) })
	go func() {
		readers.Wait()
		close(s.done)
	}()
	t.Cleanup(func() {
		s.cmd.Process.Kill() // a no-op after stop
		<-s.done
		s.cmd.Wait()
		if t.Failed() {
			t.Logf("xmppscope wrote on standard error:\n%s", s.stderr.String())
			for _, e := range s.recording(t).events {
				t.Log(line(&e))
			}
		}
	})
	select {
	case s.Addr = <-listening:
	case <-s.done:
		t.Fatalf("xmppscope ended at once:\n%s", s.stderr.String())
	case <-time.After(patience):
		t.Fatal("xmppscope does not say where it listens")
	}
	if out, err := command(t, "ca", "export", "--ca-dir", ca, "-o", s.CAFile).CombinedOutput(); err != nil {
		t.Fatalf("ca export: %v\n%s", err, out)
	}
	return s
}

func (s *scope) readOutput(r io.Reader) {
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		s.mu.Lock()
		s.stdout = append(s.stdout, buf[:n]...)
		s.mu.Unlock()
		select {
		case s.grown <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

var listeningOn = regexp.MustCompile(`listening on (127\.\d+\.\d+\.\d+:\d+)`)

func (s *scope) readErrors(r io.Reader, listening chan<- string) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		s.stderr.WriteString(lines.Text() + "\n")
		select {
		case s.told <- lines.Text():
		default:
		}
		if m := listeningOn.FindStringSubmatch(lines.Text()); m != nil {
			select {
			case listening <- m[1]:
			default:
			}
		}
	}
}

// recording decodes the whole lines that there are so far.
func (s *scope) recording(t *testing.T) recording {
	t.Helper()
	s.mu.Lock()
	whole := s.stdout[:bytes.LastIndexByte(s.stdout, '\n')+1]
	s.mu.Unlock()
	if len(whole) == 0 {
		return recording{}
	}
	return decode(t, whole)
}

// until waits for a number of events of a kind.
func (s *scope) until(t *testing.T, what string, count int, f func(*event) bool) {
	t.Helper()
	late := time.After(patience)
	for len(s.recording(t).find(f)) < count {
		select {
		case <-s.grown:
		case <-s.done:
			if len(s.recording(t).find(f)) < count {
				t.Fatalf("xmppscope ended before %s", what)
			}
			return
		case <-late:
			t.Fatalf("no %s", what)
		}
	}
}

// clientGone is true for the event that the client's connection is closed.
func clientGone(e *event) bool { return e.Kind == "tcp:closed" && e.Leg == "client" }

// stop presses Ctrl-C and returns what was recorded.
func (s *scope) stop(t *testing.T) recording {
	t.Helper()
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.done:
	case <-time.After(patience):
		t.Fatal("xmppscope does not end on Ctrl-C")
	}
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("xmppscope ended with %v", err)
	}
	return s.recording(t)
}

// line is an event on one line, for the log of a failed test.
func line(e *event) string {
	rung := ""
	if e.Step != nil {
		rung = fmt.Sprintf("%d %s", e.Step.N, e.Step.ID)
	}
	text := fmt.Sprintf("%d/%d %-18s %-6s %-3s %-20s %s", e.Session, e.Seq, e.Kind, e.Leg, e.Dir, rung, e.Summary)
	for _, n := range e.Notes {
		if n.Severity != "info" {
			text += fmt.Sprintf("\n        %s %s: %s", n.Severity, n.Rule, n.Text)
		}
	}
	if d := e.Detail; d.Class != "" {
		text += fmt.Sprintf("\n        %s, %s's doing: %s", d.Class, d.Guilty, d.Reason)
	}
	return strings.TrimRight(text, " ")
}
