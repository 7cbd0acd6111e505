package peertest

import (
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xmppscope/internal/demo"
	"xmppscope/internal/xmpptest"
)

// federation is two Prosodys, of east.test and west.test, that reach each other through one
// xmppscope: DNS says that they are there. Alice is of the east, bob of the west.
type federation struct {
	scope *scope
	east  xmpptest.Login // alice's
	bob   *xmpptest.Bob
}

// federated says how the two servers are set.
type federated struct {
	settings string // further ones, of both
	direct   bool   // TLS from the first byte (_xmpps-server)
	keys     bool   // xmppscope has certificates and keys of both
}

// federate starts the two, and logs bob in.
func federate(t *testing.T, how federated) *federation {
	t.Helper()
	xmpptest.Need(t, "prosody", "root", "unshare")
	dir := xmpptest.ServerFolder(t)
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca := newIssuer(t, "CA of the federation")
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw})
	rootFile := write("ca.pem", root)
	scheme, service, srvPort := "", "_xmpp-server", "s2s_ports"
	if how.direct {
		scheme, service, srvPort = "tls://", "_xmpps-server", "s2s_direct_tls_ports"
	}

	ports, zone := map[string]string{}, ""
	args := []string{"proxy", "--upstream-ca", rootFile, "--reveal"}
	for _, name := range []string{"east", "west"} {
		chain, key, err := demo.EncodePEM(ca.server(t, -1, 100, name+".test"))
		if err != nil {
			t.Fatal(err)
		}
		pair := write(name+"-chain.pem", chain) + "," + write(name+"-key.pem", key)
		if how.keys {
			args = append(args, "--upstream-cert", pair) // proxy --upstream-cert
		}
		port, door := xmpptest.FreeAddress(t), xmpptest.FreeAddress(t)
		ports[name] = port
		args = append(args, "--listen", door+"="+scheme+port)
		zone += fmt.Sprintf("%[1]s.test 60 IN A 127.0.0.1\n%[2]s._tcp.%[1]s.test 60 IN SRV 1 0 %[3]s %[1]s.test\n", name, service, portAt(t, door))
	}
	f := &federation{scope: launch(t, args...)}
	ours, err := os.ReadFile(f.scope.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	write("trusted.pem", slices.Concat(root, ours))
	_, resolv := xmpptest.StartNameServer(t, zone)

	host := func(name, user string) xmpptest.Login {
		own := filepath.Join(dir, name)
		xmpptest.ProsodyAccount(t, own, user, name+".test", password)
		addr, _ := xmpptest.RunProsodyAt(t, own, fmt.Sprintf(`modules_disabled = {}
%[5]s = { %[1]s }
ssl = { certificate = "%[2]s/%[3]s-chain.pem"; key = "%[2]s/%[3]s-key.pem"; protocol = "tlsv1_2+"; cafile = "%[2]s/trusted.pem" }
c2s_direct_tls_ssl = ssl
s2s_direct_tls_ssl = ssl
%[4]s
VirtualHost "%[3]s.test"
`, portAt(t, ports[name]), dir, name, how.settings, srvPort), resolv)
		return xmpptest.Login{Addr: addr, JID: user + "@" + name + ".test", Password: password, CAFile: rootFile}
	}
	f.east = host("east", "alice")
	f.bob = xmpptest.StartBobAs(t, host("west", "bob"))
	return f
}

// exchange has alice write to bob, who answers, and returns what was seen of that.
func (f *federation) exchange(t *testing.T) recording {
	t.Helper()
	alice := f.east
	alice.To, alice.Says = "bob@west.test", "to the west, "+t.Name()
	ran := xmpptest.Slixmpp(t, alice)
	if !ran.OK {
		t.Fatalf("alice could not write to bob:\n%s", ran.Output)
	}
	if from := f.bob.Expect(t, alice.Says); !strings.HasPrefix(from, alice.JID) {
		t.Errorf("bob was written to by %q", from)
	}
	r := f.scope.stop(t)
	r.check(t, true)
	checkRead(t, r, f.scope.Saved)
	for _, way := range []struct{ session, text, to string }{{alice.JID, alice.Says, alice.To}, {alice.To, "echo: " + alice.Says, alice.JID}} {
		passed := r.find(func(e *event) bool {
			return e.Name == "message" && e.Raw != nil && strings.Contains(*e.Raw, ">"+way.text+"<")
		})
		if len(passed) != 1 {
			t.Errorf("%q was seen %d times", way.text, len(passed))
		}
	}
	return r
}

// calls are the numbers of the sessions by who calls whom: "east.test to west.test".
func (r recording) calls() map[string]int {
	out := map[string]int{}
	for _, e := range r.step("stream-open-1") {
		out[e.field("from")+" to "+e.field("to")] = e.Session
	}
	return out
}

// verdictOn is the newest one of a session, with its advice.
func (r recording) verdictOn(session int) string {
	what, next := r.verdict(session)
	return what + "; " + next
}

// grave are the rules whose findings in a session are more than a notice.
func (r recording) grave(session int) (rules []string) {
	for _, e := range r.events {
		for _, n := range e.Notes {
			if e.Session == session && (n.Severity == "warning" || n.Severity == "error") && !slices.Contains(rules, n.Rule) {
				rules = append(rules, n.Rule)
			}
		}
	}
	return rules
}

// How the servers prove who they are.
const (
	byDialback = `s2s_secure_auth = false
modules_enabled = { "roster", "saslauth", "tls", "disco", "presence", "message", "iq", "dialback" }`
	byExternal = "s2s_secure_auth = true"
)

// TestFederation: two servers reach each other through us, whichever calls, and what a user of
// one writes comes to one of the other, and back. The ladder is that of servers, and nothing
// is held against them that is right.
func TestFederation(t *testing.T) {
	secured := slices.Clone(starttlsRungs)
	for _, c := range []struct {
		name    string
		how     federated
		rungs   []string
		later   string   // a rung
		verdict string   // of who calls
		grave   []string // T12, as these certificates are for servers alone
	}{
		{"dialback", federated{settings: byDialback}, secured, "dialback-result", `"FROM" has proved its domain to "TO" by dialback over TLS 1.3`, []string{"T12"}},
		{"external", federated{settings: byExternal, keys: true}, append(secured, "sasl-auth", "sasl-success", "stream-open-3", "stream-reply-3", "features-3"), "", "logged in as FROM by EXTERNAL over TLS 1.3", []string{"T12"}},
		{"direct", federated{settings: byExternal, keys: true, direct: true}, append(slices.Clone(directRungs), "sasl-auth", "sasl-success", "stream-open-2", "stream-reply-2", "features-2"), "", "logged in as FROM by EXTERNAL over TLS 1.3", []string{"T12"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := federate(t, c.how)
			r := f.exchange(t)
			told, err := command(t, "explain", f.scope.Saved).CombinedOutput()
			if err != nil {
				t.Errorf("explain: %v", err)
			}
			for _, way := range [][2]string{{"east.test", "west.test"}, {"west.test", "east.test"}} {
				call := r.calls()[way[0]+" to "+way[1]]
				if got := r.ladder(call); len(got) < len(c.rungs) || !slices.Equal(got[:len(c.rungs)], c.rungs) || c.later != "" && !slices.ContainsFunc(got, func(id string) bool { return id == c.later }) {
					t.Errorf("%v, session %d: the ladder is %v", way, call, got)
				}
				if got, want := r.verdictOn(call), strings.NewReplacer("FROM", way[0], "TO", way[1]).Replace(c.verdict); !strings.HasPrefix(got, want) || strings.Contains(got, "binding") {
					t.Errorf("session %d: the verdict is %s", call, got)
				}
				if got := r.grave(call); !slices.Equal(got, c.grave) {
					t.Errorf("session %d: held against it is %v", call, got)
				}
				if want := way[0] + " at " + way[1] + ", "; !strings.Contains(string(told), want) {
					t.Errorf("explain does not say %q:\n%s", want, told)
				}
				shown := r.find(func(e *event) bool {
					return e.Session == call && e.Kind == "tls:established" && strings.Contains(e.field("client-certificate"), "DNS "+way[0]+";")
				})
				if want := map[bool]int{false: 1, true: 2}[c.how.keys]; len(shown) != want { // of two legs
					t.Errorf("session %d: the certificate of who calls is told on %d legs, not %d", call, len(shown), want)
				}
			}
		})
	}
}

// TestFederationKeptBack: a server that goes by certificates is shown none through us, unless
// we have one; that this is why is what the verdict says.
func TestFederationKeptBack(t *testing.T) {
	f := federate(t, federated{settings: byExternal})
	alice := f.east
	alice.To, alice.Says = "bob@west.test", "nobody reads this"
	if ran := xmpptest.Slixmpp(t, alice); ran.OK || !strings.Contains(ran.Output, "bounced") {
		t.Errorf("alice's message went somewhere:\n%s", ran.Output)
	}
	r := f.scope.stop(t)
	r.check(t, true)
	call := r.calls()["east.test to west.test"]
	for _, want := range []string{"asked for a certificate and was shown none", "--upstream-cert"} {
		if got := r.verdictOn(call); !strings.Contains(got, want) {
			t.Errorf("the verdict does not say %q: %s", want, got)
		}
	}
}
