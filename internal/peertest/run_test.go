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
	trusts bool // the server's CA is in the file that SSL_CERT_FILE names
}

// nobody is an ordinary user.
const nobody = 65534

// zoneOf is what DNS says of the server: both kinds of record, or one.
func zoneOf(t *testing.T, s *xmpptest.PeerServer, starttls, direct bool) string {
	t.Helper()
	zone := fmt.Sprintf("%s 60 IN A 127.0.0.1\nxmpp.%s 60 IN A 127.0.0.1\n", xmpptest.PeerDomain, xmpptest.PeerDomain)
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
	var env []string
	if p.trusts {
		env = []string{"SSL_CERT_FILE=" + ca}
	}
	return xmpptest.Wrapped{Home: home, UID: p.uid, Env: env, Wrap: func(args []string) []string {
		ours := append([]string{path, "run", "--save", saved, "--reveal", "--ca-dir", filepath.Join(home, "ca")}, p.flags...)
		if !p.trusts {
			ours = append(ours, "--upstream-ca", ca)
		}
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
	t.Parallel()
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
	r, _ := p.loggedIn(t, client, bob)
	return r
}

// loggedIn is logIn with what the client and xmppscope have printed.
func (p place) loggedIn(t *testing.T, client xmpptest.AccountClient, bob *xmpptest.Bob) (r recording, printed string) {
	t.Helper()
	w, saved := p.wrapped(t)
	says := "under run, " + t.Name()
	ran := client.Run(t, w, says)
	if !ran.OK {
		text, _ := os.ReadFile(saved)
		t.Fatalf("%s could not log in:\n%s\n%s", client.Name, ran.Output, text)
	}
	bob.Expect(t, says)
	r = seen(t, saved)
	if len(r.step("bind-result")) != 1 {
		t.Errorf("the login is not whole:\n%s", ran.Output)
	}
	if text, _ := os.ReadFile(saved); !strings.Contains(string(text), `"kind":"dns:answered","summary":"SRV _xmpp`) {
		t.Error("what was asked of DNS is not told")
	}
	nothingLeft(t, w.Home)
	return r, ran.Output
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
			if strings.HasPrefix(string(line), "tmux\x00") { // the terminal's own, on its way out
				continue
			}
			t.Errorf("still running: %q", line)
		}
	}
}

// trustful is slixmpp that trusts the server's own CA, whatever run adds.
func trustful(ca string) xmpptest.AccountClient {
	return xmpptest.AccountClient{Name: "slixmpp", Run: func(t testing.TB, w xmpptest.Wrapped, says string) xmpptest.Ran {
		return xmpptest.SlixmppAccount(t, w, filepath.Join(w.Home, filepath.Base(ca)), says)
	}}
}

// TestRunUntouched: TLS is left as it is, so that what binds to it works, and the ladder is
// whole all the same: by the secrets that the client logs.
func TestRunUntouched(t *testing.T) {
	t.Parallel()
	s := xmpptest.StartEjabberd(t)
	bob := xmpptest.StartBob(t, s)
	_, resolv := xmpptest.StartNameServer(t, zoneOf(t, s, true, false))
	for user, uid := range map[string]int{"user": nobody, "root": 0} {
		t.Run(user, func(t *testing.T) {
			p := place{uid: uid, resolv: resolv, server: s, flags: []string{"--untouched"}}
			r := p.logIn(t, trustful("server-ca.pem"), bob)
			checkLadder(t, r, slices.Concat(starttlsRungs, scramRungs, []string{"stream-open-3", "stream-reply-3", "features-3"}, boundRungs))
			checkWho(t, r, "SCRAM-SHA-512-PLUS")
			tls := r.find(func(e *event) bool { return e.Kind == "tls:established" })
			if len(tls) != 1 || tls[0].Leg != "client" || tls[0].Detail.Version != "TLS 1.3" {
				t.Errorf("the handshake is told so: %+v", tls)
			}
		})
	}
}

// TestRunPicks: TLS is left as it is where the client's secrets come, and ended where they do
// not; it is said which, and why.
func TestRunPicks(t *testing.T) {
	t.Parallel()
	s := xmpptest.StartEjabberd(t)
	bob := xmpptest.StartBob(t, s)
	_, resolv := xmpptest.StartNameServer(t, zoneOf(t, s, true, true))
	// Node reads no SSL_CERT_FILE, and would not trust the server.
	for _, client := range append(xmpptest.AccountClients()[1:3], trustful("server-ca.pem")) {
		t.Run(client.Name, func(t *testing.T) {
			p := place{uid: nobody, resolv: resolv, server: s, trusts: true}
			r, printed := p.loggedIn(t, client, bob)
			legs := 2
			want := "TLS of " + client.Name + " is ended here: "
			if client.Name == "slixmpp" {
				legs, want = 1, "is left as it is: Python logs its secrets"
			}
			if tls := r.find(func(e *event) bool { return e.Kind == "tls:established" }); len(tls) != legs {
				t.Errorf("%d handshakes are told, not %d", len(tls), legs)
			}
			if !strings.Contains(printed, want) && client.Name != "profanity" { // its terminal ends with it
				t.Errorf("it is not said that %q:\n%s", want, printed)
			}
		})
	}
}

// TestUntouched: a listener that leaves TLS as it is sees the whole ladder by the client's key
// log; what is saved opens in Wireshark and in ours. Without a key log it says what is missing.
func TestUntouched(t *testing.T) {
	t.Parallel()
	s := xmpptest.StartEjabberd(t)
	bob := xmpptest.StartBob(t, s)
	keylog := filepath.Join(t.TempDir(), "keys.log")
	t.Run("keys", func(t *testing.T) {
		scope := startScope(t, s.StartTLS, s.CAFile, "--reveal", "--untouched", "--keylog", keylog) // proxy --untouched --keylog
		says := t.Name()
		ran := xmpptest.Slixmpp(t, xmpptest.Login{Addr: scope.Addr, CAFile: s.CAFile, KeyLog: keylog, Says: says})
		if !ran.OK || !strings.Contains(ran.Output, "mechanism SCRAM-SHA-512-PLUS") {
			t.Fatalf("slixmpp could not log in by -PLUS:\n%s", ran.Output)
		}
		bob.Expect(t, says)
		scope.until(t, "end of the client's connection", 1, clientGone)
		r := scope.stop(t)
		r.check(t, true)
		checkLadder(t, r, slices.Concat(starttlsRungs, scramRungs, []string{"stream-open-3", "stream-reply-3", "features-3"}, boundRungs))
		checkWho(t, r, "SCRAM-SHA-512-PLUS")
		checkRead(t, r, scope.Saved)
		xmpptest.Need(t, "tshark")
		bound := false
		for _, f := range tshark(t, scope.Saved, wanted) {
			bound = bound || f["frame.interface_name"] == "client-leg" && strings.HasPrefix(f["xmpp.iq.bind.jid"], xmpptest.AliceJID)
		}
		if !bound {
			t.Error("tshark does not see the bind on the client's leg")
		}
	})
	t.Run("none", func(t *testing.T) {
		scope := startScope(t, s.StartTLS, s.CAFile, "--untouched")
		says := t.Name()
		ran := xmpptest.Slixmpp(t, xmpptest.Login{Addr: scope.Addr, CAFile: s.CAFile, Says: says})
		if !ran.OK {
			t.Fatalf("slixmpp could not log in:\n%s", ran.Output)
		}
		bob.Expect(t, says)
		scope.until(t, "end of the client's connection", 1, clientGone)
		r := scope.stop(t)
		locked := r.find(func(e *event) bool { return e.Kind == "tls:locked" })
		if len(locked) != 1 || !strings.Contains(locked[0].Detail.Hint, "let the client log its TLS secrets") {
			t.Errorf("it is told so: %+v", locked)
		}
		if got := r.ladder(1); len(got) < 5 || got[4] != "proceed" {
			t.Errorf("the ladder is %v", got)
		}
	})
}
