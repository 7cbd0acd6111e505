//go:build unix

package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
)

// TestDoctorFlags: each of them does what it says.
func TestDoctorFlags(t *testing.T) {
	server, _ := startDemo(t)
	at, err := net.ResolveTCPAddr("tcp", server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	old := directTLS(t, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	dns := xmpptest.StartDNS(t, fmt.Sprintf("_xmpp-client._tcp.xmpp.example 60 IN SRV 5 0 %d host.test\n_xmpp-server._tcp.xmpp.example 60 IN SRV 0 0 0 .\nhost.test 60 IN A 127.0.0.1\n", at.Port))
	gateway := xmpptest.StartGateway(t, "socks5", "s3cret", 0, at)
	dir := t.TempDir()
	for name, text := range map[string][]byte{"server.pem": server.Authority().PEM(), "via": []byte("s3cret\n")} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fill := strings.NewReplacer("SERVER", server.Addr(), "DNS", dns.Addr, "SOCKS", "socks5://me@"+gateway.Addr, "OLD", "tls://"+old.Addr().String(), "SILENT", silent.Addr().String(), "NOBODY", xmpptest.FreeAddress(t), "DIR", dir)
	for _, c := range []struct {
		line string
		code int
		want []string
	}{
		{"doctor --resolve xmpp.example=SERVER --upstream-ca DIR/server.pem --resolve xmpp.example:443=NOBODY xmpp.example", 0, []string{"xmpp.example: nothing is wrong", "SASL: SCRAM-SHA-256, SCRAM-SHA-1, PLAIN", "verified     yes"}},
		{"doctor --resolve xmpp.example=SERVER --resolve xmpp.example:443=NOBODY xmpp.example", 1, []string{"error: ", "no such issuer is in the system's store", "--upstream-ca FILE"}},
		{"doctor --resolver DNS --upstream-ca DIR/server.pem --resolve xmpp.example:443=NOBODY xmpp.example", 0, []string{"host.test → 127.0.0.1"}},
		{"doctor --json --resolve xmpp.example=SERVER --upstream-ca DIR/server.pem --resolve xmpp.example:443=NOBODY xmpp.example", 0, []string{`{"domain":"xmpp.example","problems":[]`, `"mechanisms":["SCRAM-SHA-256","SCRAM-SHA-1","PLAIN"]`, `"version":"TLS 1.3"`}},
		{"doctor --timeout 3s --via SOCKS --via-password-file DIR/via --resolver DNS --upstream-ca DIR/server.pem xmpp.example", 0, []string{"STARTTLS for clients", "verified     yes"}},
		{"doctor --resolve xmpp.example=OLD --resolve xmpp.example:443=NOBODY xmpp.example", 1, []string{"none of the TLS versions that were offered (TLS 1.3, TLS 1.2)"}},
		{"doctor --legacy-tls --resolve xmpp.example=OLD --resolve xmpp.example:443=NOBODY xmpp.example", 1, []string{"TLS 1.1 is deprecated", "T10"}},
		{"doctor --timeout 100ms --resolve xmpp.example=SILENT --resolve xmpp.example:443=NOBODY xmpp.example", 1, []string{"waits"}},
		{"doctor --timeout 0s xmpp.example", 2, []string{"want more than nothing"}},
		{"doctor", 2, []string{"doctor takes one domain, not 0"}},
		{"doctor user@xmpp.example", 2, []string{"no domain name", "behind the @"}},
	} {
		cmd := scope(t, dir, strings.Fields(fill.Replace(c.line))...)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != c.code {
			t.Errorf("%s: exit code %d, want %d:\n%s", c.line, code, c.code, &out)
		}
		for _, want := range c.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: %q is not in\n%s", c.line, want, &out)
			}
		}
	}
}
