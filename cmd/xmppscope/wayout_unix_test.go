//go:build unix

package main

import (
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xmppscope/internal/demo"
	"xmppscope/internal/xmpptest"
)

// TestWayOut: a server is found by the resolver that is named, and reached through the
// proxy; what was looked up, tried and won is told, and the proxy's password is not.
func TestWayOut(t *testing.T) {
	server, scenario := startDemo(t)
	_, port, _ := net.SplitHostPort(server.Addr())
	dns := xmpptest.StartDNS(t, fmt.Sprintf(`
_xmpp-client._tcp.xmpp.example 60 IN SRV 10 0 %[1]s down.lab.test
_xmpp-client._tcp.xmpp.example 60 IN SRV 20 0 %[1]s up.lab.test
up.lab.test 60 IN A 127.0.0.1
`, port))
	at, err := net.ResolveTCPAddr("tcp", server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	const password = "Pr0xyPassw0rd"
	socks, http := xmpptest.StartGateway(t, "socks5", password, 0, at), xmpptest.StartGateway(t, "http", "", 0, at)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "via"), []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const in = "logged in as alice@xmpp.example"
	fill := strings.NewReplacer("SOCKS", "socks5://me@"+socks.Addr, "HTTP", "http://"+http.Addr, "DNS", dns.Addr)
	for _, c := range []struct {
		line    string
		printed []string
	}{
		{"proxy --plain --insecure-upstream --resolver DNS", []string{in, "SRV _xmpp-client._tcp.xmpp.example: 10 0 " + port + " down.lab.test; 20 0 " + port + " up.lab.test", dns.Addr + " was asked, and it took", "down.lab.test has no A record", "up.lab.test is 127.0.0.1"}},
		{"proxy --json --insecure-upstream --resolver DNS", []string{`"kind":"dns:answered"`, `"question":"A up.lab.test"`, `"took_ns":`}},
		{"proxy --plain --insecure-upstream --resolver DNS --via SOCKS --via-password-file DIR/via", []string{in, "through the proxy socks5://me@" + socks.Addr}},
		{"proxy --plain --insecure-upstream --upstream xmpp.example:5222 --via HTTP", []string{in, "for xmpp.example:5222, which was named by --upstream, through the proxy http://" + http.Addr}},
		{"proxy --plain --insecure-upstream --upstream xmpp.example:5222 --via SOCKS", []string{"wants another user or password"}},
	} {
		printed, said := through(t, dir, fill.Replace(c.line), func(addr string, roots *x509.CertPool) {
			demo.RunClient(t.Context(), scenario, addr, roots, 0) // how that went is in what is printed
		})
		for _, want := range c.printed {
			if !strings.Contains(printed, want) {
				t.Errorf("%s: %q is not in\n%s\nsaid:\n%s", c.line, want, printed, said)
			}
		}
		if strings.Contains(printed+said, password) {
			t.Errorf("%s: the proxy's password is shown", c.line)
		}
	}
	if len(socks.Asked) != 1 || <-socks.Asked != "down.lab.test:"+port || <-http.Asked != "xmpp.example:5222" {
		t.Error("the proxies were asked for other servers")
	}
	ca := filepath.Join(dir, "ca")
	cmd := scope(t, dir, strings.Fields(fill.Replace("proxy --plain --insecure-upstream --upstream xmpp.example:5222 --via SOCKS --listen 127.0.0.1:0 --ca-dir "+ca))...)
	cmd.Env = append(cmd.Env, viaPassword+"="+password)
	printed, _ := throughCommand(t, ca, cmd, func(addr string, roots *x509.CertPool) {
		demo.RunClient(t.Context(), scenario, addr, roots, 0)
	})
	if !strings.Contains(printed, in) {
		t.Errorf("the password in the variable was not used:\n%s", printed)
	}
}

// TestKeepFlag: a server that sends its clients elsewhere does not lead them round us.
func TestKeepFlag(t *testing.T) {
	server, scenario := startDemo(t)
	first, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for c, err := first.Accept(); err == nil; c, err = first.Accept() {
			c.Read(make([]byte, 1000))
			fmt.Fprintf(c, "<stream:stream from='xmpp.example' id='1' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"+
				"<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>%s</see-other-host></stream:error></stream:stream>", server.Addr())
			c.Close()
		}
	}()
	t.Cleanup(func() { first.Close(); <-done })
	for _, c := range []struct {
		line    string
		printed []string
	}{
		{"proxy --plain --insecure-upstream --keep --upstream FIRST", []string{"the client is told 127.0.0.1:", "named by the server's see-other-host", "logged in as alice@xmpp.example"}},
		{"proxy --plain --insecure-upstream --upstream FIRST", []string{"past xmppscope unless it is led back (--keep)", "start xmppscope with --keep"}},
	} {
		printed, said := through(t, t.TempDir(), strings.ReplaceAll(c.line, "FIRST", first.Addr().String()), func(addr string, roots *x509.CertPool) {
			for range 2 {
				demo.RunClient(t.Context(), scenario, addr, roots, 0) // how that went is in what is printed
			}
		})
		for _, want := range c.printed {
			if !strings.Contains(printed, want) {
				t.Errorf("%s: %q is not in\n%s\nsaid:\n%s", c.line, want, printed, said)
			}
		}
	}
}
