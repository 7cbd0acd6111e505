package peertest

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"xmppscope/internal/demo"
	"xmppscope/internal/xmpptest"
)

// ranClient is what xmppscope run came to with a client.
type ranClient struct {
	code           int
	stdout, stderr string
}

// ranWith is xmppscope with arguments, run to its end.
func ranWith(t *testing.T, args ...string) ranClient {
	t.Helper()
	cmd := command(t, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	nothingLeft(t, cmd.Dir)
	return ranClient{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// TestRunExitCodes: they are the client's, as a shell has them, and ours where there is none.
func TestRunExitCodes(t *testing.T) {
	for _, tt := range []struct {
		client []string
		code   int
		says   string // on standard error
	}{
		{[]string{"true"}, 0, "true runs, and its connections come through here: xmppscope attach"},
		{[]string{"sh", "-c", "exit 7"}, 7, ""},
		{[]string{"sh", "-c", "kill -TERM $$"}, 143, ""},
		{[]string{"sh", "-c", "kill -SEGV $$"}, 139, ""},
		{[]string{"no-such-client"}, 127, "no-such-client: executable file not found"},
		{[]string{"/etc/passwd"}, 126, "/etc/passwd: permission denied"},
		{nil, 2, "no client is named"},
	} {
		if got := ranWith(t, append([]string{"run", "--"}, tt.client...)...); got.code != tt.code || !strings.Contains(got.stderr, tt.says) {
			t.Errorf("%q: exit code %d, want %d; it says\n%s", tt.client, got.code, tt.code, got.stderr)
		}
	}
	if got := ranWith(t, "run", "--domain", "a:b:c", "--", "true"); got.code != 2 || !strings.Contains(got.stderr, "want HOST or HOST:PORT") {
		t.Errorf("%+v", got)
	}
}

// TestRunOutput: standard output is the client's, and with --json or --plain that of events
// alone. Nothing of ours is in the client's.
func TestRunOutput(t *testing.T) {
	const client = "echo out; echo err >&2; cat"
	if got := ranWith(t, "run", "--", "sh", "-c", client); got.stdout != "out\n" || !strings.Contains(got.stderr, "err\n") {
		t.Errorf("%+v", got)
	}
	got := ranWith(t, "run", "--json", "--", "sh", "-c", client)
	if !strings.HasPrefix(got.stdout, `{"format":"xmppscope"`) || strings.Contains(got.stdout, "out\n") || !strings.Contains(got.stderr, "out\n") {
		t.Errorf("%+v", got)
	}
}

// runReady runs a client that goes on until SIGTERM, and then does what is said here; it is
// ready, and what it says from now on is in out.
func runReady(t *testing.T, onTERM string) (cmd *exec.Cmd, out io.Reader) {
	t.Helper()
	cmd = command(t, "run", "--", "sh", "-c", "trap '"+onTERM+"' TERM; echo ready; while :; do sleep 0.05; done")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len("ready\n"))); err != nil {
		t.Fatal(err)
	}
	return cmd, out
}

// TestRunSignal: what we are sent reaches the client, and its end is ours.
func TestRunSignal(t *testing.T) {
	cmd, out := runReady(t, "echo caught; exit 9")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(out)
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 9 || string(rest) != "caught\n" {
		t.Errorf("exit code %d after %q", code, rest)
	}
	nothingLeft(t, cmd.Dir)
}

// TestRunKilled: the client does not outlive us, however we end.
func TestRunKilled(t *testing.T) {
	// The kernel may send the signal of a parent's death once for each of its threads.
	cmd, out := runReady(t, `trap "" TERM; echo ended; exit`)
	cmd.Process.Kill()
	if rest, _ := io.ReadAll(out); string(rest) != "ended\n" { // read to the end: the client has gone
		t.Errorf("the client says %q", rest)
	}
	cmd.Wait()
}

// TestRunSweeps: what the client leaves running ends with us, also what does not want to: it
// would reach nobody any more.
func TestRunSweeps(t *testing.T) {
	got := ranWith(t, "run", "--", "sh", "-c", `mkfifo up
setsid sh -c 'trap "" TERM; echo up >up; while :; do sleep 0.05; done' &
setsid sleep 1000 &
read x <up; exit 3`)
	if got.code != 3 || !regexp.MustCompile(`so has what it left running: .*sleep \(\d+\)`).MatchString(got.stderr) {
		t.Errorf("%+v", got)
	}
}

// TestRunTerminal: Ctrl-C ends the client, Ctrl-Z stops it and fg has it go on, as without us.
func TestRunTerminal(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	home := xmpptest.ServerFolder(t)
	s := xmpptest.StartScreen(t, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TERM=xterm-256color", "TMPDIR=" + home, "PS1=$ "}, home, "bash", "--norc", "-i")
	s.Line("X=" + path)
	s.Line(`$X run -- sh -c 'echo re""ady; read x'; echo "code" $?`) // a shell that is just starting a program loses a Ctrl-C
	s.Until(t, `(?m)^ready`)
	s.Key("C-c")
	s.Until(t, `(?m)^code 130\s+^\$ ?$`)
	s.Line(`clear; $X run -- sh -c 'echo st""ill; read x; echo "got" $x; exit 5'; echo "code" $?`)
	s.Until(t, `(?m)^still`) // else the terminal throws away what it has not read
	s.Key("C-z")
	s.Until(t, `Stopped(.|\n)*(?m)^code 148\s+^\$ ?$`)
	s.Line("fg")
	s.Until(t, `(?m)^\$ fg`)
	s.Line("hello")
	s.Until(t, `(?m)^got hello(.|\n)*xmppscope: the client has made no connection`)
	s.Line("exit")
	s.Gone(t)
	nothingLeft(t, home)
}

// TestRunOthers: a server that speaks first, one that does not, and one whose certificate is
// pinned are reached as without us.
func TestRunOthers(t *testing.T) {
	xmpptest.Need(t, "curl")
	ssh, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ssh.Close()
	go func() {
		for {
			c, err := ssh.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(c, "SSH-2.0-made-up\r\n")
			io.Copy(c, c)
			c.Close()
		}
	}()
	web := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "from the web") }))
	defer web.Close()
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "in the clear") }))
	defer plain.Close()
	key := web.Certificate().RawSubjectPublicKeyInfo
	sum := sha256.Sum256(key)
	pin := "sha256//" + base64.StdEncoding.EncodeToString(sum[:])
	host, port, _ := net.SplitHostPort(ssh.Addr().String())
	got := ranWith(t, "run", "--", "bash", "-c", fmt.Sprintf(`exec 3<>/dev/tcp/%s/%s; read -r line <&3; echo "$line"; echo mine >&3; read -r line <&3; echo "$line"; exec 3>&-
curl -sS --insecure --pinnedpubkey '%s' %s; echo; curl -sS %s`, host, port, pin, web.URL, plain.URL))
	if want := "SSH-2.0-made-up\r\nmine\nfrom the web\nin the clear"; got.code != 0 || got.stdout != want {
		t.Errorf("exit code %d, %q\n%s", got.code, got.stdout, got.stderr)
	}
	if !strings.Contains(got.stderr, "no XMPP was seen; 3 other connections passed untouched") {
		t.Errorf("it says\n%s", got.stderr)
	}
}

// TestRunForbidden: where the system forbids namespaces it is said by which setting, and
// how to allow them; variables do what they can.
func TestRunForbidden(t *testing.T) {
	xmpptest.Need(t, "root", "unshare", "setpriv")
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	home := xmpptest.ServerFolder(t)
	// Root of a namespace of its own may forbid more of them in there.
	cmd := exec.Command("unshare", "-Ur", "sh", "-c", `echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all "$@"`, "sh",
		path, "run", "--", "sh", "-c", `grep -c "BEGIN CERT" "$SSL_CERT_FILE"; exit 4`)
	cmd.Dir, cmd.Env = home, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != 4 || strings.TrimSpace(stdout.String()) == "0" {
		t.Errorf("exit code %d, %q", code, stdout.String())
	}
	for _, want := range []string{"user.max_user_namespaces is 0", "hint: allow them: sysctl user.max_user_namespaces=1000", "let the client connect to 127.0.0.1:"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, stderr.String())
		}
	}
}

// TestRunInspectIn: a command is told how to open the inspector on the run.
func TestRunInspectIn(t *testing.T) {
	dir := t.TempDir()
	script, told := filepath.Join(dir, "terminal"), filepath.Join(dir, "told")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho \"$@\" >'"+told+".new'; mv '"+told+".new' '"+told+"'\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	got := ranWith(t, "run", "--inspect-in", script+" -e", "--", "sh", "-c", `echo $PPID; while ! [ -e '`+told+`' ]; do sleep 0.05; done`)
	text, err := os.ReadFile(told)
	path, _ := binary()
	if want := "-e " + path + " attach " + strings.TrimSpace(got.stdout); err != nil || strings.TrimSpace(string(text)) != want {
		t.Errorf("it is told %q (%v), not %q", text, err, want)
	}
	if got := ranWith(t, "run", "--inspect-in", "tmux", "--", "true"); !strings.Contains(got.stderr, "warning: --inspect-in: this terminal is not in tmux") {
		t.Errorf("%+v", got)
	}
}

// TestRunDomain: TLS of a server that is named is ended, though nothing says that it is for
// XMPP.
func TestRunDomain(t *testing.T) {
	xmpptest.Need(t, "openssl")
	web := httptest.NewTLSServer(http.NotFoundHandler())
	defer web.Close()
	at := web.Listener.Addr().String()
	const shows = "openssl s_client -connect %s -servername some.test </dev/null 2>&1 | grep ^issuer"
	client := fmt.Sprintf(shows, at)
	for _, tt := range []struct {
		got  ranClient
		ours bool
	}{
		{ranWith(t, "run", "--insecure-upstream", "--", "sh", "-c", client), false},
		{ranWith(t, "run", "--insecure-upstream", "--domain", "some.test", "--", "sh", "-c", client), true},
		{ranWith(t, "run", "--insecure-upstream", "--domain", at, "--", "sh", "-c", client), true},
		{ranWith(t, "run", "--insecure-upstream", "--domain", "some.test:1", "--", "sh", "-c", client), false},
	} {
		if ours := strings.Contains(tt.got.stdout, "xmppscope"); ours != tt.ours || !strings.HasPrefix(tt.got.stdout, "issuer") {
			t.Errorf("%q; want ours: %v\n%s", tt.got.stdout, tt.ours, tt.got.stderr)
		}
	}
}

// TestRunUpstreamCert: a server that asks for a certificate is shown the one that was given.
func TestRunUpstreamCert(t *testing.T) {
	xmpptest.Need(t, "openssl")
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "mine.pem"), filepath.Join(dir, "mine.key")
	mine, secret, err := demo.EncodePEM(newIssuer(t, "CA of clients").server(t, -1, 10, "alice.example"))
	if err := errors.Join(err, os.WriteFile(cert, mine, 0o600), os.WriteFile(key, secret, 0o600)); err != nil {
		t.Fatal(err)
	}
	shown := make(chan int, 1)
	web := httptest.NewUnstartedServer(http.NotFoundHandler())
	web.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, VerifyConnection: func(cs tls.ConnectionState) error {
		shown <- len(cs.PeerCertificates)
		return nil
	}}
	web.StartTLS()
	defer web.Close()
	at := web.Listener.Addr().String()
	got := ranWith(t, "run", "--insecure-upstream", "--domain", at, "--upstream-cert", cert+","+key, "--", "sh", "-c", "openssl s_client -connect "+at+" </dev/null 2>&1 | grep ^issuer")
	if n := <-shown; n == 0 || !strings.Contains(got.stdout, "xmppscope") {
		t.Errorf("the server was shown %d certificates, and the client %q\n%s", n, got.stdout, got.stderr)
	}
}

// TestRunClientTLS: a client that stays in the clear gets the offer inside TLS, of the server
// that it has connected to.
func TestRunClientTLS(t *testing.T) {
	s := xmpptest.StartProsody(t) // whose offer in the clear is STARTTLS alone
	const client = `import socket, sys
c = socket.create_connection((sys.argv[1], int(sys.argv[2])), 30)
c.sendall(b"<?xml version='1.0'?><stream:stream to='peers.test' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")
got = b""
while b"</stream:features>" not in got:
    more = c.recv(4096)
    if not more: break
    got += more
print(got.decode())`
	xmpptest.Need(t, "slixmpp") // and with it Python
	for how, want := range map[string]string{"off": "<mechanism>SCRAM-SHA-256</mechanism>", "required": "<required/>"} {
		got := ranWith(t, "run", "--client-tls", how, "--upstream-ca", s.CAFile, "--", "/usr/bin/python3", "-c", client, "127.0.0.1", portAt(t, s.StartTLS))
		if !strings.Contains(got.stdout, want) || strings.Contains(got.stdout, "starttls") != (how == "required") {
			t.Errorf("%s: the client gets %s\n%s", how, got.stdout, got.stderr)
		}
	}
}

// TestRunUnreadable: what cannot be read in a folder of certificates does not keep the CA out
// of it; where the folder itself cannot be read it is said.
func TestRunUnreadable(t *testing.T) {
	xmpptest.Need(t, "root", "setpriv")
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	home, certs := place{uid: nobody}.home(t), xmpptest.ServerFolder(t)
	for _, closed := range []string{filepath.Join(certs, "private"), certs} {
		if err := os.Chmod(certs, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(closed, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(closed, 0o700); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", path, "run", "--ca-dir", filepath.Join(home, "ca"), "--", "sh", "-c", `echo "$SSL_CERT_DIR"; ls "$SSL_CERT_DIR"`)
		cmd.Dir, cmd.Env = home, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home, "SSL_CERT_DIR=" + certs}
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		cmd.Run() // ls may fail
		said := strings.Contains(stderr.String(), "the CA could not be added to "+certs)
		has := strings.Contains(stdout.String(), ".0\n") && !strings.HasPrefix(stdout.String(), certs+"\n")
		if has != (closed != certs) || said == has {
			t.Errorf("%s cannot be read: the client has\n%s\n%s", closed, stdout.String(), stderr.String())
		}
		nothingLeft(t, home)
	}
}

// TestRunNoNFT: without nf_tables connections are taken on some ports, and it is said which.
func TestRunNoNFT(t *testing.T) {
	var l net.Listener
	var err error
	for _, port := range []int{5222, 5223, 5269, 5280, 5443} { // of those that are taken; a server may have some of them
		if l, err = net.Listen("tcp", fmt.Sprintf("127.71.82.93:%d", port)); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			fmt.Fprintln(c, "hello")
			c.Close()
		}
	}()
	got := ranWith(t, "run", "--no-nft", "--", "bash", "-c", "read -r line </dev/tcp/"+strings.Replace(l.Addr().String(), ":", "/", 1)+"; echo $line")
	if got.stdout != "hello\n" || !strings.Contains(got.stderr, "warning: without nf_tables connections to other ports than 53 80 443") {
		t.Errorf("%+v", got)
	}
}
