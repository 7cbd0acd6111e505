package xmpptest

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"xmppscope/internal/demo"
)

// python is Debian's own: a Python from elsewhere does not see python3-slixmpp.
const python = "/usr/bin/python3"

// Login is what a real client is told to do: log alice in and write to bob.
type Login struct {
	Addr     string // "HOST:PORT" to connect to, whatever the domain's SRV records say
	JID      string // the account; "" is alice
	CAFile   string // PEM of the CA to trust; "" is one that has signed nothing
	Password string // "" is alice's own
	Direct   bool   // TLS from the first byte
	Clear    bool   // no TLS: slixmpp alone
	Says     string // the message to bob
	To       string // whom it is for, if not for bob: slixmpp alone
	Proxy    string // "HOST:PORT" of a proxy to go through: slixmpp by SOCKS5, go-sendxmpp by HTTP CONNECT; "" for none
	KeyLog   string // file for the TLS secrets, which slixmpp writes (SSLKEYLOGFILE); "" for none
}

// Ran is how that went.
type Ran struct {
	OK     bool   // as far as the client itself can tell
	Output string // what it printed, or had on its screen
}

// PeerClient is a real client.
type PeerClient struct {
	Name string
	Run  func(testing.TB, Login) Ran // returns when the client is gone
}

// PeerClients are the real clients there are. Each skips or fails the test if it
// is not installed.
func PeerClients() []PeerClient {
	return []PeerClient{{"slixmpp", Slixmpp}, {"profanity", Profanity}, {"go-sendxmpp", GoSendxmpp}}
}

// Slixmpp runs a Python client that prefers -PLUS mechanisms, reads OpenSSL's
// certificates and waits for bob's answer.
func Slixmpp(t testing.TB, l Login) Ran {
	t.Helper()
	Need(t, "slixmpp")
	l = l.complete(t)
	role := "alice"
	if l.Direct {
		role = "alice-direct"
	}
	if l.Clear {
		role = "alice-clear"
	}
	return runClient(t, l, "", python, append(slixmppArgs(t, role, l.Addr, l.JID, l.Password, l.CAFile), l.To, l.Says)...)
}

// SlixmppComponent runs a component in Python (XEP-0114), which is no client: of l it takes
// Addr, JID (its domain), Password (its secret), Says and To. It waits for the answer.
func SlixmppComponent(t testing.TB, l Login) Ran {
	t.Helper()
	Need(t, "slixmpp")
	l = l.complete(t)
	host, port, err := net.SplitHostPort(l.Addr)
	if err != nil {
		t.Fatal(err)
	}
	return runClient(t, l, "", python, peerFile(t, "slixmpp_component.py"), host, port, l.JID, l.Password, l.To, l.Says)
}

// GoSendxmpp runs a Go client that logs in with PLAIN, sends its message and goes.
func GoSendxmpp(t testing.TB, l Login) Ran {
	t.Helper()
	Need(t, "go-sendxmpp")
	l = l.complete(t)
	args := []string{"-u", l.JID, "-p", l.Password, "-j", l.Addr}
	if l.Direct {
		args = append(args, "-t")
	}
	return runClient(t, l, l.Says, "go-sendxmpp", append(args, BobJID)...)
}

// WebClient runs a client of npm, "xmpp.js" or "stanza", over "ws" or "bosh" at a URL, and
// waits for bob's answer. Of l it takes CAFile, Password and Says.
func WebClient(t testing.TB, library, transport, url string, l Login) Ran {
	t.Helper()
	Need(t, library)
	l = l.complete(t)
	return runClient(t, l, "", "node", peerFile(t, "web_peer.cjs"), library, transport, url, l.JID, l.Password, BobJID, l.Says)
}

// BOSHClient runs a script that speaks BOSH at a URL on several connections, and waits for bob's
// answer. Of l it takes CAFile, Password and Says.
func BOSHClient(t testing.TB, url string, l Login) Ran {
	t.Helper()
	Need(t, "node")
	l = l.complete(t)
	return runClient(t, l, "", "node", peerFile(t, "bosh_peer.cjs"), url, l.JID, l.Password, BobJID, l.Says)
}

// peerFile puts a program of ours where it can be run.
func peerFile(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(peerDir(t), name)
	writePeerFile(t, name, path)
	return path
}

// writePeerFile copies one of testdata/peers to a path.
func writePeerFile(t testing.TB, name, path string) {
	t.Helper()
	text, err := peerFiles.ReadFile("testdata/peers/" + name)
	if err != nil {
		t.Fatal(err)
	}
	peerWrite(t, path, text)
}

// complete fills in what the zero values stand for.
func (l Login) complete(t testing.TB) Login {
	t.Helper()
	if l.JID == "" {
		l.JID = AliceJID
	}
	if l.To == "" {
		l.To = BobJID
	}
	if l.Password == "" {
		l.Password = AlicePassword
	}
	if l.CAFile == "" {
		ca, err := demo.NewAuthority("CA that has signed nothing")
		if err != nil {
			t.Fatal(err)
		}
		l.CAFile = filepath.Join(peerDir(t), "other-ca.pem")
		peerWrite(t, l.CAFile, ca.PEM())
	}
	return l
}

// environment is the client's: its own home, and no certificates but the given.
func (l Login) environment(home string) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LANG=C.UTF-8", "TERM=xterm-256color",
		"SSL_CERT_FILE=" + l.CAFile, "SSL_CERT_DIR=" + filepath.Join(home, "no-certificates"),
		"XDG_CONFIG_HOME=" + filepath.Join(home, "config"), "XDG_DATA_HOME=" + filepath.Join(home, "data"),
	}
	env = append(env, "NODE_PATH="+filepath.Join(os.Getenv("XMPPSCOPE_NPM"), "node_modules"), "NODE_EXTRA_CA_CERTS="+l.CAFile)
	if l.Proxy != "" {
		env = append(env, "XMPP_SOCKS="+l.Proxy, "HTTP_PROXY=http://"+l.Proxy)
	}
	if l.KeyLog != "" {
		env = append(env, "SSLKEYLOGFILE="+l.KeyLog)
	}
	return env
}

func runClient(t testing.TB, l Login, input, program string, args ...string) Ran {
	t.Helper()
	home := peerDir(t)
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = home, l.environment(home), strings.NewReader(input)
	return finish(t, cmd)
}

// finish runs a program to its end.
func finish(t testing.TB, cmd *exec.Cmd) Ran {
	t.Helper()
	var out output
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &out, time.Second
	if err := cmd.Start(); err != nil {
		t.Fatalf("xmpptest: %v", err)
	}
	late := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	err := cmd.Wait()
	if !late.Stop() {
		t.Fatalf("xmpptest: %s did not end; it printed:\n%s", cmd.Path, out.String())
	}
	return Ran{err == nil, out.String()}
}

func slixmppArgs(t testing.TB, role, addr, jid, password, ca string) []string {
	t.Helper()
	script := peerFile(t, "slixmpp_peer.py")
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return []string{script, role, host, port, jid, password, ca}
}

// Bob is bob, logged in straight at the server: he answers what he is told.
type Bob struct {
	online chan struct{}

	mu   sync.Mutex
	got  map[string]string // by body: who wrote it
	more chan struct{}     // closed, and replaced, when got has grown
}

// StartBob logs bob in (with slixmpp) and returns when he is online.
func StartBob(t testing.TB, s *PeerServer) *Bob {
	t.Helper()
	return StartBobAs(t, Login{Addr: s.StartTLS, JID: BobJID, Password: BobPassword, CAFile: s.CAFile})
}

// StartBobAs is StartBob for another account.
func StartBobAs(t testing.TB, l Login) *Bob {
	t.Helper()
	Need(t, "slixmpp")
	b := &Bob{online: make(chan struct{}), got: map[string]string{}, more: make(chan struct{})}
	cmd := exec.Command(python, slixmppArgs(t, "bob", l.Addr, l.JID, l.Password, l.CAFile)...)
	cmd.Dir = peerDir(t)
	r, w := io.Pipe()
	go b.read(r)
	p := startProcess(t, cmd, w)
	t.Cleanup(func() { w.Close() })
	select {
	case <-b.online:
	case <-p.exited:
		t.Fatalf("xmpptest: bob could not log in at %s:\n%s", l.Addr, p.out.String())
	case <-time.After(patience):
		t.Fatalf("xmpptest: bob did not get online at %s:\n%s", l.Addr, p.out.String())
	}
	return b
}

func (b *Bob) read(r io.Reader) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var m struct{ From, Body string }
		switch {
		case lines.Text() == "ONLINE":
			close(b.online)
		case json.Unmarshal(lines.Bytes(), &m) == nil:
			b.mu.Lock()
			b.got[m.Body] = m.From
			close(b.more)
			b.more = make(chan struct{})
			b.mu.Unlock()
		}
	}
}

// Expect waits until bob has got this message and returns who it is from.
func (b *Bob) Expect(t testing.TB, body string) (from string) {
	t.Helper()
	late := time.After(patience)
	for {
		b.mu.Lock()
		from, ok := b.got[body]
		more := b.more
		b.mu.Unlock()
		if ok {
			return from
		}
		select {
		case <-more:
		case <-late:
			t.Fatalf("xmpptest: bob did not get %q", body)
		}
	}
}
