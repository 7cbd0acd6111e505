//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"xmppscope/proxy"
)

// TestEntrances: each --listen has its own server, what has none has that of --upstream, and
// all are named.
func TestEntrances(t *testing.T) {
	said := map[string]string{}
	var targets []string
	for _, word := range []string{"one", "two", "three"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				io.ReadFull(c, make([]byte, 5))
				io.WriteString(c, word)
				c.Close()
			}
		}()
		said[l.Addr().String()] = word
		targets = append(targets, l.Addr().String())
	}
	args := []string{"proxy", "--json", "--ca-dir", t.TempDir(), "--upstream", targets[0],
		"--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0=" + targets[1], "-l", "127.0.0.1:0=" + targets[2]}
	cmd, stdout, problems, first := startHeard(t, args)
	lines := []string{first}
	for len(lines) < 3 && problems.Scan() {
		if line, ok := strings.CutPrefix(problems.Text(), "listening on "); ok {
			lines = append(lines, line)
		}
	}
	rest := make(chan struct{})
	go func() {
		defer close(rest)
		for problems.Scan() {
		}
	}()
	printed := make(chan map[string]bool, 1)
	go func() {
		peers := map[string]bool{}
		for in := bufio.NewScanner(stdout); in.Scan(); {
			var e struct {
				Leg, Kind string
				Detail    struct{ Local, Peer string }
			}
			if json.Unmarshal(in.Bytes(), &e) == nil && e.Kind == "tcp:opened" {
				if e.Leg == "client" {
					peers[e.Detail.Local] = true
				} else {
					peers[e.Detail.Peer] = true
				}
			}
		}
		printed <- peers
	}()
	var entered []string
	for i, line := range lines {
		addr, target, ok := strings.Cut(line, " → ")
		if !ok || target != targets[i] {
			t.Fatalf("it says that it is listening on %q", line)
		}
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, "hello")
		got, err := io.ReadAll(c)
		c.Close()
		if err != nil || string(got) != said[target] {
			t.Errorf("%s: %q, %v", line, got, err)
		}
		entered = append(entered, addr)
	}
	cmd.Process.Signal(syscall.SIGINT)
	peers := <-printed
	<-rest
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	for i, addr := range entered {
		if !peers[addr] || !peers[targets[i]] {
			t.Errorf("no event names %s and %s: %v", addr, targets[i], peers)
		}
	}
}

// TestEntrancesAreChecked: one that is wrong is refused before anything is opened.
func TestEntrancesAreChecked(t *testing.T) {
	for _, c := range []struct {
		p    *proxyFlags
		want string
	}{
		{&proxyFlags{listen: []string{"127.0.0.1:0", "127.0.0.1:0="}}, "names no server"},
		{&proxyFlags{listen: []string{"127.0.0.1:0", "127.0.0.1"}}, "want ADDRESS:PORT"},
		{&proxyFlags{listen: []string{"127.0.0.1:0=ftp://x"}}, `--listen "ftp://x": unknown scheme`},
		{&proxyFlags{listen: []string{"127.0.0.1:0=x", "0.0.0.0:0=x"}}, "others can reach this address"},
		{&proxyFlags{listen: []string{"127.0.0.1:0=x", "0.0.0.0:0"}, remote: true}, "open relay"},
		{&proxyFlags{listen: []string{"127.0.0.1:0", "127.0.0.1:0"}, behind: behindFlags{transparent: true}}, "at one address"},
	} {
		if _, err := c.p.ways(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v", c.p.listen, err)
		}
	}
	if got := (&live{title: "xmppscope", where: "A → B", further: nil}).name(); got != "xmppscope" {
		t.Errorf("one entrance: %q", got)
	}
	if got := (&live{title: "xmppscope", where: "A → B, C → D", further: make([]proxy.Entrance, 1)}).name(); got != "xmppscope A → B, C → D" {
		t.Errorf("two: %q", got)
	}
}
