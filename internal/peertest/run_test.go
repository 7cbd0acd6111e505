package peertest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
)

// place is where xmppscope run is tried: as a user, with a name server of the test's own.
type place struct {
	uid    int
	resolv string
	server *xmpptest.PeerServer
	flags  []string
}

// nobody is an ordinary user.
const nobody = 65534

// zoneOf is what DNS says of the server: both kinds of record, or one.
func zoneOf(t *testing.T, s *xmpptest.PeerServer, starttls, direct bool) string {
	t.Helper()
	zone := fmt.Sprintf("%s 60 IN TXT there\nxmpp.%s 60 IN A 127.0.0.1\n", xmpptest.PeerDomain, xmpptest.PeerDomain)
	if starttls {
		zone += fmt.Sprintf("_xmpp-client._tcp.%s 60 IN SRV 5 0 %s xmpp.%s\n", xmpptest.PeerDomain, portAt(t, s.StartTLS), xmpptest.PeerDomain)
	}
	if direct {
		zone += fmt.Sprintf("_xmpps-client._tcp.%s 60 IN SRV 1 0 %s xmpp.%s\n", xmpptest.PeerDomain, portAt(t, s.Direct), xmpptest.PeerDomain)
	}
	return zone
}

func portAt(t *testing.T, addr string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// home makes a folder that is the user's.
func (p place) home(t *testing.T) string {
	t.Helper()
	home := xmpptest.ServerFolder(t)
	if err := os.Chown(home, p.uid, p.uid); err != nil {
		t.Fatal(err)
	}
	return home
}

// under is the command line that runs one as the user, with the test's name server.
func (p place) under(t *testing.T, args ...string) []string {
	t.Helper()
	xmpptest.Need(t, "root", "unshare", "setpriv")
	out := []string{"unshare", "-m", "sh", "-c", `mount --bind "$0" /etc/resolv.conf && exec "$@"`, p.resolv}
	if p.uid != 0 {
		id := strconv.Itoa(p.uid)
		out = append(out, "setpriv", "--reuid="+id, "--regid="+id, "--clear-groups")
	}
	return append(out, args...)
}

// wrapped runs clients under xmppscope run. What it sees is saved to the file.
func (p place) wrapped(t *testing.T) (w xmpptest.Wrapped, saved string) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	home := p.home(t)
	saved = filepath.Join(home, "seen.jsonl")
	ca := filepath.Join(home, "server-ca.pem")
	copyFile(t, p.server.CAFile, ca)
	return xmpptest.Wrapped{Home: home, UID: p.uid, Wrap: func(args []string) []string {
		ours := append([]string{path, "run", "--save", saved, "--reveal", "--upstream-ca", ca, "--ca-dir", filepath.Join(home, "ca")}, p.flags...)
		return p.under(t, slices.Concat(ours, []string{"--"}, args)...)
	}}, saved
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// seen is what was recorded of the one session.
func seen(t *testing.T, saved string) recording {
	t.Helper()
	text, err := os.ReadFile(saved)
	if err != nil {
		t.Fatal(err)
	}
	r := decode(t, text)
	r.events = r.find(func(e *event) bool { return e.Session > 0 })
	r.check(t, true)
	return r
}

// TestRun: clients that are told their account alone log in through us, as an ordinary user
// and as root, and the ladder is whole; so it is with TLS from the first byte.
func TestRun(t *testing.T) {
	xmpptest.Need(t, "root")
	for _, start := range []func(testing.TB) *xmpptest.PeerServer{xmpptest.StartProsody, xmpptest.StartEjabberd} {
		s := start(t)
		bob := xmpptest.StartBob(t, s)
		_, starttls := xmpptest.StartNameServer(t, zoneOf(t, s, true, false))
		_, both := xmpptest.StartNameServer(t, zoneOf(t, s, true, true))
		for _, client := range xmpptest.AccountClients() {
			for user, uid := range map[string]int{"user": nobody, "root": 0} {
				t.Run(s.Name+"/"+client.Name+"/"+user, func(t *testing.T) {
					p, rungs := place{uid: uid, resolv: starttls, server: s}, starttlsRungs
					if client.Name == "go-sendxmpp" { // where one of the records is missing it looks at neither
						p.resolv, rungs = both, directRungs
					}
					r := p.logIn(t, client, bob)
					if got := r.ladder(1); len(got) < len(rungs) || !slices.Equal(got[:len(rungs)], rungs) {
						t.Errorf("the ladder is %s", strings.Join(got, " "))
					}
				})
			}
		}
	}
}

// logIn has a client log in and write to bob, and returns what was seen.
func (p place) logIn(t *testing.T, client xmpptest.AccountClient, bob *xmpptest.Bob) recording {
	t.Helper()
	w, saved := p.wrapped(t)
	says := "under run, " + t.Name()
	ran := client.Run(t, w, says)
	if !ran.OK {
		text, _ := os.ReadFile(saved)
		t.Fatalf("%s could not log in:\n%s\n%s", client.Name, ran.Output, text)
	}
	bob.Expect(t, says)
	r := seen(t, saved)
	if len(r.step("bind-result")) != 1 {
		t.Errorf("the login is not whole:\n%s", ran.Output)
	}
	if text, _ := os.ReadFile(saved); !strings.Contains(string(text), `"kind":"dns:answered","summary":"SRV _xmpp`) {
		t.Error("what was asked of DNS is not told")
	}
	nothingLeft(t, w.Home)
	return r
}

// nothingLeft fails the test if a folder of run is left, or a process whose home this was.
func nothingLeft(t *testing.T, home string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(home, "xmppscope-run-*"))
	if err != nil || len(found) > 0 {
		t.Errorf("left behind: %v", found)
	}
	procs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, p := range procs {
		if env, err := os.ReadFile(p); err == nil && strings.Contains(string(env), "HOME="+home+"\x00") {
			line, _ := os.ReadFile(filepath.Join(filepath.Dir(p), "cmdline"))
			t.Errorf("still running: %q", line)
		}
	}
}
