package proxy

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"xmppscope/internal/idn"
	"xmppscope/internal/lookup"
	"xmppscope/session"
)

// names answers with these servers for STARTTLS, and notes what it was asked; hosts are
// asked of the system.
type names struct {
	asked   *string
	servers []net.Addr
}

func srv(asked *string, servers ...net.Addr) names { return names{asked, servers} }

func (n names) Ask(ctx context.Context, kind, name string) lookup.Answer {
	if kind != lookup.SRV {
		return new(lookup.Resolver).Ask(ctx, kind, name)
	}
	a := lookup.Answer{Kind: kind, Name: name}
	if strings.HasPrefix(name, "_xmpp-client.") {
		*n.asked = name
		for _, s := range n.servers {
			host, port, _ := net.SplitHostPort(s.String())
			p, _ := strconv.Atoi(port)
			a.Services = append(a.Services, lookup.Service{Target: host, Port: uint16(p)})
		}
	}
	return a
}

// TestOneNameForOneDomain: however a client writes its domain, what is asked of DNS
// and what the certificate names is the same.
func TestOneNameForOneDomain(t *testing.T) {
	const ascii = "xn--bcher-kva.example"
	for _, to := range []string{"bücher.example", "bu\u0308cher.example", "BÜCHER.example.", "XN--BCHER-KVA.example"} {
		b := newUnstarted(t)
		var asked string
		b.options.Resolver = &Resolver{Names: srv(&asked, b.upstream.Addr())}
		b.domain = ascii
		b.start(t)
		c := b.dial(t)
		header := "<stream:stream to='" + to + "' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
		mustWrite(t, c, header+startTLS)
		s := b.accept(t)
		mustRead(t, s, header+startTLS)
		mustWrite(t, s, serverHdr+featuresTLS+proceed)
		mustRead(t, c, serverHdr+featuresTLS+proceed)
		handshakes(t, b.clientTLS(), b.serverTLS(t), c, s) // where the client looks for the ASCII form
		if want := "_xmpp-client._tcp." + ascii; asked != want {
			t.Errorf("%q: %s was looked up, want %s", to, asked, want)
		}
	}
}

// dial asks a resolver for a domain and returns why it refused, with the hint, or "".
func dial(t *testing.T, r *Resolver, q Request) string {
	t.Helper()
	var failed session.TCPFailed
	conn, _, err := r.Dial(t.Context(), q, func(e session.Seen) {
		if b, ok := e.Body.(session.TCPFailed); ok {
			failed = b
		}
	})
	if err == nil {
		conn.Close()
		return ""
	}
	return failed.Reason + " / " + failed.Hint
}

func listening(t *testing.T, address string) net.Addr {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr()
}

// TestWhereNoDomainLeads: what a client says leads to servers, not to whatever an
// address of another kind means to the system. Each of these reached a listener on
// loopback, or could have.
func TestWhereNoDomainLeads(t *testing.T) {
	for to, want := range map[string]string{
		"0.0.0.0":               "the address of none in particular",
		"[::]":                  "the address of none in particular",
		"::ffff:127.0.0.1":      "IPv4 address in the clothes of IPv6",
		"[::ffff:192.0.2.1]":    "IPv4 address in the clothes of IPv6",
		"::ffff:0:0":            "IPv4 address in the clothes of IPv6",
		"169.254.169.254":       "link-local",
		"fe80::1":               "link-local",
		"fe80::1%lo":            "no domain name",
		"224.0.0.1":             "multicast",
		"ff02::1":               "multicast",
		"255.255.255.255":       "no address of a single machine",
		"64:ff9b::7f00:1":       "no address of a single machine",
		"64:ff9b::a9fe:a9fe":    "link-local",
		"xn--":                  "no domain name",
		"xn--.":                 "no domain name",
		"\uff58n--":             "no domain name",
		".":                     "no domain name",
		strings.Repeat("a", 64): "no domain name",
		"localhost:5222":        "no domain name",
		"127.0.0.1:5222":        "no domain name",
		"user@localhost":        "no domain name",
		"":                      "no \"to\"",
	} {
		if got := dial(t, new(Resolver), Request{Domain: to}); !strings.Contains(got, want) || strings.HasSuffix(got, " / ") {
			t.Errorf("%q: %q, want %q and a hint", to, got, want)
		}
	}
	// The same, where DNS has it.
	for _, server := range []string{"0.0.0.0", "::", "::ffff:0.0.0.0", "169.254.169.254", "fe80::1", "64:ff9b::a9fe:a9fe", "ff02::1"} {
		var asked string
		r := &Resolver{Names: srv(&asked, net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(server), 5222)))}
		if got := dial(t, r, Request{Domain: "evil.example"}); !strings.Contains(got, "no domain leads there") || !strings.Contains(got, "--resolve") {
			t.Errorf("SRV %s: %q", server, got)
		}
	}
}

// TestParseTargetURL: a URL names a server, and the path that it is asked for.
func TestParseTargetURL(t *testing.T) {
	for text, want := range map[string]string{
		"wss://a.example:5281/":                     "a.example:5281 true ",
		"ws://a.example":                            "a.example:80 false ",
		"wss://a.example:5281/xmpp-websocket?a=%20": "a.example:5281 true /xmpp-websocket?a=%20",
		"https://[::1]/http-bind":                   "[::1]:443 true /http-bind",
		"wss://a.example?a":                         "is no path",
		"wss://a.example/a b":                       "is no path",
		"wss://a.example/#a":                        "is no path",
		"ftp://a.example":                           "unknown scheme",
	} {
		target, err := ParseTarget(text, "--upstream")
		got := fmt.Sprint(target.Address(), " ", target.Direct, " ", target.Path)
		if err != nil {
			got = err.Error()
		}
		if got != want && !(err != nil && strings.Contains(got, want)) {
			t.Errorf("%s: %s", text, got)
		}
	}
}

// TestWhatIsMeantIsReached: what the person has named, whatever its address, and what
// has a name on this desk.
func TestWhatIsMeantIsReached(t *testing.T) {
	at := listening(t, "127.0.0.1:0")
	_, port, _ := net.SplitHostPort(at.String())
	lab, _ := idn.Parse("lab.test")
	given := func(s string) *Target {
		target, err := ParseTarget(s, "--upstream")
		if err != nil {
			t.Fatal(err)
		}
		return &target
	}
	var asked string
	for name, r := range map[string]*Resolver{
		"--upstream localhost":         {Upstream: given("localhost:" + port)},
		"--upstream 127.0.0.1, remote": {Upstream: given("127.0.0.1:" + port), Remote: true},
		"--upstream 0.0.0.0":           {Upstream: given("0.0.0.0:" + port)},
		"--resolve, remote":            {Overrides: map[idn.Domain]Target{lab: *given("127.0.0.1:" + port)}, Allow: []idn.Domain{lab}, Remote: true},
		"SRV to loopback":              {Names: srv(&asked, at)},
		"SRV to localhost":             {Names: srv(&asked, named{"localhost:" + port})},
	} {
		if got := dial(t, r, Request{Domain: "lab.test"}); got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
	// Clients from elsewhere are not led to what listens here alone.
	for _, server := range []net.Addr{at, named{"localhost:" + port}} {
		r := &Resolver{Names: srv(&asked, server), Remote: true}
		if got := dial(t, r, Request{Domain: "lab.test"}); !strings.Contains(got, "for this machine alone") {
			t.Errorf("%s, remote: %q", server, got)
		}
	}
}

// named is an address with a name in it.
type named struct{ s string }

func (named) Network() string  { return "tcp" }
func (n named) String() string { return n.s }

// TestAllow: a domain that is not named is not connected to, in however it is written.
func TestAllow(t *testing.T) {
	var asked string
	good, _ := idn.Parse("good.example")
	book, _ := idn.Parse("bücher.example")
	r := &Resolver{Allow: []idn.Domain{good, book}, Names: srv(&asked, listening(t, "127.0.0.1:0"))}
	for _, to := range []string{"good.example", "GOOD.example.", "bu\u0308cher.example", "xn--bcher-kva.example"} {
		if got := dial(t, r, Request{Domain: to}); got != "" {
			t.Errorf("%q: %s", to, got)
		}
	}
	asked = ""
	for _, to := range []string{"evil.example", "good.example.evil.example", "sub.good.example", "localhost", "127.0.0.1"} {
		for _, direct := range []bool{false, true} {
			if got := dial(t, r, Request{Domain: to, Direct: direct}); !strings.Contains(got, "--allow-domain") {
				t.Errorf("%q: %q", to, got)
			}
		}
	}
	if asked != "" {
		t.Errorf("%s was looked up", asked)
	}
}

// TestAllowPorts: a domain that is allowed is so for its XMPP, and not for all that runs there;
// a port that was named otherwise is meant.
func TestAllowPorts(t *testing.T) {
	good, _ := idn.Parse("good.example")
	r := &Resolver{Allow: []idn.Domain{good}, Ports: map[string]Target{"good.example:25": {Host: "good.example", Port: 2525}}}
	for port, want := range map[int]bool{22: false, 25: true, 3306: false, 443: true, 5222: true, 5223: true, 5269: true, 5281: true} {
		_, err := r.targets(t.Context(), Request{Named: &Named{Host: "good.example", Port: port}}, nil)
		if (err == nil) != want || err != nil && !strings.Contains(err.Error(), "--allow-domain is about XMPP") {
			t.Errorf("%d: %v", port, err)
		}
	}
	if _, err := new(Resolver).targets(t.Context(), Request{Named: &Named{Host: "good.example", Port: 22}}, nil); err != nil {
		t.Errorf("where nothing is limited: %v", err)
	}
}

// TestItself: a target that is our own listener is known before it is connected to, by
// whatever address.
func TestItself(t *testing.T) {
	for listen, targets := range map[string][]string{
		"127.0.0.1:0": {"127.0.0.1", "localhost", "0.0.0.0"},
		"0.0.0.0:0":   append([]string{"127.0.0.1", "127.0.0.2", "localhost", "0.0.0.0"}, ownAddresses(t)...),
	} {
		self := listening(t, listen)
		_, port, _ := net.SplitHostPort(self.String())
		for _, host := range targets {
			target, err := ParseTarget(net.JoinHostPort(host, port), "--upstream")
			if err != nil {
				t.Fatal(err)
			}
			r := &Resolver{Upstream: &target, Self: []net.Addr{self}}
			if got := dial(t, r, Request{}); !strings.Contains(got, "xmppscope itself") {
				t.Errorf("listening on %s, %s: %q", listen, host, got)
			}
		}
	}
}

func ownAddresses(t *testing.T) (out []string) {
	t.Helper()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if p := netip.MustParsePrefix(a.String()); p.Addr().Is4() {
			out = append(out, p.Addr().String())
		}
	}
	return out
}

// TestManyServers: of the servers of a domain so many are tried, and no more.
func TestManyServers(t *testing.T) {
	closed := func() net.Addr {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return l.Addr()
	}()
	servers := make([]net.Addr, mostTargets)
	for i := range servers {
		servers[i] = closed
	}
	servers[mostTargets-1] = listening(t, "127.0.0.1:0")
	var asked string
	if got := dial(t, &Resolver{Names: srv(&asked, servers...)}, Request{Domain: "many.example"}); got != "" {
		t.Errorf("the last of %d: %s", len(servers), got)
	}
	servers = append([]net.Addr{closed}, servers...)
	if got := dial(t, &Resolver{Names: srv(&asked, servers...)}, Request{Domain: "many.example"}); !strings.Contains(got, "refused") {
		t.Errorf("the last of %d: %q", len(servers), got)
	}
}

// TestCircle: of two proxies that have each other for their server neither can tell by
// an address. What they take is bounded, all of it is given back, and the client is told.
func TestCircle(t *testing.T) {
	a, b := newUnstarted(t), newUnstarted(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.listen = func(other net.Listener) net.Listener {
		other.Close()
		return l
	}
	towards := func(addr string) *Resolver {
		target, err := ParseTarget(addr, "--upstream")
		if err != nil {
			t.Fatal(err)
		}
		return &Resolver{Upstream: &target}
	}
	a.options.Resolver = towards(l.Addr().String())
	a.start(t)
	b.options.Resolver = towards(a.addr)
	b.start(t)
	c := a.dial(t)
	mustWrite(t, c, clientHdr)
	answer, _ := io.ReadAll(c)
	if !strings.Contains(string(answer), "<remote-connection-failed") {
		t.Errorf("the client got %q", answer)
	}
	said, sessions := "", 0
	for _, e := range append(a.events(), b.events()...) {
		sessions = max(sessions, e.Session)
		if f, ok := e.Body.(session.TCPFailed); ok && said == "" {
			said = f.Reason
		}
	}
	if !strings.Contains(said, "in circles") || sessions > mostUnheard+1 {
		t.Errorf("%d sessions, %q", sessions, said)
	}
}

// TestHeard: a server that answers is no circle, however many connections it has.
func TestHeard(t *testing.T) {
	b := newBench(t, false, true)
	for range mostUnheard + 2 {
		c, s := b.begins(t, clientHdr)
		mustWrite(t, s, serverHdr)
		mustRead(t, c, serverHdr)
	}
}
