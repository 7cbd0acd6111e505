package xmpptest

import (
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Profanity runs a C client (libstrophe, OpenSSL) that takes SCRAM without channel
// binding, sends SNI and waits for bob's answer. It wants a terminal and gets one
// of a tmux server of its own.
func Profanity(t testing.TB, l Login) Ran {
	t.Helper()
	Need(t, "profanity", "tmux")
	l = l.complete(t)
	home := peerDir(t)
	host, port, err := net.SplitHostPort(l.Addr)
	if err != nil {
		t.Fatal(err)
	}
	policy := "force"
	if l.Direct {
		policy = "legacy" // its word for TLS from the first byte
	}
	peerTemplate(t, "profanity-accounts", filepath.Join(home, "data", "profanity", "accounts"),
		map[string]string{"JID": l.JID, "Password": l.Password, "Host": host, "Port": port, "Policy": policy})

	s := startScreen(t, l.environment(home), home, "profanity", "-f", filepath.Join(home, "profanity.log"), "-a", "alice")
	screen := s.until(t, `logged in successfully|Login failed|/tls allow`)
	switch {
	case strings.Contains(screen, "/tls allow"): // it does not know the issuer, and asks
		s.line("/tls deny")
		screen = s.until(t, `Login failed|TLS handshake failed|onnection failed|isconnected|Failed to establish`)
	case strings.Contains(screen, "logged in successfully"):
		s.line("/msg " + BobJID + " " + l.Says)
		screen = s.until(t, regexp.QuoteMeta("echo: "+l.Says))
		s.line("/quit")
		s.gone(t)
		return Ran{true, screen}
	}
	s.line("/quit")
	s.gone(t)
	return Ran{false, screen}
}

// screen is a terminal of a private tmux server, with one program in it.
type screen struct{ socket string }

func startScreen(t testing.TB, env []string, dir string, program ...string) *screen {
	t.Helper()
	s := &screen{filepath.Join(peerDir(t), "tmux")}
	args := []string{"-f", "/dev/null", "-S", s.socket, "new-session", "-d", "-x", "160", "-y", "50", "-c", dir}
	for _, e := range env {
		args = append(args, "-e", e)
	}
	cmd := exec.Command("tmux", append(args, program...)...)
	cmd.Env, cmd.Dir = env, dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("xmpptest: tmux: %v: %s", err, out)
	}
	t.Cleanup(s.kill)
	return s
}

func (s *screen) tmux(args ...string) (string, error) {
	out, err := exec.Command("tmux", append([]string{"-S", s.socket}, args...)...).Output()
	return string(out), err
}

// line types a line.
func (s *screen) line(text string) {
	s.tmux("send-keys", "-l", "--", text)
	s.tmux("send-keys", "Enter")
}

// until waits until the screen shows what the expression matches.
func (s *screen) until(t testing.TB, expression string) string {
	t.Helper()
	want := regexp.MustCompile(expression)
	last := ""
	if s.poll(func() bool {
		now, err := s.tmux("capture-pane", "-p", "-J")
		if err == nil {
			last = now
		}
		return err != nil || want.MatchString(now)
	}) && want.MatchString(last) {
		return last
	}
	t.Fatalf("xmpptest: the screen does not show %s:\n%s", expression, strings.TrimSpace(last))
	return ""
}

// gone waits until the program has ended, and tmux with it.
func (s *screen) gone(t testing.TB) {
	t.Helper()
	if !s.poll(func() bool { _, err := s.tmux("has-session"); return err != nil }) {
		t.Fatal("xmpptest: the program in the terminal does not end")
	}
}

func (s *screen) poll(done func() bool) bool {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for !done() {
		select {
		case <-tick.C:
		case <-late:
			return false
		}
	}
	return true
}

// kill ends the program, which may outlive its terminal, and the tmux server.
func (s *screen) kill() {
	pids, err := s.tmux("list-panes", "-a", "-F", "#{pane_pid}")
	if err != nil {
		return // gone already
	}
	for _, pid := range strings.Fields(pids) {
		exec.Command("kill", pid).Run()
	}
	s.tmux("kill-server")
}

// Screen is a terminal with a program in it, for the length of the test.
type Screen struct{ *screen }

// StartScreen starts a program in a terminal.
func StartScreen(t testing.TB, env []string, dir string, program ...string) Screen {
	t.Helper()
	Need(t, "tmux")
	return Screen{startScreen(t, env, dir, program...)}
}

// Line types a line.
func (s Screen) Line(text string) { s.line(text) }

// Key presses a key, as tmux names it: "C-c".
func (s Screen) Key(name string) { s.tmux("send-keys", name) }

// Until waits until the screen shows what the expression matches, and returns the screen.
func (s Screen) Until(t testing.TB, expression string) string {
	t.Helper()
	return s.until(t, expression)
}

// Gone waits until the program has ended.
func (s Screen) Gone(t testing.TB) {
	t.Helper()
	s.gone(t)
}
