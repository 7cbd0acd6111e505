package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is xmppscope on a terminal: what it draws is collected as it comes.
type terminal struct {
	*testing.T
	cmd  *exec.Cmd
	pty  *os.File
	addr string
	done chan struct{} // closed when nothing more comes

	mu    sync.Mutex
	cond  *sync.Cond
	drawn bytes.Buffer // guarded by mu, as are the next two
	said  bytes.Buffer // on standard error
	over  bool
}

// onTerminal starts xmppscope on a terminal of its own and waits until it listens.
func onTerminal(t *testing.T, args ...string) *terminal {
	t.Helper()
	x := startOnTerminal(t, args...)
	_, listening, _ := strings.Cut(x.until(&x.said, "listening on 127.0.0.1:"), "listening on ")
	x.addr, _, _ = strings.Cut(listening, "\n")
	return x
}

// startOnTerminal starts xmppscope on a terminal of its own.
func startOnTerminal(t *testing.T, args ...string) *terminal {
	t.Helper()
	x := &terminal{T: t, done: make(chan struct{})}
	x.cond = sync.NewCond(&x.mu)
	var err error
	if x.pty, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(x.pty.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(x.pty.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(int(x.pty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	}
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	x.cmd = scope(t, t.TempDir(), args...)
	x.cmd.Env = append(x.cmd.Env, "TERM=xterm-256color", "XDG_STATE_HOME="+os.Getenv("XDG_STATE_HOME"))
	x.cmd.Stdin, x.cmd.Stdout = tty, tty
	x.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	problems, err := x.cmd.StderrPipe()
	if err == nil {
		err = x.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	for from, to := range map[io.Reader]*bytes.Buffer{x.pty: &x.drawn, problems: &x.said} {
		readers.Go(func() { x.collect(from, to) })
	}
	go func() {
		readers.Wait()
		x.mu.Lock()
		x.over = true
		x.cond.Broadcast()
		x.mu.Unlock()
		close(x.done)
	}()
	t.Cleanup(func() {
		x.cmd.Process.Kill()
		x.cmd.Wait()
		x.pty.Close()
		<-x.done
	})
	return x
}

func (x *terminal) collect(from io.Reader, to *bytes.Buffer) {
	piece := make([]byte, 4096)
	for {
		n, err := from.Read(piece)
		x.mu.Lock()
		to.Write(piece[:n])
		x.cond.Broadcast()
		x.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// escapes are what a terminal obeys.
var escapes = regexp.MustCompile(`\x1b(\[[0-9;?<>=]*[ -/]*[@-~]|\][^\a]*(\a|\x1b\\)|[()][0-9A-B]|[=>78M])`)

// until waits for text in what was drawn or said, and returns all of that.
func (x *terminal) until(in *bytes.Buffer, want string) string {
	x.Helper()
	timer := time.AfterFunc(20*time.Second, func() {
		x.mu.Lock()
		x.over = true
		x.cond.Broadcast()
		x.mu.Unlock()
	})
	defer timer.Stop()
	x.mu.Lock()
	defer x.mu.Unlock()
	for {
		text := escapes.ReplaceAllString(in.String(), "")
		if strings.Contains(blankless(text), blankless(want)) {
			return text
		}
		if x.over {
			x.Fatalf("%q never came; the last is %q", want, text[max(0, len(text)-1500):])
		}
		x.cond.Wait()
	}
}

// blankless is text without blanks: what is blank already is not drawn again.
func blankless(s string) string { return strings.ReplaceAll(s, " ", "") }

func (x *terminal) shows(want string) { x.Helper(); x.until(&x.drawn, want) }
func (x *terminal) says(want string)  { x.Helper(); x.until(&x.said, want) }

func (x *terminal) press(keys string) {
	x.Helper()
	if _, err := io.WriteString(x.pty, keys); err != nil {
		x.Fatal(err)
	}
}

// ends waits for the end and returns the exit code.
func (x *terminal) ends() int {
	x.Helper()
	<-x.done // what is left to read goes with Wait
	x.cmd.Wait()
	return x.cmd.ProcessState.ExitCode()
}

// client says something to xmppscope.
func (x *terminal) client() {
	x.Helper()
	c, err := net.Dial("tcp", x.addr)
	if err != nil {
		x.Fatal(err)
	}
	x.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, "<?xml version='1.0'?><stream:stream to='a.example' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"); err != nil {
		x.Fatal(err)
	}
}

// quiet is an address where nobody says anything.
func quiet(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

// TestNothingIsLost drives the inspector on a terminal: whatever ends it, what was saved
// nowhere is asked about, or else kept.
func TestNothingIsLost(t *testing.T) {
	start := func(t *testing.T, more ...string) *terminal {
		dir := state(t)
		ca := filepath.Join(filepath.Dir(dir), "ca")
		x := onTerminal(t, append(more, "--listen", "127.0.0.1:0", "--upstream", quiet(t), "--ca-dir", ca)...)
		x.shows("Set up a client")
		x.client()
		x.shows("opens the stream")
		return x
	}
	kept := func() int { return len(openRecovery(false).files()) }

	t.Run("q asks", func(t *testing.T) {
		x := start(t, "proxy")
		x.press("q")
		x.shows("Quit? 1 session is saved nowhere")
		x.press("\x1b") // alone, it takes tcell a moment
		x.press("\x03")
		x.press("\x03") // Ctrl-C twice wants out
		if x.ends(); kept() != 1 {
			t.Errorf("%d sessions were kept", kept())
		}
		x.says("saved nowhere: kept for a week in ")
	})
	for name, signal := range map[string]os.Signal{"SIGHUP": syscall.SIGHUP, "SIGTERM": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			x := start(t, "proxy")
			x.cmd.Process.Signal(signal)
			if code := x.ends(); code != 0 || kept() != 1 {
				t.Errorf("exit code %d, %d sessions were kept", code, kept())
			}
		})
	}
	t.Run("a terminal that is closed", func(t *testing.T) {
		x := start(t, "proxy")
		x.pty.Close()
		if x.ends(); kept() != 1 {
			t.Errorf("%d sessions were kept", kept())
		}
	})
	t.Run("pasted", func(t *testing.T) {
		x := start(t, "proxy")
		x.press("\x1b[200~qqq\x1b[201~t")
		x.shows("+time")
		x.press("qqq") // a paste of which the terminal says nothing
		x.shows("Quit? 1 session is saved nowhere")
		x.cmd.Process.Signal(syscall.SIGTERM)
		if x.ends(); kept() != 1 {
			t.Errorf("%d sessions were kept", kept())
		}
	})
	t.Run("saved", func(t *testing.T) {
		x := start(t, "proxy", "--save", filepath.Join(t.TempDir(), "x.pcapng"))
		x.shows("saving x.pcapng")
		x.cmd.Process.Signal(syscall.SIGHUP)
		if x.ends(); kept() != 0 {
			t.Errorf("%d sessions were kept", kept())
		}
	})
	t.Run("not wanted", func(t *testing.T) {
		x := start(t, "proxy", "--no-recovery")
		x.cmd.Process.Signal(syscall.SIGTERM)
		if x.ends(); kept() != 0 {
			t.Errorf("%d sessions were kept", kept())
		}
	})
}

// TestAPipeIsKept: what came from a pipe is nowhere else, and is kept as what a proxy has seen.
func TestAPipeIsKept(t *testing.T) {
	for want, args := range map[int][]string{1: {"open"}, 0: {"open", "--no-recovery"}} {
		state(t)
		pipe := filepath.Join(t.TempDir(), "pipe")
		if err := unix.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
		x := startOnTerminal(t, append(args, pipe)...)
		in, err := os.OpenFile(pipe, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{
			`{"format":"xmppscope","version":1}`,
			`{"session":1,"seq":1,"at":"2026-01-01T00:00:00Z","leg":"client","dir":"c2s","kind":"stream:element","name":"iq","raw":"<iq/>","size":5,"summary":"asks for it"}`,
		} {
			if _, err := io.WriteString(in, line+"\n"); err != nil {
				t.Fatal(err)
			}
		}
		in.Close()
		x.shows("1 event")
		x.cmd.Process.Signal(syscall.SIGTERM)
		if code := x.ends(); code != 0 || len(openRecovery(false).files()) != want {
			t.Errorf("%q: exit code %d, kept are %v", args, code, openRecovery(false).files())
		}
	}
}

// TestTheTerminalIsLent: what is typed while a command of the person's own has the terminal is
// for that command, Ctrl-C too, and the inspector is there again when it has ended.
func TestTheTerminalIsLent(t *testing.T) {
	dir := state(t)
	config := filepath.Join(t.TempDir(), "config.toml")
	// It waits in the shell itself: a shell that is just starting a program loses a Ctrl-C.
	text := "[[command]]\nname = \"reader\"\nkey = \"X\"\nrun = 'echo \"it has $SEQ\"; read typed; echo \"it read $typed\"; read more'\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	x := onTerminal(t, "proxy", "--listen", "127.0.0.1:0", "--upstream", quiet(t), "--ca-dir", filepath.Join(filepath.Dir(dir), "ca"), "--no-recovery", "--config", config)
	x.shows("Set up a client")
	x.client()
	x.shows("opens the stream")
	x.press("1\rX")
	x.shows("it has 1")
	x.press("qq\r")
	x.shows("it read qq")
	x.press("\x03")
	x.shows("reader: signal: interrupt")
	x.press("t")
	x.shows("+time") // it goes on
	x.cmd.Process.Signal(syscall.SIGTERM)
	if code := x.ends(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
