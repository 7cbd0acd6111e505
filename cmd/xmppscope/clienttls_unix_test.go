//go:build unix

package main

import (
	"strings"
	"testing"

	"xmppscope/proxy"
)

// TestClientTLSFlag: an unknown way, and one that nobody could go, are refused.
func TestClientTLSFlag(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"proxy", "--plain", "--listen", "127.0.0.1:0", "--client-tls", "of"}, "mirror, off or required"},
		{[]string{"proxy", "--plain", "--listen", "127.0.0.1:0", "--client-tls", "off", "--untouched", "--keylog", "keys"}, "--untouched"},
	} {
		cmd := scope(t, t.TempDir(), c.args...)
		out, _ := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != exitUsage || !strings.Contains(string(out), c.want) {
			t.Errorf("%v: exit %d:\n%s", c.args, cmd.ProcessState.ExitCode(), out)
		}
	}
}

// TestClientTLSWarns: off is said loudly where others can come in.
func TestClientTLSWarns(t *testing.T) {
	for way, remote := range map[proxy.ClientTLS]bool{proxy.WithoutTLS: true, proxy.RequireTLS: true, proxy.MirrorTLS: true} {
		if warned := strings.Contains(clearWarning(way, remote), "passwords too"); warned != (way == proxy.WithoutTLS) {
			t.Errorf("%q: warned %v", way, warned)
		}
	}
	if clearWarning(proxy.WithoutTLS, false) != "" {
		t.Error("warned on loopback")
	}
}
