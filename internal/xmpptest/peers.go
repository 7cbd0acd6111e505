// Package xmpptest is what tests of several packages share: dialogues played to the
// rules (transcript.go), recordings of real logins (lab.go), files to compare with
// and the flag -update that writes them (golden.go), connections on loopback
// (loopback.go, tap.go), and the programs of the machine, with real servers and
// clients among them (peers.go). Only tests import it.
package xmpptest

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/template"
	"time"

	"xmppscope/internal/demo"
)

// The accounts that the real servers know; everything about them is made up.
const (
	PeerDomain    = "peers.test"
	AliceJID      = "alice@" + PeerDomain
	AlicePassword = "looking-glass-1871"
	BobJID        = "bob@" + PeerDomain
	BobPassword   = "mad-hatter-1865"
)

// patience is how long a peer may take for anything; a healthy one takes a tenth.
const patience = 45 * time.Second

//go:embed testdata/peers
var peerFiles embed.FS

// peerPrograms says how to find each program, and how to get it.
var peerPrograms = map[string]struct {
	found  func() bool
	debian string
}{
	"prosody":     {onPath("prosody"), "prosody"},
	"ejabberd":    {func() bool { return onPath("erl")() && ejabberdLibs() != "" }, "ejabberd"},
	"slixmpp":     {func() bool { return exec.Command(python, "-c", "import slixmpp").Run() == nil }, "python3-slixmpp"},
	"pysocks":     {func() bool { return exec.Command(python, "-c", "import socks").Run() == nil }, "python3-socks"},
	"profanity":   {onPath("profanity"), "profanity"},
	"tmux":        {onPath("tmux"), "tmux"},
	"go-sendxmpp": {onPath("go-sendxmpp"), "go-sendxmpp"},
	"tshark":      {onPath("tshark"), "tshark"},
	"capinfos":    {onPath("capinfos"), "tshark"},
	"openssl":     {onPath("openssl"), "openssl"},
	"gnutls-cli":  {onPath("gnutls-cli"), "gnutls-bin"},
	"certtool":    {onPath("certtool"), "gnutls-bin"},
	"gnutls-serv": {onPath("gnutls-serv"), "gnutls-bin"},
	"xmllint":     {onPath("xmllint"), "libxml2-utils"},
	"chromium":    {onPath("chromium"), "chromium"},
	"cmark-gfm":   {onPath("cmark-gfm"), "cmark-gfm"},
	"curl":        {onPath("curl"), "curl"},
	"aiodns":      {func() bool { return exec.Command(python, "-c", "import aiodns").Run() == nil }, "python3-aiodns"},
	"node":        {onPath("node"), "nodejs"},
	"ip":          {onPath("ip"), "iproute2"},
	"nft":         {onPath("nft"), "nftables"},
	"setpriv":     {onPath("setpriv"), "util-linux"},
	"unshare":     {onPath("unshare"), "util-linux"},
	"namespaces":  {func() bool { return exec.Command("unshare", "-Urnm", "true").Run() == nil }, "nothing: this system forbids namespaces to users; xmppscope run -- true says by which setting"},
	"root":        {func() bool { return os.Geteuid() == 0 }, "nothing: run the tests as root"},
	"xmpp.js":     {inNPM("@xmpp/client"), npmHint("@xmpp/client@0.14.0 ws@8.23.0")},
	"stanza":      {inNPM("stanza"), npmHint("stanza@12.22.1")},
	"dino":        {onPath("dino-im"), "dino-im"},
	"gajim":       {onPath("gajim"), "gajim"},
	"xvfb":        {onPath("Xvfb"), "xvfb"},
	"dbus-run":    {onPath("dbus-run-session"), "dbus-daemon"},
	"mcp-inspector": {
		func() bool { _, err := exec.LookPath(MCPInspector()); return err == nil },
		npmHint("@modelcontextprotocol/inspector@0.14.3"),
	},
}

// desktop are programs that bring a desktop along: they have to be there only if all peers
// are asked for.
var desktop = []string{"dino", "gajim", "xvfb", "dbus-run"}

// inNPM says whether there is a package of npm where XMPPSCOPE_NPM says.
func inNPM(name string) func() bool {
	return func() bool {
		_, err := os.Stat(filepath.Join(os.Getenv("XMPPSCOPE_NPM"), "node_modules", name))
		return err == nil && os.Getenv("XMPPSCOPE_NPM") != ""
	}
}

func npmHint(name string) string {
	return "npm; then npm install --prefix FOLDER " + name + ", and XMPPSCOPE_NPM=FOLDER"
}

// MCPInspector is the inspector of the Model Context Protocol, from npm: where
// XMPPSCOPE_NPM says, or on the path.
func MCPInspector() string {
	const name = "mcp-inspector"
	if folder := os.Getenv("XMPPSCOPE_NPM"); folder != "" {
		return filepath.Join(folder, "node_modules", ".bin", name)
	}
	return name
}

func onPath(name string) func() bool {
	return func() bool {
		_, err := exec.LookPath(name)
		return err == nil
	}
}

// Need skips the test if one of the programs is not installed, and says how to
// get it; with XMPPSCOPE_PEERS=required a missing program fails the test, and with all
// those of a desktop do, too.
func Need(t testing.TB, names ...string) {
	t.Helper()
	peers := os.Getenv("XMPPSCOPE_PEERS")
	for _, name := range names {
		p, known := peerPrograms[name]
		lack, how := "missing", "apt-get install "+p.debian
		if other, is := strings.CutPrefix(p.debian, "nothing: "); is { // no package brings it
			lack, how = "not to be had here", other
		}
		switch {
		case !known:
			t.Fatalf("xmpptest: no peer is called %q", name)
		case p.found():
		case peers == "all", peers == "required" && !slices.Contains(desktop, name):
			t.Fatalf("%s is %s, and XMPPSCOPE_PEERS=%s: %s", name, lack, peers, how)
		default:
			t.Skipf("%s is %s: %s", name, lack, how)
		}
	}
}

// PeerServer is a real server on loopback. It hosts PeerDomain with alice and bob.
type PeerServer struct {
	Name     string
	StartTLS string // "127.0.0.1:PORT", STARTTLS required
	TLS12    string // the same with TLS 1.2 only; "" if this server has no such port
	Direct   string // TLS from the first byte (XEP-0368)
	Zlib     string // ejabberd: TLS from the first byte, and compression (XEP-0138) behind the login
	HTTP     string // WebSocket (/xmpp-websocket) and BOSH (/http-bind) in the clear
	HTTPS    string // and with TLS; "" if this server has no such port
	CAFile   string // PEM of the CA that signed the server's certificate
}

// peerDir makes a folder with a short path, which sockets and Erlang need.
func peerDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "xs-peer-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// peerCertificate writes the CA, the server's chain and its key, and the last two
// in one file, which is what the configuration templates name.
func peerCertificate(t testing.TB, dir string) {
	t.Helper()
	ca, err := demo.NewAuthority("CA of the peer tests")
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := ca.Issue(PeerDomain, "conference."+PeerDomain)
	if err != nil {
		t.Fatal(err)
	}
	chain, key, err := demo.EncodePEM(leaf)
	if err != nil {
		t.Fatal(err)
	}
	peerWrite(t, filepath.Join(dir, "ca.pem"), ca.PEM())
	peerWrite(t, filepath.Join(dir, "chain.pem"), chain)
	peerWrite(t, filepath.Join(dir, "key.pem"), key)
	peerWrite(t, filepath.Join(dir, "all.pem"), append(chain, key...))
}

func peerWrite(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// peerTemplate fills in one of testdata/peers and writes it to path.
func peerTemplate(t testing.TB, name, path string, data any) {
	t.Helper()
	tmpl, err := template.ParseFS(peerFiles, "testdata/peers/"+name)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := tmpl.Execute(&out, data); err != nil {
		t.Fatal(err)
	}
	peerWrite(t, path, out.Bytes())
}

// freePort finds a port for a server that cannot pick one itself. It lies below
// the ports that the system gives to outgoing connections (from 32768 on Linux),
// because one of those might take it before the server does.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 12000 + rand.IntN(20000)
		ln, err := net.Listen("tcp", local(port))
		if err == nil {
			ln.Close()
			return port
		}
	}
	t.Fatal("xmpptest: no free port below 32000")
	return 0
}

// ServerFolder makes a folder with a short path, which ends with the test.
func ServerFolder(t testing.TB) string { return peerDir(t) }

// FreeAddress is an address on loopback for a server that cannot pick its own
// port.
func FreeAddress(t testing.TB) string { return local(freePort(t)) }

func local(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

// process is a program that this test started, and that ends with it.
type process struct {
	cmd    *exec.Cmd
	out    output
	exited chan struct{} // closed when the program is gone
}

// output collects what a program prints; it may be read while it grows.
type output struct {
	mu   sync.Mutex
	text []byte
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, p...)
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text)
}

// startProcess starts a program that is stopped, by its process id, when the test
// ends: TERM first, KILL if it does not listen. Its output goes to where extra
// says, too, if that is not nil.
func startProcess(t testing.TB, cmd *exec.Cmd, extra io.Writer) *process {
	t.Helper()
	p := &process{cmd: cmd, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.out, &p.out
	if extra != nil {
		cmd.Stdout = io.MultiWriter(&p.out, extra)
	}
	cmd.WaitDelay = time.Second // do not wait for grandchildren that hold our pipe
	if err := cmd.Start(); err != nil {
		t.Fatalf("xmpptest: %v", err)
	}
	go func() {
		cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() { p.stop() })
	return p
}

func (p *process) stop() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(10 * time.Second):
		p.cmd.Process.Kill()
		<-p.exited
	}
}

// accepts waits until all addresses take connections.
func (p *process) accepts(t testing.TB, addrs ...string) {
	t.Helper()
	for _, addr := range addrs {
		p.until(t, "accept on "+addr, func() error {
			c, err := net.Dial("tcp", addr)
			if err == nil {
				c.Close()
			}
			return err
		})
	}
}

// until tries again and again, until try gives nil, the program has ended or
// patience has.
func (p *process) until(t testing.TB, what string, try func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
			continue
		case <-p.exited:
			err = errors.New("it has ended")
		case <-ctx.Done():
		}
		t.Fatalf("xmpptest: %s did not %s: %v\n%s", p.cmd.Path, what, err, p.out.String())
	}
}
