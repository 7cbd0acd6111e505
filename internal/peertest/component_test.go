package peertest

import (
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
)

// TestComponent: a component (XEP-0114) comes through us to its server, is let in by its
// secret, and writes and is written to; with another secret the verdict says that this is why.
func TestComponent(t *testing.T) {
	xmpptest.Need(t, "prosody", "slixmpp")
	const gateway, secret = "gateway.peers.test", "rabbit-hole-1865"
	dir := xmpptest.ServerFolder(t)
	ca := newIssuer(t, "CA of a server with a component")
	writePair(t, dir, "server", ca.server(t, -1, 100, xmpptest.PeerDomain))
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	xmpptest.ProsodyAccount(t, dir, "bob", xmpptest.PeerDomain, xmpptest.BobPassword)
	port := xmpptest.FreeAddress(t)
	addr, _ := xmpptest.RunProsody(t, dir, fmt.Sprintf(`component_ports = { %s }
ssl = { certificate = dir .. "/server.pem"; key = dir .. "/server.pem" }
c2s_direct_tls_ssl = ssl
VirtualHost %q
Component %q
component_secret = %q
`, portAt(t, port), xmpptest.PeerDomain, gateway, secret))
	bob := xmpptest.StartBob(t, &xmpptest.PeerServer{Name: "prosody", StartTLS: addr, CAFile: filepath.Join(dir, "ca.pem")})
	secretFile := filepath.Join(dir, "secret")
	if err := os.WriteFile(secretFile, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, secret string
		rungs        []string
		verdict      []string
	}{
		{"good", secret, []string{"stream-open-1", "stream-reply-1", "component-handshake", "component-handshake"}, []string{"logged in as gateway.peers.test in the clear"}},
		{"wrong", "red-queen-1865", []string{"stream-open-1", "stream-reply-1", "component-handshake", "stream-error"}, []string{"not-authorized", "secret"}},
	} {
		for _, known := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, secret known: %v", c.name, known), func(t *testing.T) {
				args := []string{"proxy", "--upstream", port}
				if known {
					args = append(args, "--password-file", gateway+"="+secretFile)
				} else {
					args = append(args, "--reveal")
				}
				scope := launch(t, args...)
				says := "from a gateway, " + t.Name()
				ran := xmpptest.SlixmppComponent(t, xmpptest.Login{Addr: scope.Addr, JID: gateway, Password: c.secret, Says: says})
				if ran.OK != (c.secret == secret) {
					t.Errorf("slixmpp came to %v:\n%s", ran.OK, ran.Output)
				}
				if ran.OK {
					if from := bob.Expect(t, says); from != "robot@"+gateway {
						t.Errorf("bob was written to by %q", from)
					}
				}
				scope.until(t, "end of the component's connection", 1, clientGone)
				r := scope.stop(t)
				r.check(t, !known)
				if got := r.ladder(1); !slices.Equal(got, c.rungs) {
					t.Errorf("the ladder is %v", got)
				}
				for _, want := range c.verdict {
					if got := r.verdictOn(1); !strings.Contains(got, want) {
						t.Errorf("the verdict does not say %q: %s", want, got)
					}
				}
				if got := r.grave(1); ran.OK && len(got) > 0 {
					t.Errorf("held against it is %v", got)
				}
				if !known {
					checkRead(t, r, scope.Saved)
					return
				}
				proof := r.step("component-handshake")[0]
				if proof.Raw == nil || !strings.Contains(*proof.Raw, "[digest #1, 40 characters]") {
					t.Errorf("the digest is shown so: %v", proof.Raw)
				}
				if fits := proof.field("handshake-check"); fits != map[bool]string{true: "fits", false: "does not fit"}[ran.OK] {
					t.Errorf("with the secret known it is said that it %s", fits)
				}
			})
		}
	}
}
