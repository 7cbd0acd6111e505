package xmpptest

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Wrapped starts programs in a certain way: under xmppscope run, say. It takes a command line
// and returns the one to start; the program finds its files in home, which is its owner's.
type Wrapped struct {
	Wrap func(args []string) []string
	Home string
	UID  int      // who owns home
	Env  []string // added to the environment
}

// AccountClient is a real client that is told its account, and nothing of servers.
type AccountClient struct {
	Name string
	// Run logs alice in and writes to bob; it returns when the client is gone.
	Run func(t testing.TB, w Wrapped, says string) Ran
}

// AccountClients are the real clients there are. Each skips or fails the test if it
// is not installed.
func AccountClients() []AccountClient {
	return []AccountClient{{"slixmpp", slixmppAccount}, {"profanity", profanityAccount}, {"go-sendxmpp", goSendxmppAccount}, {"xmpp.js", xmppJSAccount}}
}

// SystemCAs is the bundle of the CAs that programs trust on Debian.
const SystemCAs = "/etc/ssl/certs/ca-certificates.crt"

func slixmppAccount(t testing.TB, w Wrapped, says string) Ran {
	return SlixmppAccount(t, w, SystemCAs, says)
}

// SlixmppAccount is slixmpp that trusts the CAs of a file.
func SlixmppAccount(t testing.TB, w Wrapped, cas, says string) Ran {
	t.Helper()
	Need(t, "slixmpp", "aiodns")
	return w.run(t, "", python, w.script(t, "slixmpp_account.py"), AliceJID, AlicePassword, cas, BobJID, says)
}

func goSendxmppAccount(t testing.TB, w Wrapped, says string) Ran {
	t.Helper()
	Need(t, "go-sendxmpp")
	return w.run(t, says, "go-sendxmpp", "-u", AliceJID, "-p", AlicePassword, BobJID)
}

// xmppJSAccount is a JavaScript client, on Node.
func xmppJSAccount(t testing.TB, w Wrapped, says string) Ran {
	t.Helper()
	Need(t, "node", "xmpp.js")
	script := w.script(t, "xmppjs_account.mjs")
	if out, err := exec.Command("cp", "-r", filepath.Join(os.Getenv("XMPPSCOPE_NPM"), "node_modules"), w.Home).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return w.run(t, "", "node", script, PeerDomain, "alice", AlicePassword, BobJID, says)
}

func profanityAccount(t testing.TB, w Wrapped, says string) Ran {
	t.Helper()
	Need(t, "profanity", "tmux")
	peerTemplate(t, "profanity-accounts", filepath.Join(w.Home, "data", "profanity", "accounts"),
		map[string]string{"JID": AliceJID, "Password": AlicePassword, "Policy": "force"})
	w.own(t)
	s := startScreen(t, w.environment(), w.Home, w.Wrap([]string{"profanity", "-f", filepath.Join(w.Home, "profanity.log"), "-a", "alice"})...)
	screen := s.until(t, `logged in successfully|Login failed|/tls allow|hint:`)
	if !strings.Contains(screen, "logged in successfully") {
		s.line("/quit")
		s.gone(t)
		return Ran{false, screen}
	}
	s.line("/msg " + BobJID + " " + says)
	screen = s.until(t, regexp.QuoteMeta("echo: "+says))
	s.line("/quit")
	s.gone(t)
	return Ran{true, screen}
}

// environment is the client's: its own home, and nothing said of certificates.
func (w Wrapped) environment() []string {
	return append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.Home, "LANG=C.UTF-8", "TERM=xterm-256color", "TMPDIR=" + w.Home,
		"XDG_CONFIG_HOME=" + filepath.Join(w.Home, "config"), "XDG_DATA_HOME=" + filepath.Join(w.Home, "data"), "XDG_RUNTIME_DIR=" + w.Home,
	}, w.Env...)
}

// own gives the home and what is in it to its owner.
func (w Wrapped) own(t testing.TB) {
	t.Helper()
	if out, err := exec.Command("chown", "-R", strconv.Itoa(w.UID), w.Home).CombinedOutput(); err != nil {
		t.Fatalf("xmpptest: chown: %v: %s", err, out)
	}
}

// script writes one of testdata/peers into the home, and returns its path.
func (w Wrapped) script(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(w.Home, name)
	writePeerFile(t, name, path)
	return path
}

func (w Wrapped) run(t testing.TB, input string, args ...string) Ran {
	t.Helper()
	cmd := w.command(t, args)
	cmd.Stdin = strings.NewReader(input)
	return finish(t, cmd)
}

func (w Wrapped) command(t testing.TB, args []string) *exec.Cmd {
	t.Helper()
	w.own(t)
	args = w.Wrap(args)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = w.Home, w.environment()
	return cmd
}

// Desktop is a client with windows that has alice's account and no other setting, on a screen
// that nobody sees. It is not started yet, and goes on until it is ended.
func (w Wrapped) Desktop(t testing.TB, name string) *exec.Cmd {
	t.Helper()
	Need(t, "xvfb", "dbus-run", name)
	script := w.script(t, name+"_account.py")
	w.Env = append(w.Env, "DISPLAY="+startDisplay(t), "GDK_BACKEND=x11", "GSK_RENDERER=cairo", "NO_AT_BRIDGE=1")
	return w.command(t, []string{python, script, AliceJID, AlicePassword})
}

// startDisplay starts a screen that nobody sees, and returns its name.
func startDisplay(t testing.TB) string {
	t.Helper()
	r, number, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", "1000x700x24", "-nolisten", "tcp", "-ac")
	cmd.Dir, cmd.ExtraFiles = peerDir(t), []*os.File{number}
	err = cmd.Start()
	number.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})
	name, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("xmpptest: Xvfb says %q: %v", name, err)
	}
	return ":" + strings.TrimSpace(name)
}
