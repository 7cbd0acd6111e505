package proxy

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"xmppscope/internal/lookup"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// wayOut is what a dial came to: what was told, in words, and where it led.
func wayOut(t *testing.T, r *Resolver, q Request) (words []string, opened session.TCPOpened) {
	t.Helper()
	conn, _, err := r.Dial(t.Context(), q, func(e session.Seen) {
		switch b := e.Body.(type) {
		case session.DNSAnswered:
			words = append(words, b.Words())
		case session.TCPTried:
			words = append(words, b.Words())
		case session.TCPFailed:
			words = append(words, "FAILED "+b.Target+": "+b.Reason+" / "+b.Hint)
		case session.TCPOpened:
			opened = b
		}
	})
	if err == nil {
		conn.Close()
	}
	return words, opened
}

func says(t *testing.T, words []string, want ...string) {
	t.Helper()
	all := strings.Join(words, "\n")
	for _, w := range want {
		if !strings.Contains(all, w) {
			t.Errorf("%s\n    lacks %q", all, w)
		}
	}
}

func portOf(a net.Addr) int { return a.(*net.TCPAddr).Port }

// TestServices: the records of both kinds are one list, by priority, and lead to a server; what
// they say is not offered is not.
func TestServices(t *testing.T) {
	starttls, direct, closed := listening(t, "127.0.0.1:0"), listening(t, "127.0.0.1:0"), xmpptest.FreeAddress(t)
	_, closedPort, _ := net.SplitHostPort(closed)
	zone := fmt.Sprintf(`
host.test 60 IN A 127.0.0.1
_xmpp-client._tcp.both.test 60 IN SRV 20 0 %[1]d host.test
_xmpp-client._tcp.both.test 60 IN SRV 10 0 %[3]s host.test
_xmpps-client._tcp.both.test 60 IN SRV 5 0 %[2]d host.test
_xmpp-client._tcp.late.test 60 IN SRV 20 0 %[1]d host.test
_xmpp-client._tcp.late.test 60 IN SRV 10 0 %[3]s host.test
_xmpps-client._tcp.late.test 60 IN SRV 30 0 %[2]d host.test
_xmpp-client._tcp.equal.test 60 IN SRV 5 0 %[1]d host.test
_xmpps-client._tcp.equal.test 60 IN SRV 5 0 %[2]d host.test
_xmpp-client._tcp.plain.test 60 IN SRV 5 0 %[1]d host.test
_xmpps-client._tcp.direct.test 60 IN SRV 5 0 %[2]d host.test
_xmpp-client._tcp.direct.test 60 IN SRV 0 0 0 .
_xmpps-client._tcp.only.test 60 IN SRV 5 0 %[2]d host.test
_xmpp-client._tcp.none.test 60 IN SRV 0 0 0 .
_xmpps-client._tcp.nodirect.test 60 IN SRV 0 0 0 .
_xmpp-server._tcp.mixed.test 60 IN SRV 9 0 %[1]d host.test
_xmpps-server._tcp.mixed.test 60 IN SRV 1 0 %[2]d host.test
_xmpp-server._tcp.peer.test 60 IN SRV 1 0 %[1]d host.test
_xmpps-server._tcp.peer.test 60 IN SRV 1 0 %[2]d host.test
_xmpp-client._tcp.lost.test 60 IN SRV 1 0 5222 nowhere.test
`, portOf(starttls), portOf(direct), closedPort)
	dns := xmpptest.StartDNS(t, zone)
	r := &Resolver{Names: &lookup.Resolver{Server: dns.Addr}}
	for name, c := range map[string]struct {
		q    Request
		peer net.Addr
		want []string
	}{
		"direct TLS has priority":      {Request{Domain: "both.test"}, direct, []string{"SRV _xmpps-client._tcp.both.test: 5 0"}},
		"and is what the client has":   {Request{Domain: "both.test", Direct: true}, direct, []string{"SRV _xmpp-client._tcp.both.test: 20 0"}},
		"but cannot be translated":     {Request{Domain: "both.test", Alike: true}, starttls, []string{"127.0.0.1:" + closedPort + " was tried in vain: connection refused"}},
		"STARTTLS, the second of two":  {Request{Domain: "late.test"}, starttls, []string{"127.0.0.1:" + closedPort + " was tried in vain: connection refused", "host.test is 127.0.0.1", "host.test has no AAAA"}},
		"the same for direct TLS":      {Request{Domain: "late.test", Direct: true}, starttls, []string{"127.0.0.1:" + closedPort + " was tried in vain: connection refused"}},
		"no direct TLS":                {Request{Domain: "plain.test", Direct: true}, starttls, []string{"_xmpps-client._tcp.plain.test has no SRV record"}},
		"equal":                        {Request{Domain: "equal.test"}, starttls, nil},
		"equal, direct TLS":            {Request{Domain: "equal.test", Direct: true}, direct, nil},
		"between servers, by priority": {Request{Domain: "mixed.test", Server: true}, direct, []string{"SRV _xmpps-server._tcp.mixed.test: 1 0"}},
		"STARTTLS not offered, direct": {Request{Domain: "direct.test"}, direct, []string{"SRV _xmpp-client._tcp.direct.test: 0 0 0 ."}},
		"direct TLS alone":             {Request{Domain: "only.test"}, direct, []string{"_xmpp-client._tcp.only.test has no SRV record"}},
		"nothing offered":              {Request{Domain: "none.test"}, nil, []string{"target \".\"", "--upstream"}},
		"direct TLS not offered":       {Request{Domain: "nodirect.test", Direct: true}, nil, []string{"FAILED nodirect.test:5222"}},
		"nor anything else":            {Request{Domain: "nodirect.test", Direct: true, Alike: true}, nil, []string{"target \".\""}},
		"between servers":              {Request{Domain: "peer.test", Server: true}, starttls, []string{"SRV _xmpp-server._tcp.peer.test: 1 0"}},
		"between servers, direct":      {Request{Domain: "peer.test", Server: true, Direct: true}, direct, []string{"SRV _xmpps-server._tcp.peer.test: 1 0"}},
		"no address":                   {Request{Domain: "lost.test"}, nil, []string{"the name \"nowhere.test\" cannot be resolved: it has no address", "--resolver"}},
		"no record, no address":        {Request{Domain: "void.test"}, nil, []string{"_xmpp-client._tcp.void.test has no SRV record", "\"void.test\" cannot be resolved"}},
		"the resolver fails":           {Request{Domain: "x.broken.test"}, nil, []string{"SERVFAIL"}},
	} {
		words, opened := wayOut(t, r, c.q)
		says(t, words, c.want...)
		switch {
		case c.peer == nil && opened.Peer != "":
			t.Errorf("%s: it led to %s", name, opened.Peer)
		case c.peer != nil && (opened.Peer != c.peer.String() || opened.Took <= 0):
			t.Errorf("%s: it led to %+v, want %s: %q", name, opened, c.peer, words)
		case c.peer != nil && opened.Direct != (c.peer == direct):
			t.Errorf("%s: TLS comes first: %v", name, opened.Direct)
		}
		if mixed := strings.Join(opened.Order, ", "); c.q.Domain == "late.test" && mixed != fmt.Sprintf("host.test:%s (STARTTLS), host.test:%d (STARTTLS), host.test:%d (direct TLS)", closedPort, portOf(starttls), portOf(direct)) {
			t.Errorf("%s: the order is %q", name, mixed)
		}
	}
}

// TestWeights: among equals of both kinds chance decides, in proportion to their weights.
func TestWeights(t *testing.T) {
	dns := xmpptest.StartDNS(t, `
_xmpp-client._tcp.weighed.test 60 IN SRV 5 30 5222 host.test
_xmpps-client._tcp.weighed.test 60 IN SRV 5 10 5223 host.test
`)
	r := &Resolver{Names: &lookup.Resolver{Server: dns.Addr}}
	direct, times := 0, 400
	for range times {
		targets, err := r.targets(t.Context(), Request{Domain: "weighed.test"}, func(session.Body) {})
		if err != nil || len(targets) != 2 {
			t.Fatal(targets, err)
		}
		if targets[0].Direct {
			direct++
		}
	}
	if direct < times/10 || direct > times/2 { // a quarter; beyond are nine standard deviations
		t.Errorf("%d of %d were led to direct TLS first", direct, times)
	}
}

// patience notes how long the addresses of hosts may take, and has none.
type patience struct {
	lookup.Resolver
	mu   sync.Mutex
	most map[string]time.Duration
}

func (p *patience) Ask(ctx context.Context, kind, name string) lookup.Answer {
	if kind == lookup.SRV {
		return p.Resolver.Ask(ctx, kind, name)
	}
	until, _ := ctx.Deadline()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.most[name] = time.Until(until)
	return lookup.Answer{Kind: kind, Name: name}
}

// TestPatience: a server behind which others are named is not waited for as long as the last one.
func TestPatience(t *testing.T) {
	dns := xmpptest.StartDNS(t, `
_xmpps-client._tcp.lab.test 60 IN SRV 1 0 5223 first.test
_xmpp-client._tcp.lab.test 60 IN SRV 2 0 5222 last.test
`)
	p := &patience{Resolver: lookup.Resolver{Server: dns.Addr}, most: map[string]time.Duration{}}
	wayOut(t, &Resolver{Names: p, Timeout: 3 * time.Hour}, Request{Domain: "lab.test"})
	if first, last := p.most["first.test"], p.most["last.test"]; first <= 0 || first > time.Hour || last <= time.Hour {
		t.Errorf("the first may take %s, the last %s", first, last)
	}
}

// TestTwoFamilies: where nothing listens at the IPv6 address, IPv4 is tried at once.
func TestTwoFamilies(t *testing.T) {
	at := listening(t, "127.0.0.1:0")
	dns := xmpptest.StartDNS(t, "two.test 60 IN A 127.0.0.1\ntwo.test 60 IN AAAA ::1\n")
	target, err := ParseTarget(fmt.Sprintf("two.test:%d", portOf(at)), "--upstream")
	if err != nil {
		t.Fatal(err)
	}
	words, opened := wayOut(t, &Resolver{Upstream: &target, Names: &lookup.Resolver{Server: dns.Addr}}, Request{})
	says(t, words, "two.test is ::1", "two.test is 127.0.0.1", fmt.Sprintf("[::1]:%d was tried in vain", portOf(at)))
	if opened.Peer != at.String() {
		t.Errorf("it led to %q", opened.Peer)
	}
}

// staged is a race whose network and clock are the test's.
type staged struct {
	mu     sync.Mutex
	dialed []string
	answer map[string]chan error // by address: what becomes of the attempt
	clock  chan time.Duration    // is told what is waited for
	tick   map[time.Duration]chan time.Time
	asks   map[string]chan lookup.Answer
}

func (s *staged) Ask(ctx context.Context, kind, name string) lookup.Answer {
	select {
	case a := <-s.asks[kind]:
		a.Kind, a.Name = kind, name
		return a
	case <-ctx.Done():
		return lookup.Answer{Kind: kind, Name: name, Err: ctx.Err()}
	}
}

func (s *staged) dial(ctx context.Context, _, address string) (net.Conn, error) {
	s.mu.Lock()
	s.dialed = append(s.dialed, address)
	answer := s.answer[address]
	s.mu.Unlock()
	select {
	case err := <-answer:
		if err != nil {
			return nil, err
		}
		ours, theirs := net.Pipe()
		theirs.Close()
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *staged) after(d time.Duration) <-chan time.Time {
	s.clock <- d
	return s.tick[d]
}

// TestHappyEyeballs: IPv4 waits a moment for the answer about IPv6, then each address has a
// head start before the one of the other family; the first to answer wins, and the others
// are let go (RFC 8305).
func TestHappyEyeballs(t *testing.T) {
	addrs := func(list ...string) (out lookup.Answer) {
		for _, a := range list {
			out.Addrs = append(out.Addrs, netip.MustParseAddr(a))
		}
		return out
	}
	s := &staged{
		answer: map[string]chan error{}, clock: make(chan time.Duration, 10), asks: map[string]chan lookup.Answer{lookup.A: make(chan lookup.Answer, 1), lookup.AAAA: make(chan lookup.Answer, 1)},
		tick: map[time.Duration]chan time.Time{resolutionDelay: make(chan time.Time), attemptDelay: make(chan time.Time)},
	}
	for _, a := range []string{"192.0.2.1:5222", "192.0.2.2:5222", "[2001:db8::1]:5222"} {
		s.answer[a] = make(chan error)
	}
	var words []string
	told := make(chan struct{}, 10)
	c := &race{r: &Resolver{Names: s}, target: Target{Host: "host.test", Port: 5222}, dial: s.dial, after: s.after, tell: func(b session.Body) {
		if tried, ok := b.(session.TCPTried); ok {
			words = append(words, tried.Words())
			told <- struct{}{}
		}
	}}
	done := make(chan net.Conn)
	go func() {
		conn, _, err := c.run(t.Context())
		if err != nil {
			t.Error(err)
		}
		done <- conn
	}()
	s.asks[lookup.A] <- addrs("192.0.2.1", "192.0.2.2")
	if d := <-s.clock; d != resolutionDelay {
		t.Fatalf("IPv4 waits %s", d)
	}
	s.tick[resolutionDelay] <- time.Time{} // IPv6 takes too long: IPv4 begins
	if d := <-s.clock; d != attemptDelay {
		t.Fatalf("the next address waits %s", d)
	}
	s.asks[lookup.AAAA] <- addrs("2001:db8::1")
	s.tick[attemptDelay] <- time.Time{} // the first has not answered
	<-s.clock
	s.tick[attemptDelay] <- time.Time{}
	<-s.clock
	s.answer["[2001:db8::1]:5222"] <- syscall.ENETUNREACH
	<-told // before another answers
	s.answer["192.0.2.2:5222"] <- nil
	if conn := <-done; conn == nil {
		t.Fatal("there is no connection")
	} else {
		conn.Close()
	}
	says(t, words, "[2001:db8::1]:5222 was tried in vain: no route", "192.0.2.1:5222 was tried too: another address had answered before")
	s.mu.Lock()
	defer s.mu.Unlock()
	if first, last := s.dialed[0], s.dialed[len(s.dialed)-1]; len(s.dialed) != 3 || strings.HasPrefix(first, "[") || strings.HasPrefix(last, "[") && s.dialed[1] == first {
		t.Errorf("tried: %q", s.dialed)
	}
}

// TestThrough: a server is reached through a proxy, which is handed its name; what the
// proxy says when it does not connect is told, and the password never is.
func TestThrough(t *testing.T) {
	server := listening(t, "127.0.0.1:0")
	lone, err := net.Listen("tcp", "127.0.0.1:0") // says nothing, and hangs up
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lone.Close() })
	go func() {
		for c, err := lone.Accept(); err == nil; c, err = lone.Accept() {
			c.Close()
		}
	}()
	target, _ := ParseTarget("xmpp.example.test:5222", "--upstream")
	for _, scheme := range []string{schemeSOCKS, schemeHTTP} {
		for name, c := range map[string]struct {
			url, password, needs string
			code                 byte
			want                 string
		}{
			"open":           {url: "%s://%s"},
			"with a user":    {url: "%s://me@%s", password: "s3cret", needs: "s3cret"},
			"wrong password": {url: "%s://me@%s", password: "wr0ng", needs: "s3cret", want: "wants another user or password"},
			"no user":        {url: "%s://%s", needs: "s3cret", want: "wants another user or password"},
			"not allowed":    {url: "%s://%s", code: 2, want: "does not allow this connection"},
			"silent":         {url: "%s://" + lone.Addr().String() + "%.0s", want: "hung up"},
			"gone":           {url: "%s://" + xmpptest.FreeAddress(t) + "%.0s", want: "cannot be reached: connection refused"},
		} {
			g := xmpptest.StartGateway(t, scheme, c.needs, c.code, server)
			through, err := ParseThrough(fmt.Sprintf(c.url, scheme, g.Addr), c.password)
			if err != nil {
				t.Fatal(err)
			}
			words, opened := wayOut(t, &Resolver{Upstream: &target, Through: through}, Request{})
			switch {
			case c.want != "" && opened.Peer != "":
				t.Errorf("%s, %s: it is connected", scheme, name)
			case c.want != "":
				says(t, words, c.want)
			case opened.Peer != g.Addr || opened.Target != target.Address() || !strings.HasPrefix(opened.Through, scheme+"://"):
				t.Errorf("%s, %s: %+v, %q", scheme, name, opened, words)
			case <-g.Asked != target.Address():
				t.Errorf("%s, %s: the proxy was asked for another server", scheme, name)
			}
			if all := fmt.Sprint(words, opened); c.password != "" && strings.Contains(all, c.password) {
				t.Errorf("%s, %s: the password is shown: %s", scheme, name, all)
			}
		}
	}
}

// TestThroughIsSafe: a proxy does not lead to itself or to us, nor a domain to the proxy's
// own machine.
func TestThroughIsSafe(t *testing.T) {
	self := listening(t, "127.0.0.1:0")
	g := xmpptest.StartGateway(t, schemeSOCKS, "", 0, self)
	through, err := ParseThrough("socks5://"+g.Addr, "")
	if err != nil {
		t.Fatal(err)
	}
	r := &Resolver{Through: through, Self: []net.Addr{self}}
	for _, domain := range []string{"localhost", "lab.localhost", "127.0.0.1", "::1", "0.0.0.0", "169.254.169.254"} {
		if got := dial(t, r, Request{Domain: domain, Direct: true}); !strings.Contains(got, "no domain leads there") {
			t.Errorf("%q: %q", domain, got)
		}
	}
	us, _ := ParseTarget(self.String(), "--upstream")
	if got := dial(t, &Resolver{Upstream: &us, Through: through, Self: []net.Addr{self}}, Request{}); !strings.Contains(got, "xmppscope itself") {
		t.Errorf("to ourselves: %q", got)
	}
	circle, _ := ParseThrough("http://"+self.String(), "")
	if got := dial(t, &Resolver{Upstream: &Target{Host: "a.test", Port: 5222, Given: true}, Through: circle, Self: []net.Addr{self}}, Request{}); !strings.Contains(got, "xmppscope itself") {
		t.Errorf("through ourselves: %q", got)
	}
	if len(g.Asked) > 0 {
		t.Errorf("the proxy was asked for %s", <-g.Asked)
	}
}

func TestParseThrough(t *testing.T) {
	for s, want := range map[string]string{
		"socks5://127.0.0.1":                "socks5://127.0.0.1:1080",
		"http://proxy.test":                 "http://proxy.test:8080",
		"socks5://me@[::1]:9050":            "socks5://me@[::1]:9050",
		"http://a%40b@proxy.test:3128/":     "http://a%40b@proxy.test:3128",
		"socks5://me:secret@127.0.0.1:1080": "", "https://proxy.test": "", "127.0.0.1:1080": "", "socks5://": "", "": "", "socks5://h:99999": "", "http://h/path": "",
	} {
		p, err := ParseThrough(s, "")
		if (err != nil) != (want == "") || err == nil && p.String() != want {
			t.Errorf("%q: %v, %v", s, p, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the password is shown: %v", s, err)
		}
	}
	if _, err := ParseThrough("socks5://h", "password"); err == nil {
		t.Error("a password without a user was taken")
	}
}

// TestServersAreLookedUpAsServers: who opens a stream between servers is led to the records
// for servers.
func TestServersAreLookedUpAsServers(t *testing.T) {
	b := newUnstarted(t)
	_, port, _ := net.SplitHostPort(b.upstream.Addr().String())
	dns := xmpptest.StartDNS(t, "host.test 60 IN A 127.0.0.1\n_xmpp-server._tcp.wire.example 60 IN SRV 1 0 "+port+" host.test\n_xmpps-server._tcp.wire.example 60 IN SRV 1 0 "+port+" host.test\n")
	b.options.Resolver = &Resolver{Names: &lookup.Resolver{Server: dns.Addr}}
	b.start(t)
	header := strings.Replace(clientHdr, "jabber:client", "jabber:server", 1)
	c, s := b.begins(t, header+startTLS)
	mustWrite(t, s, serverHdr+featuresTLS+proceed)
	mustRead(t, c, serverHdr+featuresTLS+proceed)
	handshakes(t, b.clientTLS(), b.serverTLS(t), c, s)

	direct := b.clientTLS()
	direct.NextProtos = []string{"xmpp-server"}
	done := make(chan error, 1)
	go func() {
		server := tls.Server(b.accept(t), b.serverTLS(t))
		done <- server.Handshake()
	}()
	if err := tls.Client(b.dial(t), direct).Handshake(); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	asked := strings.Join(dns.Asked(), " ")
	for _, want := range []string{"SRV _xmpp-server._tcp.wire.example", "SRV _xmpps-server._tcp.wire.example"} {
		if !strings.Contains(asked, want) || strings.Contains(asked, "-client") {
			t.Errorf("asked for: %s", asked)
		}
	}
}
