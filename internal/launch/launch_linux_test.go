package launch

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"xmppscope/internal/xmpptest"
)

// The program that is started is this test itself, told by its first argument what to do.
func TestMain(m *testing.M) {
	Init()
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "play:") {
		os.Exit(play(strings.TrimPrefix(os.Args[1], "play:"), os.Args[2:]))
	}
	goleak.VerifyTestMain(m)
}

// play is what the program does.
func play(what string, args []string) int {
	switch what {
	case "connect": // says what the other side says, or why there is none
		for _, to := range args {
			c, err := net.Dial("tcp", to)
			if errors.Is(err, syscall.ECONNRESET) { // it came before the system had told of the connection
				fmt.Println("", true)
				continue
			}
			if err != nil {
				fmt.Println("not connected:", errors.Is(err, syscall.ECONNREFUSED))
				continue
			}
			text, err := io.ReadAll(c)
			fmt.Println(string(text), errors.Is(err, syscall.ECONNRESET))
			c.Close()
		}
	case "ask": // sends a packet and waits for the answer, which has to come from there
		c, err := net.Dial("udp", args[0])
		if err != nil {
			fmt.Println(err)
			return 1
		}
		fmt.Fprint(c, "who are you")
		var room [100]byte
		n, err := c.Read(room[:])
		fmt.Println(string(room[:n]), err)
	case "caps":
		text, _ := os.ReadFile("/proc/self/status")
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "Cap") || strings.HasPrefix(line, "Uid") {
				fmt.Print(line)
			}
		}
	case "read":
		text, err := os.ReadFile(args[0])
		fmt.Print(string(text), err)
	case "exit":
		return 7
	case "signal":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "wait":
		fmt.Println("waiting")
		select {}
	}
	return 0
}

// started starts the test as a program that plays.
func started(t *testing.T, o Options, what ...string) (p *Program, out *bufio.Reader) {
	t.Helper()
	xmpptest.Need(t, "namespaces")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o.Path, o.Args, o.Env, o.Streams = self, append([]string{self}, what...), os.Environ(), [3]*os.File{nil, w, os.Stderr}
	if p, err = Start(o); err == nil {
		err = p.Run()
	}
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Signal(os.Kill)
		p.Wait()
		p.Close()
		r.Close()
	})
	return p, bufio.NewReader(r)
}

// TestAsUser runs the tests once more as a user who is not root, if we are.
func TestAsUser(t *testing.T) {
	if os.Geteuid() != 0 {
		return // they have run so already
	}
	xmpptest.Need(t, "namespaces")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "launch-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chown(dir, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, "test")
	if err := os.WriteFile(copied, text, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(copied, "-test.v")
	cmd.Dir, cmd.Env = dir, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(out), "--- PASS") < 5 {
		t.Errorf("as a user: %v\n%s", err, out)
	}
}

// TestExitCodes: they are those of a shell.
func TestExitCodes(t *testing.T) {
	for what, want := range map[string]int{"play:exit": 7, "play:signal": 137} {
		p, _ := started(t, Options{}, what)
		if got := p.Wait(); got != want {
			t.Errorf("%s: exit code %d, want %d", what, got, want)
		}
		if left := p.Left(); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	}
	noProgram := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(noProgram, []byte("no program"), 0o755); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for path, want := range map[string]int{"no-such-program": 127, "/no/such/program": 127, folder: 126, noProgram: 126} {
		p, err := Start(Options{Path: path, Args: []string{path}, Env: os.Environ()})
		if err == nil {
			err = p.Run()
			p.Close()
		}
		if got := ExitCode(err); got != want {
			t.Errorf("%s: exit code %d, want %d (%v)", path, got, want, err)
		}
	}
}

// TestSignal: what we are sent can be passed on.
func TestSignal(t *testing.T) {
	p, out := started(t, Options{}, "play:wait")
	if line, err := out.ReadString('\n'); line != "waiting\n" {
		t.Fatalf("%q, %v", line, err)
	}
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := p.Wait(); got != 143 {
		t.Errorf("exit code %d, want 143", got)
	}
}

// TestConnections: wherever the program connects to, it reaches us, and we know where it was
// going; where we say that nothing answers it is refused.
func TestConnections(t *testing.T) {
	p, out := started(t, Options{}, "play:connect", "192.0.2.1:4711", "127.0.0.1:22", "192.0.2.1:4711", "192.0.2.1:4712")
	if p.Ports != nil {
		t.Log("there is no nf_tables here: connections come by AnyIP, and to some ports alone")
		return
	}
	answer := func(want string, reset bool) {
		t.Helper()
		c, err := p.Conns.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		at, err := p.Original(c)
		if err != nil || at.String() != want {
			t.Errorf("it was going to %v (%v), not %s", at, err, want)
		}
		if reset {
			if err := p.Unreachable(at); err != nil {
				t.Error(err)
			}
			c.(*net.TCPConn).SetLinger(0)
			return
		}
		fmt.Fprint(c, "hello from ", at)
	}
	says := func(want string) {
		t.Helper()
		if line, err := out.ReadString('\n'); line != want+"\n" {
			t.Errorf("it says %q (%v), not %q", line, err, want)
		}
	}
	answer("192.0.2.1:4711", true)
	says(" true") // a reset
	answer("127.0.0.1:22", false)
	says("hello from 127.0.0.1:22 false")
	says("not connected: true") // refused at once
	answer("192.0.2.1:4712", false)
	says("hello from 192.0.2.1:4712 false")
	if got := p.Wait(); got != 0 {
		t.Errorf("exit code %d", got)
	}
}

// TestAnyIP: the same without nf_tables, on the ports that are listened on.
func TestAnyIP(t *testing.T) {
	p, out := started(t, Options{NoNFT: true}, "play:connect", "192.0.2.1:5222", "192.0.2.1:4711")
	c, err := p.Conns.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if at, err := p.Original(c); err != nil || at.String() != "192.0.2.1:5222" {
		t.Errorf("it was going to %v (%v)", at, err)
	}
	fmt.Fprint(c, "hello")
	c.Close()
	text, _ := io.ReadAll(out)
	if string(text) != "hello false\nnot connected: true\n" || len(p.Ports) == 0 {
		t.Errorf("it says %q; ports %v", text, p.Ports)
	}
}

// TestQueries: a query is answered from the address that it was sent to.
func TestQueries(t *testing.T) {
	for _, to := range []string{"192.0.2.53:53", "127.0.0.53:53"} {
		p, out := started(t, Options{}, "play:ask", to)
		q := p.Queries[0]
		raw, err := q.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		raw.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_IP, syscall.IP_PKTINFO, 1) })
		if err != nil {
			t.Fatal(err)
		}
		var room, oob [100]byte
		n, oobn, _, from, err := q.ReadMsgUDP(room[:], oob[:])
		if err != nil || string(room[:n]) != "who are you" {
			t.Fatalf("%q, %v", room[:n], err)
		}
		if _, _, err := q.WriteMsgUDP([]byte("it is me"), oob[:oobn], from); err != nil {
			t.Fatal(err)
		}
		if line, err := out.ReadString('\n'); line != "it is me <nil>\n" {
			t.Errorf("%s: the program hears %q (%v)", to, line, err)
		}
	}
}

// TestMounts: a file lies over another for the program alone.
func TestMounts(t *testing.T) {
	ours := filepath.Join(t.TempDir(), "ours")
	if err := os.WriteFile(ours, []byte("ours"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, out := started(t, Options{Mounts: []Mount{{From: ours, Over: "/etc/hostname"}}}, "play:read", "/etc/hostname")
	text, err := io.ReadAll(out)
	if err != nil || string(text) != "ours<nil>" {
		t.Errorf("%q, %v", text, err)
	}
	if text, _ := os.ReadFile("/etc/hostname"); string(text) == "ours" {
		t.Error("it lies over it for us too")
	}
}

// TestNoPrivileges: an ordinary user's program has the user's id, and no capabilities.
func TestNoPrivileges(t *testing.T) {
	if os.Geteuid() == 0 {
		return // root's has root's
	}
	_, out := started(t, Options{}, "play:caps")
	text, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if fields[0] == "Uid:" && fields[1] != fmt.Sprint(os.Getuid()) || strings.HasPrefix(line, "Cap") && strings.Trim(fields[1], "0") != "" {
			t.Error(line)
		}
	}
}

// TestRefused: it is said which step failed, and what the setting is called that forbids it.
func TestRefused(t *testing.T) {
	err := refusedClone(&os.PathError{Op: "fork/exec", Path: "/proc/self/exe", Err: syscall.ENOSPC})
	var no *Refused
	if !errors.As(err, &no) || !strings.Contains(no.Error(), "user.max_user_namespaces") || !strings.Contains(no.Hint, "sysctl") {
		t.Errorf("%v", err)
	}
	if no := refusedStep(answer{Step: "making mounts our own", Errno: int(syscall.EPERM)}); !errors.Is(no, syscall.EPERM) || no.(*Refused).Cause == "" {
		t.Errorf("%v", no)
	}
}
