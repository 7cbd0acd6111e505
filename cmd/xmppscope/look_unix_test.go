//go:build linux || darwin

package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"xmppscope/internal/attach"
	"xmppscope/session"
)

// looked is a proxy that others look at, and a login through it that has failed.
type looked struct {
	*testing.T
	home   string
	pid    int
	stop   func()
	client net.Conn
}

// secret is the client's password.
const lookedSecret = "open-sesame-1234"

func startLooked(t *testing.T, args ...string) (l *looked, said *bufio.Scanner) {
	t.Helper()
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	l = &looked{T: t, home: t.TempDir()}
	cmd, said := l.start(append(args, "--json", "--listen", "127.0.0.1:0", "--upstream", server.Addr().String(), "--ca-dir", filepath.Join(l.home, "ca"))...)
	l.pid = cmd.Process.Pid
	l.stop = func() {
		cmd.Process.Signal(syscall.SIGTERM)
		for said.Scan() {
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the proxy: %v", err)
		}
	}
	addr := awaitLine(t, said, regexp.MustCompile(`^listening on (\S+)`))
	if l.client, err = net.Dial("tcp", addr); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.client.Close() })
	io.WriteString(l.client, header)
	upstream, err := server.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { upstream.Close() })
	io.WriteString(upstream, answer)
	awaitBytes(t, l.client, "features")
	fmt.Fprintf(l.client, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%s</auth>", base64.StdEncoding.EncodeToString([]byte("\x00alice\x00"+lookedSecret)))
	awaitBytes(t, upstream, "</auth>")
	io.WriteString(upstream, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>")
	awaitBytes(t, l.client, "not-authorized")
	return l, said
}

// start runs xmppscope at the same home, and gives the lines that it says.
func (l *looked) start(args ...string) (*exec.Cmd, *bufio.Scanner) {
	l.Helper()
	cmd := scope(l.T, l.home, args...)
	stderr, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd, bufio.NewScanner(stderr)
}

// output runs xmppscope to its end.
func (l *looked) output(args ...string) (string, error) {
	out, err := scope(l.T, l.home, args...).CombinedOutput()
	return string(out), err
}

func awaitLine(t *testing.T, lines *bufio.Scanner, want *regexp.Regexp) string {
	t.Helper()
	for lines.Scan() {
		if m := want.FindStringSubmatch(lines.Text()); m != nil {
			return m[1]
		}
	}
	t.Fatalf("no line is like %s: %v", want, lines.Err())
	return ""
}

func awaitBytes(t *testing.T, from io.Reader, want string) {
	t.Helper()
	var got bytes.Buffer
	for p := make([]byte, 1024); !strings.Contains(got.String(), want); {
		n, err := from.Read(p)
		got.Write(p[:n])
		if err != nil {
			t.Fatalf("%q is not in %q: %v", want, &got, err)
		}
	}
}

// ask asks an api, until it says what is wanted; what was seen is explained a little later.
func ask(t *testing.T, url, token, want string) {
	t.Helper()
	var body []byte
	for until := time.Now().Add(30 * time.Second); time.Now().Before(until); <-time.After(20 * time.Millisecond) {
		req, err := http.NewRequest("GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err = io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(body), want) {
			return
		}
	}
	t.Errorf("%s: %q is not in %s", url, want, body)
}

var (
	apiLine   = regexp.MustCompile(`^programs may look at (http://\S+)`)
	tokenLine = regexp.MustCompile(`told nowhere else: (\S+)$`)
)

// TestLook: programs, the inspector's side of attach, reports and assistants see what a
// proxy sees, while it runs, and end with it.
func TestLook(t *testing.T) {
	l, said := startLooked(t, "proxy", "--api", "127.0.0.1:0")
	url := awaitLine(t, said, apiLine)
	token := awaitLine(t, said, tokenLine)
	ask(t, url+"/api/v1/sessions/0/story", token, "not-authorized")
	ask(t, url+"/api/v1/events?filter=name+%3D%3D+%22auth%22", token, "[password #1")
	ask(t, url+"/api/v1/status", "wrong", "the token is missing or wrong")

	list, err := l.output("attach", "--list")
	if err != nil || !strings.HasPrefix(list, fmt.Sprint(l.pid, "  since ")) || strings.Count(list, "\n") != 1 {
		t.Fatalf("%q, %v", list, err)
	}
	socket := regexp.MustCompile(`/\S+\.sock`).FindString(list)

	// Without a terminal attach has the api alone. This one may tell secrets.
	attached, said2 := l.start("attach", "--api", "127.0.0.1:0", "--reveal", "--filter", "stanza")
	url2, token2 := awaitLine(t, said2, apiLine), ""
	token2 = awaitLine(t, said2, tokenLine)
	ask(t, url2+"/api/v1/events", token2, base64.StdEncoding.EncodeToString([]byte("\x00alice\x00"+lookedSecret)))
	if out, err := l.output("attach"); err == nil || !strings.Contains(out, "the inspector needs a terminal") {
		t.Errorf("%s, %v", out, err)
	}
	if out, err := l.output("attach", "1"); err == nil || !strings.Contains(out, `there is no run "1"`) {
		t.Errorf("%s, %v", out, err)
	}

	report, said3 := l.start("report", "--watch", "-o", "now.html", "--every", "1s")
	awaitLine(t, said3, regexp.MustCompile(`^(open file://)`))
	now := filepath.Join(l.home, "now.html")
	awaitFile(t, now, `http-equiv="refresh" content="1"`, "not-authorized")
	if info, err := os.Stat(now); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	for want, args := range map[string][]string{
		"exists and is not empty": {"report", "--watch", "-o", "now.html"}, // see --overwrite and --output below
		"with --watch":            {"report", "-o", "other.html"},
		"want the name of an":     {"report", "--watch", "-o", "other.txt"},
		"want a second at least":  {"report", "--watch", "-o", "other.html", "--every", "1ms"},
	} {
		if out, err := l.output(args...); err == nil || !strings.Contains(out, want) {
			t.Errorf("%q: %s", args, out)
		}
	}

	printing := scope(t, l.home, "print", "--json", socket)
	var printed bytes.Buffer
	printing.Stdout = &printed
	if err := printing.Start(); err != nil {
		t.Fatal(err)
	}

	if got := assisted(t, scope(t, l.home, "mcp", "--running"), "why_login_failed"); !strings.Contains(got, "PLAIN (not-authorized)") || !strings.Contains(got, "is data from the network") {
		t.Errorf("%s", got)
	}

	l.client.Close()
	l.stop()
	for _, cmd := range []*exec.Cmd{report, printing} { // they end with the run
		if err := cmd.Wait(); err != nil {
			t.Errorf("%q: %v", cmd.Args, err)
		}
	}
	if !strings.Contains(printed.String(), `"failure"`) || strings.Contains(printed.String(), lookedSecret) {
		t.Errorf("%s", &printed)
	}
	whole, err := os.ReadFile(now)
	if err != nil || bytes.Contains(whole, []byte("http-equiv=\"refresh\"")) || !bytes.Contains(whole, []byte("not-authorized")) || bytes.Contains(whole, []byte(lookedSecret)) {
		t.Errorf("the report at its end: %v, %d bytes", err, len(whole))
	}
	ask(t, url2+"/api/v1/status", token2, `"ended":true`) // it stays, to be looked at
	attached.Process.Signal(syscall.SIGTERM)
	if err := attached.Wait(); err != nil {
		t.Error(err)
	}
	list, err = l.output("attach", "--list")
	if err != nil || !strings.HasPrefix(list, "no xmppscope of yours is running") {
		t.Errorf("%s, %v", list, err)
	}
}

// TestLookNot: --no-attach makes no socket; and reports take what is asked for.
func TestLookNot(t *testing.T) {
	l, said := startLooked(t, "proxy", "--no-attach")
	if list, err := l.output("attach", "--list"); err != nil || !strings.HasPrefix(list, "no xmppscope of yours is running") {
		t.Errorf("%s, %v", list, err)
	}
	go func() {
		for said.Scan() {
		}
	}()
	l.client.Close()
	l, _ = startLooked(t, "proxy")
	if err := os.WriteFile(filepath.Join(l.home, "now.html"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		base64.StdEncoding.EncodeToString([]byte("\x00alice\x00" + lookedSecret)): {"report", "--reveal"},
		"names and texts replaced": {"report", "--pseudonymise"},
	} {
		cmd, _ := l.start(append(args, "--watch", fmt.Sprint(l.pid), "--output", "now.html", "--overwrite")...)
		awaitFile(t, filepath.Join(l.home, "now.html"), want)
		cmd.Process.Signal(syscall.SIGINT)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", args, err)
		}
	}
	if whole, err := os.ReadFile(filepath.Join(l.home, "now.html")); err != nil || !bytes.Contains(whole, []byte("</html>")) {
		t.Error(err)
	}
}

// TestNamesakes: where two runs have one process number, as in two containers, the number
// names neither.
func TestNamesakes(t *testing.T) {
	dir, err := os.MkdirTemp("", "a") // short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	t.Setenv("XDG_RUNTIME_DIR", dir)
	t.Setenv("XDG_CACHE_HOME", dir)
	log := session.NewLog()
	defer log.Close()
	var paths []string
	for range 2 {
		s, err := attach.Listen(log, tool, "a run", func() {})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		paths = append(paths, s.Path())
	}
	defer log.End()
	if _, err := findRun([]string{fmt.Sprint(os.Getpid())}); err == nil || !strings.Contains(err.Error(), "name one by its path") {
		t.Error(err)
	}
	if _, err := findRun(nil); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("2 of yours are running: name one of %d (a run), %[1]d (a run)", os.Getpid())) {
		t.Error(err)
	}
	if run, err := findRun(paths[1:]); err != nil || run.Path != paths[1] {
		t.Error(run, err)
	}
}

func awaitFile(t *testing.T, path string, want ...string) {
	t.Helper()
	var file []byte
	for until := time.Now().Add(30 * time.Second); time.Now().Before(until); <-time.After(20 * time.Millisecond) {
		file, _ = os.ReadFile(path)
		missing := false
		for _, w := range want {
			missing = missing || !bytes.Contains(file, []byte(w))
		}
		if !missing {
			return
		}
	}
	t.Fatalf("%q is not in %s, which has %d bytes", want, path, len(file))
}

// assisted asks a tool of xmppscope mcp, and gives the line of its answer.
func assisted(t *testing.T, cmd *exec.Cmd, tool string) string {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	io.WriteString(stdin, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}
{"jsonrpc":"2.0","method":"notifications/initialized"}
{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"`+tool+`","arguments":{}}}
`)
	stdin.Close() // what was asked is answered all the same
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<22)
	answer := ""
	for lines.Scan() {
		if strings.Contains(lines.Text(), `"id":2`) {
			answer = lines.Text()
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%q: %v", cmd.Args, err)
	}
	return answer
}

// TestAssistantOnCaptures: an assistant sees the captures that were named, and what is known
// of them; it ends when the assistant does.
func TestAssistantOnCaptures(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{{"demo", "--plain", "--scenario", "badpw", "--save", "badpw.pcapng"}, {"ca", "--ca-dir", "ca"}} {
		if out, err := scope(t, dir, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s, %v", out, err)
		}
	}
	for name, text := range map[string]string{"keys": "", "password": "wonderland\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root, err := filepath.Glob(filepath.Join(dir, "ca", "*.pem"))
	if err != nil || len(root) == 0 {
		t.Fatal(err)
	}
	got := assisted(t, scope(t, dir, "mcp", "--keylog", "keys", "--password-file", "alice@xmpp.example=password", "--upstream-ca", root[0], "badpw.pcapng"), "why_login_failed")
	if !strings.Contains(got, "the client") || !strings.Contains(got, "wrong password") && !strings.Contains(got, "another password") {
		t.Errorf("with the password known: %s", got)
	}
	if got := assisted(t, scope(t, dir, "mcp", "badpw.pcapng"), "status"); !strings.Contains(got, `badpw.pcapng`) || !strings.Contains(got, `\"ended\":true`) {
		t.Errorf("%s", got)
	}
	// Captures that are open may be looked at, too.
	cmd := scope(t, dir, "open", "--api", "127.0.0.1:0", "badpw.pcapng")
	stderr, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(stderr)
	url := awaitLine(t, said, apiLine)
	ask(t, url+"/api/v1/sessions?state=failed", awaitLine(t, said, tokenLine), `"total":1`)
	cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	// One that cannot even be opened, because nobody writes to it, keeps nobody.
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd = scope(t, dir, "open", "--api", "127.0.0.1:0", "fifo")
	if stderr, err = cmd.StderrPipe(); err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	awaitLine(t, bufio.NewScanner(stderr), apiLine)
	cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	for want, args := range map[string][]string{
		"others can reach this address":     {"open", "--api", "0.0.0.0:0", "badpw.pcapng"},
		"want 127.0.0.1:PORT":               {"demo", "--api", "8000"},
		"no file is named":                  {"mcp"},
		"standard input is the assistant's": {"mcp", "-"},
	} {
		if out, err := scope(t, dir, args...).CombinedOutput(); err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%q: %s", args, out)
		}
	}
}
