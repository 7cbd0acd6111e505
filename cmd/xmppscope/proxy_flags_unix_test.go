//go:build unix

package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"xmppscope/certs"
	"xmppscope/internal/demo"
)

// problems is the standard error of a proxy, which tells where it listens.
type problems struct {
	text bytes.Buffer
	addr chan string
}

func (p *problems) String() string { return p.text.String() }

var listeningOn = regexp.MustCompile(`(?m)^listening on (.*)$`)

func (p *problems) Write(b []byte) (int, error) {
	p.text.Write(b)
	if m := listeningOn.FindSubmatch(p.text.Bytes()); m != nil {
		select {
		case p.addr <- string(m[1]):
		default:
		}
	}
	return len(b), nil
}

// through runs a command line, lets do talk through the proxy, and stops that with
// Ctrl-C. In the line DIR is a folder for files, with the CA in it.
func through(t *testing.T, dir, line string, do func(addr string, roots *x509.CertPool)) (printed, said string) {
	t.Helper()
	folder := filepath.Join(dir, "ca")
	args := strings.Fields(strings.ReplaceAll(line+" --ca-dir "+folder, "DIR", dir))
	if !strings.Contains(line, "--listen") {
		args = append(args, "--listen", "127.0.0.1:0")
	}
	return throughCommand(t, folder, scope(t, dir, args...), do)
}

// throughCommand is through for a command that is ready to be started.
func throughCommand(t *testing.T, folder string, cmd *exec.Cmd, do func(addr string, roots *x509.CertPool)) (printed, said string) {
	t.Helper()
	var stdout bytes.Buffer
	stderr := &problems{addr: make(chan string, 1)}
	cmd.Stdout, cmd.Stderr = &stdout, stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case addr := <-stderr.addr:
		ca, err := certs.Open(folder)
		if err != nil {
			t.Fatal(err)
		}
		do(addr, ca.Pool())
		cmd.Process.Signal(os.Interrupt)
		if err := <-ended; err != nil {
			t.Errorf("%v: %v\n%s", cmd.Args, err, stderr)
		}
	case err := <-ended:
		t.Errorf("%v: %v\n%s", cmd.Args, err, stderr)
	}
	return stdout.String(), stderr.String()
}

func startDemo(t *testing.T) (*demo.Server, demo.Scenario) {
	t.Helper()
	return startScenario(t, "scram")
}

func startScenario(t *testing.T, name string) (*demo.Server, demo.Scenario) {
	t.Helper()
	scenario, err := demo.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	server, err := demo.StartServer(scenario)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return server, scenario
}

// TestProxyFlags: each of them does what it says, or a login fails that would have
// worked, or the other way round.
func TestProxyFlags(t *testing.T) {
	server, scenario := startDemo(t)
	dir := t.TempDir()
	for name, text := range map[string][]byte{"server.pem": server.Authority().PEM(), "password": []byte(scenario.Password), "full.jsonl": []byte("what was there before")} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const in = "logged in as " + "alice@xmpp.example"
	for _, c := range []struct {
		line, printed, said string // expressions: what has to be in them
	}{
		{"proxy --plain --upstream SERVER --upstream-ca DIR/server.pem", in, ""},
		{"proxy --plain --upstream SERVER", "no such issuer is in the system's store", ""},
		{"proxy --plain --upstream SERVER --insecure-upstream", in, "warning: --insecure-upstream"},
		{"proxy --plain --insecure-upstream --resolve xmpp.example=SERVER", in, ""},
		{"proxy --plain --insecure-upstream --resolve xmpp.example=SERVER --allow-domain XMPP.example.", in, ""},
		{"proxy --plain --insecure-upstream --resolve xmpp.example=SERVER --allow-domain good.example", "not among those that --allow-domain names", ""},
		{"proxy --plain --insecure-upstream --resolve xmpp.example=SERVER --allow-domain good.example --allow-remote --listen 127.0.0.1:0", "not among those that --allow-domain names", ""},
		{"proxy --plain --upstream SERVER --insecure-upstream --password-file alice@xmpp.example=DIR/password", "proof-check = fits", ""},
		{"proxy --json --upstream SERVER --insecure-upstream --reveal", `"revealed":true`, ""},
	} {
		t.Run(c.line, func(t *testing.T) {
			printed, said := through(t, dir, strings.ReplaceAll(c.line, "SERVER", server.Addr()), func(addr string, roots *x509.CertPool) {
				demo.RunClient(t.Context(), scenario, addr, roots, 0) // how that went is in what is printed
			})
			if !strings.Contains(printed, c.printed) || !strings.Contains(said, c.said) {
				t.Errorf("printed:\n%s\nsaid:\n%s", printed, said)
			}
		})
	}
}

// TestRelayIsNeverOpen: what is allowed on a listener that others can reach comes to
// the resolver, and they are not led to this machine.
func TestRelayIsNeverOpen(t *testing.T) {
	at, p := listenAt{addr: "0.0.0.0:5222"}, &proxyFlags{allow: []string{"good.example"}}
	if _, err := p.checkListen(at); err == nil {
		t.Error("others can reach us without --allow-remote")
	}
	p.remote = true
	r, err1 := p.resolver(at)
	remote, err2 := p.checkListen(at)
	if err := errors.Join(err1, err2); err != nil || !remote || len(r.Allow) != 1 {
		t.Errorf("remote %v, allowed %v, %v", remote, r.Allow, err)
	}
	p.allow = nil
	if _, err := p.checkListen(at); err == nil {
		t.Error("an open relay")
	}
	p.allow, p.upstream = []string{"good.example"}, "server.example"
	if _, err := p.resolver(at); err == nil {
		t.Error("--allow-domain has no effect beside --upstream, and nothing says so")
	}
}

// directTLS is a server that speaks TLS from the first byte and closes.
func directTLS(t *testing.T, config *tls.Config) net.Listener {
	t.Helper()
	ca, err := certs.NewMemory()
	if err != nil {
		t.Fatal(err)
	}
	cert, _, err := ca.Mint("server.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	config.Certificates = []tls.Certificate{*cert}
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.(*tls.Conn).Handshake()
			c.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l
}

// TestDomainFlag: who names no domain by SNI is shown a certificate for that one.
func TestDomainFlag(t *testing.T) {
	server := directTLS(t, new(tls.Config))
	through(t, t.TempDir(), "proxy --plain --domain account.example --insecure-upstream --upstream tls://"+server.Addr().String(), func(addr string, _ *x509.CertPool) {
		c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.ConnectionState().PeerCertificates[0].VerifyHostname("account.example"); err != nil {
			t.Error(err)
		}
	})
}

// TestLegacyTLSFlag: TLS 1.1 on both legs works with it, and is refused without.
func TestLegacyTLSFlag(t *testing.T) {
	old := &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11, InsecureSkipVerify: true, ServerName: "server.example"}
	server := directTLS(t, old.Clone())
	for line, works := range map[string]bool{
		"proxy --plain --insecure-upstream --legacy-tls --upstream tls://": true,
		"proxy --plain --insecure-upstream --upstream tls://":              false,
	} {
		through(t, t.TempDir(), line+server.Addr().String(), func(addr string, _ *x509.CertPool) {
			c, err := tls.Dial("tcp", addr, old)
			if (err == nil) != works {
				t.Errorf("%s: %v", line, err)
			}
			if err == nil {
				c.Close()
			}
		})
	}
}

// TestMaxSessionsFlag: the second one is turned away, and an event of the run says why.
// It is in what is read back, and makes no session there.
func TestMaxSessionsFlag(t *testing.T) {
	server := startFlood(t)
	dir := t.TempDir()
	line := "proxy --json --filter session==0 --max-sessions 1 --save DIR/x.jsonl --save DIR/x.pcapng --save DIR/x.xml --save DIR/x.md --upstream " + server.Addr().String()
	printed, _ := through(t, dir, line, func(addr string, _ *x509.CertPool) {
		for i := range 2 {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(30 * time.Second))
			io.WriteString(c, header)
			if n, err := c.Read(make([]byte, 1)); (err == nil) != (i == 0) {
				t.Errorf("session %d: %d bytes, %v", i+1, n, err)
			}
		}
	})
	said := regexp.MustCompile(`(?m)^\{"session":0,"seq":1,.*"kind":"relay:limit",.*1 session under way at once.*--max-sessions`)
	if !said.MatchString(printed) || strings.Contains(printed, `"session":1`) {
		t.Errorf("printed:\n%s", printed)
	}
	for _, name := range []string{"x.jsonl", "x.pcapng", "x.xml"} {
		again, err := scope(t, dir, "print", "--json", "--filter", "session==0", name).Output()
		if err != nil || !said.Match(again) {
			t.Errorf("%s: %v\n%s", name, err, again)
		}
		checked, _ := scope(t, dir, "check", name).Output()
		if !regexp.MustCompile(`(?m)^the run$`).Match(checked) || !regexp.MustCompile(`(?m)^1 session, `).Match(checked) {
			t.Errorf("check %s:\n%s", name, checked)
		}
	}
	twice, _ := scope(t, dir, "print", "--json", "--filter", "kind == 'relay:limit'", "x.jsonl", "x.jsonl").Output()
	if n := strings.Count(string(twice), `{"session":0,`); n != 2 {
		t.Errorf("of two files:\n%s", twice)
	}
	if report, err := os.ReadFile(filepath.Join(dir, "x.md")); err != nil || strings.Contains(string(report), "Session 0") {
		t.Errorf("a report on session 0: %v", err)
	}
}

// TestFewDescriptors: where descriptors are few so are sessions; what the run needs for
// itself is left, and nobody waits in vain.
func TestFewDescriptors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			s, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(s, answer)
			go func() {
				io.Copy(io.Discard, s)
				s.Close()
			}()
		}
	}()
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca")
	cmd := scope(t, dir, "proxy", "--json", "--listen", "127.0.0.1:0", "--upstream", l.Addr().String(), "--ca-dir", ca, "--save", "x.jsonl", "--save-rotate", "70kB")
	self := filepath.Join(dir, "xmppscope")
	if err := os.Symlink(cmd.Path, self); err != nil { // its name says what it is to be: see TestMain
		t.Fatal(err)
	}
	cmd.Args = append([]string{"sh", "-c", `ulimit -n 60 && exec "$0" "$@"`, self}, cmd.Args[1:]...)
	if cmd.Path, err = exec.LookPath("sh"); err != nil {
		t.Fatal(err)
	}
	printed, said := throughCommand(t, ca, cmd, func(addr string, _ *x509.CertPool) {
		inside, away := 0, 0
		for range 60 {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(30 * time.Second))
			io.WriteString(c, header)
			if _, err := io.ReadFull(c, make([]byte, len(answer))); err != nil {
				away++
			} else {
				inside++
			}
		}
		if inside < 5 || away < 5 {
			t.Errorf("%d sessions, %d turned away", inside, away)
		}
	})
	if !strings.Contains(printed, `"kind":"relay:limit"`) || strings.Contains(printed, `"kind":"tcp:failed"`) || strings.Contains(said, "nothing more is saved") {
		t.Errorf("said:\n%s\nprinted:\n%s", said, printed)
	}
}

// TestFullFlag: a report of a long session has a line for each of the later events, or
// all of them whole.
func TestFullFlag(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dir := t.TempDir()
	traffic := answer + strings.Repeat("<message from='a@b.example'><body>"+strings.Repeat("long ", 300)+"</body></message>", 4000)
	through(t, dir, "proxy --plain --full --save DIR/live.html --save DIR/x.jsonl --upstream "+l.Addr().String(), func(addr string, _ *x509.CertPool) {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, header)
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		go io.WriteString(s, traffic)
		if _, err := io.ReadFull(c, make([]byte, len(traffic))); err != nil {
			t.Fatal(err)
		}
	})
	for _, line := range []string{"export x.jsonl -o whole.html --full", "export x.jsonl -o short.html"} {
		if out, err := scope(t, dir, strings.Fields(line)...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
	}
	for name, whole := range map[string]bool{"live.html": true, "whole.html": true, "short.html": false} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if got := !bytes.Contains(text, []byte("events are a line each")); err != nil || got != whole {
			t.Errorf("%s: whole is %v, %v", name, got, err)
		}
	}
}
