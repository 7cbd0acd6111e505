package main

import (
	"os"
	"strings"
	"testing"

	"xmppscope/certs"
	"xmppscope/proxy"
)

// TestClientEnvironment: a client that is started gets our environment, and none of our secrets.
func TestClientEnvironment(t *testing.T) {
	t.Setenv(viaPassword, "hunter2")
	t.Setenv("XMPPSCOPE_CONTROL_TOKEN", "hunter2")
	t.Setenv("MY_OWN", "stays")
	ca, err := certs.NewMemory()
	if err != nil {
		t.Fatal(err)
	}
	c := &client{folder: t.TempDir(), ca: ca.RootDER()}
	env, _, err := c.environment(false)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(env, "\n")
	if strings.Contains(all, "hunter2") || !strings.Contains(all, "MY_OWN=stays") {
		t.Errorf("the client gets %q", all)
	}
}

// TestScriptEnvironment: the process of a script gets none of them either.
func TestScriptEnvironment(t *testing.T) {
	t.Setenv("XMPPSCOPE_CONTROL_TOKEN", "hunter2")
	if cmd := scriptProcess("xmppscope", "x.star"); cmd.Env == nil || strings.Contains(strings.Join(cmd.Env, "\n"), "hunter2") {
		t.Errorf("it gets %q", cmd.Env)
	}
}

// TestViaPasswordIsTaken: the programs that a run starts later, such as scripts, do not have
// the password of the proxy.
func TestViaPasswordIsTaken(t *testing.T) {
	t.Setenv(viaPassword, "hunter2")
	w := wayOutFlags{via: "socks5://me@127.0.0.1:1080"}
	r := new(proxy.Resolver)
	if err := w.apply(r); err != nil || r.Through.Password != "hunter2" {
		t.Fatalf("%+v, %v", r.Through, err)
	}
	if all := strings.Join(os.Environ(), "\n"); strings.Contains(all, "hunter2") {
		t.Error("it is still in the environment")
	}
}
