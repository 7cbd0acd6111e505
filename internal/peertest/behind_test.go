//go:build linux

package peertest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/vishvananda/netns"

	"xmppscope/internal/xmpptest"
)

// TestDNSListen: a client that is given our resolver, and its account, comes through us; other
// names are answered as ever.
func TestDNSListen(t *testing.T) {
	t.Parallel()
	xmpptest.Need(t, "root", "slixmpp")
	s := xmpptest.StartProsody(t)
	bob := xmpptest.StartBob(t, s)
	real := xmpptest.StartDNS(t, zoneOf(t, s, true, false)+"other.test 60 IN A 192.0.2.99\n")
	at := "127.55.66.77"
	// proxy --dns-listen --dns-for
	scope := startScope(t, "", s.CAFile, "--reveal", "--listen", at+":0", "--resolver", real.Addr, "--dns-listen", at, "--dns-for", xmpptest.PeerDomain)
	home := xmpptest.ServerFolder(t)
	resolv := filepath.Join(home, "resolv.conf")
	if err := os.WriteFile(resolv, []byte("nameserver "+at+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p := place{resolv: resolv}
	says := t.Name()
	ran := xmpptest.SlixmppAccount(t, xmpptest.Wrapped{Home: home, Wrap: func(args []string) []string { return p.under(t, args...) }}, scope.CAFile, says)
	if !ran.OK {
		t.Fatalf("slixmpp could not log in:\n%s", ran.Output)
	}
	bob.Expect(t, says)
	args := p.under(t, "getent", "ahostsv4", "other.test")
	if out, err := exec.Command(args[0], args[1:]...).Output(); err != nil || !strings.HasPrefix(string(out), "192.0.2.99") {
		t.Errorf("other.test is %q (%v)", out, err)
	}
	scope.until(t, "end of the client's connection", 1, clientGone)
	r := scope.stop(t)
	var asked []string
	for _, e := range r.find(func(e *event) bool { return e.Session == 0 && e.Kind == "dns:answered" }) {
		asked = append(asked, e.Summary)
	}
	if all := strings.Join(asked, "\n"); !strings.Contains(all, "_xmpp-client._tcp.peers.test: 0 0 ") || !strings.Contains(all, "other.test is 192.0.2.99") {
		t.Errorf("what was asked is told so:\n%s", all)
	}
	r.events = r.find(func(e *event) bool { return e.Session > 0 })
	if len(r.step("bind-result")) != 1 {
		t.Error("no login is seen")
	}
}

// TestTransparent: a device whose gateway we are comes through us by the rules that are
// printed, to the server that it has connected to.
func TestTransparent(t *testing.T) {
	xmpptest.Need(t, "root", "ip", "nft")
	device, gateway := namespace(t), namespace(t)
	sh(t, fmt.Sprintf(`ip -n %[1]s link add eth0 type veth peer name eth1 netns %[2]s
ip -n %[1]s addr add 192.0.2.2/24 dev eth0; ip -n %[1]s link set eth0 up; ip -n %[1]s route add default via 192.0.2.1
ip -n %[2]s addr add 192.0.2.1/24 dev eth1; ip -n %[2]s link set eth1 up; ip -n %[2]s link set lo up; ip -n %[2]s addr add 203.0.113.5/32 dev lo`, device, gateway))
	server := listenIn(t, gateway, "203.0.113.5:5222")
	go func() {
		for {
			c, err := server.Accept()
			if err != nil {
				return
			}
			line, _ := bufio.NewReader(c).ReadString('>')
			fmt.Fprintf(c, "%s\n", line)
			c.Close()
		}
	}()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := command(t, "proxy", "--transparent", "--listen", "0.0.0.0:0", "--allow-remote", "--json")
	cmd.Path, cmd.Args = "/usr/bin/env", append([]string{"env", "ip", "netns", "exec", gateway, path}, cmd.Args[1:]...)
	var out bytes.Buffer
	cmd.Stdout = &out
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	lines, ready := bufio.NewScanner(stderr), false
	var rules []string
	for !ready && lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "  nft "); ok {
			rules = append(rules, "ip netns exec "+gateway+" nft "+text)
		}
		ready = strings.Contains(lines.Text(), "listening on")
	}
	if len(rules) != 3 {
		t.Fatalf("%d rules are printed", len(rules))
	}
	sh(t, strings.Join(rules, "\n"))
	const header = "<stream:stream to='wire.example' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
	for says, want := range map[string]string{header: header, "something else>": "something else>"} {
		got, err := exec.Command("ip", "netns", "exec", device, "bash", "-c", `exec 3<>/dev/tcp/203.0.113.5/5222; printf %s "$0" >&3; cat <&3`, says).Output()
		if strings.TrimSpace(string(got)) != want {
			t.Errorf("the device gets %q (%v), not %q", got, err, want)
		}
	}
	cmd.Process.Signal(os.Interrupt)
	for lines.Scan() {
	}
	cmd.Wait()
	var opened []string
	for line := range strings.Lines(out.String()) {
		var e event
		if json.Unmarshal([]byte(line), &e) == nil && e.Kind == "tcp:opened" {
			opened = append(opened, e.Leg+": "+e.Summary)
		}
	}
	if len(opened) != 2 || !strings.HasPrefix(opened[0], "client: client connected from 192.0.2.2:") || opened[1] != "server: connected to the server 203.0.113.5:5222" {
		t.Errorf("opened are %q", opened)
	}
}

// namespace makes a network namespace for the length of the test.
func namespace(t *testing.T) string {
	t.Helper()
	name := fmt.Sprintf("xs-%08x", rand.Uint32())
	sh(t, "ip netns add "+name)
	t.Cleanup(func() { exec.Command("ip", "netns", "del", name).Run() })
	return name
}

// listenIn listens in a network namespace.
func listenIn(t *testing.T, name, addr string) net.Listener {
	t.Helper()
	type made struct {
		l   net.Listener
		err error
	}
	done := make(chan made)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread is of no other use any more
		var m made
		h, err := netns.GetFromName(name)
		if err == nil {
			err = netns.Set(h)
			h.Close()
		}
		if m.err = err; err == nil {
			m.l, m.err = net.Listen("tcp", addr)
		}
		done <- m
	}()
	m := <-done
	if m.err != nil {
		t.Fatal(m.err)
	}
	t.Cleanup(func() { m.l.Close() })
	return m.l
}

func sh(t *testing.T, script string) {
	t.Helper()
	if out, err := exec.Command("sh", "-e", "-c", script).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
}
