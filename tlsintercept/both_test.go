package tlsintercept

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// wellDone fails the test unless both legs are up and reported in order.
func wellDone(t *testing.T, got result) {
	t.Helper()
	if got.err != nil || got.clientErr != nil || got.serverErr != nil || got.order != "SC" {
		t.Fatalf("err %v, client %v, server %v, order %q", got.err, got.clientErr, got.serverErr, got.order)
	}
}

func TestVersionsAreMirrored(t *testing.T) {
	for _, test := range []struct {
		clientMax, serverMax, want uint16
	}{
		{tls.VersionTLS13, tls.VersionTLS13, tls.VersionTLS13},
		{tls.VersionTLS12, tls.VersionTLS13, tls.VersionTLS12},
		{tls.VersionTLS13, tls.VersionTLS12, tls.VersionTLS12},
	} {
		r := newRig(t)
		client, server := r.trusting(), serverCA.serve(nil)
		client.MaxVersion, server.MaxVersion = test.clientMax, test.serverMax
		got := r.run(client, server)
		wellDone(t, got)
		want := tls.VersionName(test.want)
		if got.clientState.Version != test.want || got.serverState.Version != test.want || got.clientEstab.Version != want || got.serverEstab.Version != want {
			t.Errorf("client %s, server %s, events %s %s, want %s", tls.VersionName(got.clientState.Version), tls.VersionName(got.serverState.Version), got.clientEstab.Version, got.serverEstab.Version, want)
		}
		echo(t, got.clientTLS, got.secured.Client, "<stream:stream to='example.net'>")
		echo(t, got.secured.Server, got.serverTLS, "<stream:stream to='example.net'>")
		echo(t, got.serverTLS, got.secured.Server, "<stream:features/>")
	}
}

func TestFacts(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		r := newRig(t)
		client, server := r.trusting(), serverCA.serve(func(c *x509.Certificate) { c.DNSNames = append(c.DNSNames, "hosting.test", "muc.example.net") })
		client.MaxVersion = version
		client.NextProtos, server.NextProtos = []string{"other", "xmpp-client"}, []string{"xmpp-client"}
		got := r.run(client, server)
		wellDone(t, got)
		c, s := got.clientEstab, got.serverEstab
		if c.ALPN != "xmpp-client" || s.ALPN != "xmpp-client" || got.clientState.NegotiatedProtocol != "xmpp-client" || got.serverState.NegotiatedProtocol != "xmpp-client" {
			t.Errorf("ALPN %q %q", c.ALPN, s.ALPN)
		}
		if c.SNI != domain || s.SNI != domain || s.SNIFrom != "client" || c.Domain != domain || s.Domain != domain || got.serverState.ServerName != domain {
			t.Errorf("SNI %q %q from %q, domains %q %q", c.SNI, s.SNI, s.SNIFrom, c.Domain, s.Domain)
		}
		if c.Suite != tls.CipherSuiteName(got.clientState.CipherSuite) || s.Suite != tls.CipherSuiteName(got.serverState.CipherSuite) || c.Group == "" || s.Group == "" || !c.EMS || !s.EMS || c.Resumed || s.Resumed || c.Took <= 0 || s.Took <= 0 {
			t.Errorf("client %+v\nserver %+v", c, s)
		}
		for _, f := range []*session.TLSFacts{c, s} {
			if f.Hello == nil || f.Hello.SNI != domain || !slices.Equal(f.Hello.ALPN, client.NextProtos) || f.Hello.Versions[0] != tls.VersionName(version) || len(f.Hello.Suites) == 0 || len(f.Hello.Groups) == 0 {
				t.Errorf("hello %+v", f.Hello)
			}
		}
		if len(c.Chain) != 3 || c.Chain[0].DNS[0] != domain || c.Chain[0].Key != "ECDSA P-256" || len(c.Chain[0].SRV) != 2 || c.Chain[0].XMPP[0] != domain || c.Verdict != nil {
			t.Errorf("client chain %+v", c.Chain)
		}
		if !slices.Contains(c.Chain[0].DNS, "muc.example.net") || !slices.Equal(c.Unminted, []string{"DNS-ID hosting.test"}) {
			t.Errorf("minted %q, left %q", c.Chain[0].DNS, c.Unminted)
		}
		if len(s.Chain) != 2 || s.Chain[1].Subject != "CN=Server CA" || !s.Chain[1].CA || s.Verdict == nil || !s.Verdict.OK || s.Verdict.By != "DNS-ID example.net" {
			t.Errorf("server chain %+v, verdict %+v", s.Chain, s.Verdict)
		}
	}
}

func TestNoSNINoALPN(t *testing.T) {
	r := newRig(t)
	client := r.trusting()
	client.ServerName, client.InsecureSkipVerify = "", true
	server := serverCA.serve(nil)
	server.NextProtos = []string{"xmpp-client"}
	got := r.run(client, server)
	wellDone(t, got)
	if got.clientEstab.SNI != "" || got.serverEstab.SNI != domain || got.serverEstab.SNIFrom != "stream to" || got.serverState.ServerName != domain {
		t.Errorf("SNI %q, %q from %q", got.clientEstab.SNI, got.serverEstab.SNI, got.serverEstab.SNIFrom)
	}
	if got.serverState.NegotiatedProtocol != "" || got.clientEstab.ALPN != "" {
		t.Error("an ALPN out of nowhere")
	}
}

func TestServerIgnoresALPN(t *testing.T) {
	r := newRig(t)
	client := r.trusting()
	client.NextProtos = []string{"xmpp-client"}
	got := r.run(client, serverCA.serve(nil))
	wellDone(t, got)
	if got.clientState.NegotiatedProtocol != "" {
		t.Errorf("the client was given %q", got.clientState.NegotiatedProtocol)
	}
}

func TestOtherSNI(t *testing.T) {
	r := newRig(t)
	client := r.trusting()
	client.ServerName = "xmpp.hosting.test"
	client.InsecureSkipVerify = true
	got := r.run(client, serverCA.serve(nil))
	wellDone(t, got)
	if got.serverState.ServerName != "xmpp.hosting.test" || got.serverEstab.SNIFrom != "client" || got.clientEstab.Chain[0].DNS[0] != domain {
		t.Errorf("SNI upstream %q, minted %q", got.serverState.ServerName, got.clientEstab.Chain[0].DNS)
	}
}

func TestIDN(t *testing.T) {
	r := newRig(t)
	r.legs.Domain = "Bücher.example"
	client := r.trusting()
	client.ServerName = "xn--bcher-kva.example"
	got := r.run(client, serverCA.serve(func(c *x509.Certificate) { c.DNSNames = []string{"*.example", "xn--bcher-kva.example"} }))
	wellDone(t, got)
	if got.secured.Domain != "xn--bcher-kva.example" || got.clientEstab.Chain[0].XMPP[0] != "bücher.example" {
		t.Errorf("domain %q, XmppAddr %q", got.secured.Domain, got.clientEstab.Chain[0].XMPP)
	}
}

// TestClientLooksForTheAddress: some clients verify the host that they connect
// to, which is an address in front of us, rather than the domain.
func TestClientLooksForTheAddress(t *testing.T) {
	for _, test := range []struct {
		domain, want string
	}{{domain, "[127.0.0.1]"}, {"192.0.2.7", "[192.0.2.7 127.0.0.1]"}} {
		r := newRig(t)
		r.legs.Domain, r.legs.Direct = test.domain, true
		client := r.trusting()
		client.ServerName = "127.0.0.1" // crypto/tls sends no SNI for an address
		got := r.run(client, serverCA.serve(func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 7)} }))
		wellDone(t, got)
		if ip := fmt.Sprint(got.clientEstab.Chain[0].IP); ip != test.want {
			t.Errorf("%s: minted for %s, want %s", test.domain, ip, test.want)
		}
	}
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if got := localAddr(a); got != nil {
		t.Errorf("a pipe has the addresses %v", got)
	}
}

func TestKeyLogs(t *testing.T) {
	for version, lines := range map[uint16]int{tls.VersionTLS12: 1, tls.VersionTLS13: 4} {
		r := newRig(t)
		client, server := r.trusting(), serverCA.serve(nil)
		client.MaxVersion = version
		var clientOwn, serverOwn lineWriter
		client.KeyLogWriter, server.KeyLogWriter = &clientOwn, &serverOwn
		got := r.run(client, server)
		wellDone(t, got)
		sorted := func(in []string) []string { out := slices.Clone(in); slices.Sort(out); return out }
		if len(got.clientSecrets) != lines || !slices.Equal(sorted(got.clientSecrets), sorted(clientOwn)) {
			t.Errorf("client leg: %q\nclient says %q", got.clientSecrets, clientOwn)
		}
		if len(got.serverSecret) != lines || !slices.Equal(sorted(got.serverSecret), sorted(serverOwn)) {
			t.Errorf("server leg: %q\nserver says %q", got.serverSecret, serverOwn)
		}
		random := func(line string) string { return strings.Fields(line)[1] }
		if random(got.clientSecrets[0]) == random(got.serverSecret[0]) {
			t.Error("both legs have the same client random")
		}
	}
}

type lineWriter []string

func (w *lineWriter) Write(p []byte) (int, error) {
	*w = append(*w, strings.TrimSpace(string(p)))
	return len(p), nil
}

func TestNoTickets(t *testing.T) {
	r := newRig(t)
	client := r.trusting()
	client.ClientSessionCache = tls.NewLRUClientSessionCache(8)
	for range 2 {
		got := r.run(client, serverCA.serve(nil))
		wellDone(t, got)
		if got.clientState.DidResume || got.clientEstab.Resumed {
			t.Error("resumed")
		}
		// A ticket would come with the first application data.
		echo(t, got.secured.Client, got.clientTLS, "x")
		r.client, r.legs.Client = xmpptest.Loopback(t)
		r.server, r.legs.Server = xmpptest.Loopback(t)
		r.events = nil
	}
}

func TestDirectDials(t *testing.T) {
	r := newRig(t)
	server := r.legs.Server
	var asked string
	r.legs.Server, r.legs.Domain, r.legs.Direct = nil, "", true
	r.legs.Dial = func(_ context.Context, name string, _ bool) (net.Conn, string, error) {
		asked = name
		return server, "", nil
	}
	got := r.run(r.trusting(), serverCA.serve(nil))
	wellDone(t, got)
	if asked != domain || got.secured.Domain != domain || got.serverEstab.SNIFrom != "client" {
		t.Errorf("dialled %q, domain %q", asked, got.secured.Domain)
	}
}

func TestDirectSNITakesPrecedence(t *testing.T) {
	r := newRig(t)
	r.legs.Direct, r.legs.Domain = true, "fallback.test"
	got := r.run(r.trusting(), serverCA.serve(nil))
	wellDone(t, got)
	if got.secured.Domain != domain {
		t.Errorf("domain %q", got.secured.Domain)
	}
}

func TestDialFails(t *testing.T) {
	r := newRig(t)
	r.legs.Server, r.legs.Domain, r.legs.Direct = nil, "", true
	r.legs.Dial = func(context.Context, string, bool) (net.Conn, string, error) {
		return nil, "", errors.New("no such host")
	}
	r.server.Close()
	got := r.run(r.trusting(), serverCA.serve(nil))
	if got.order != "c" || got.clientFailed.Class != session.ClassOtherLeg || !strings.Contains(got.clientFailed.Reason, "no such host") || RemoteAlert(got.clientErr) != session.AlertInternalError {
		t.Errorf("order %q, %+v, client %v", got.order, got.clientFailed, got.clientErr)
	}
}

func TestSecureServer(t *testing.T) {
	r := newRig(t)
	r.legs.Client, r.legs.Direct = nil, true
	server := serverCA.serve(nil)
	server.NextProtos = []string{"xmpp-client"}
	far := tls.Server(r.server, server)
	done := make(chan error, 1)
	go func() { done <- far.Handshake() }()
	s, err := r.config.SecureServer(t.Context(), r.legs)
	if err != nil || <-done != nil {
		t.Fatal(err)
	}
	var got result
	r.collect(&got)
	if got.order != "S" || got.serverEstab.ALPN != "xmpp-client" || got.serverEstab.SNIFrom != "stream to" || s.Client != nil {
		t.Errorf("order %q, %+v", got.order, got.serverEstab)
	}
	r.legs.Domain = "no domain"
	r.events = nil
	if _, err := r.config.SecureServer(t.Context(), r.legs); err == nil || len(r.events) != 1 {
		t.Errorf("an impossible domain: %v, %d events", err, len(r.events))
	}
}

func TestLegacy(t *testing.T) {
	r := newRig(t)
	r.config.LegacyTLS = true
	client, server := r.trusting(), serverCA.serve(nil)
	client.MinVersion, client.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	server.MinVersion = tls.VersionTLS10
	got := r.run(client, server)
	wellDone(t, got)
	if got.clientEstab.Version != "TLS 1.1" || got.serverEstab.Version != "TLS 1.1" {
		t.Errorf("%s, %s", got.clientEstab.Version, got.serverEstab.Version)
	}
}

func TestInsecureGoesOn(t *testing.T) {
	r := newRig(t)
	r.config.Insecure = true
	got := r.run(r.trusting(), strangerCA.serve(nil))
	wellDone(t, got)
	v := got.serverEstab.Verdict
	if v == nil || v.OK || !v.Ignored || !strings.Contains(v.Problem, "Stranger CA") {
		t.Errorf("verdict %+v", v)
	}
}

func TestEarlyAndSniff(t *testing.T) {
	r := newRig(t)
	// The ClientHello comes with what was read before: cut it at odd places.
	for _, cut := range []int{1, 5, 100} {
		near, far := xmpptest.Loopback(t)
		client, server := xmpptest.Loopback(t)
		go tls.Client(client, r.trusting()).Handshake()
		early := make([]byte, cut)
		for n := 0; n < cut; {
			k, err := server.Read(early[n:])
			if err != nil {
				t.Fatal(err)
			}
			n += k
		}
		if Sniff(early[0]) != TLS {
			t.Errorf("a ClientHello begins with %#x", early[0])
		}
		r.legs.Client, r.legs.Server, r.events = readFirst{server, bytes.NewReader(early)}, near, nil
		go tls.Server(far, serverCA.serve(nil)).Handshake()
		s, err := r.config.Secure(t.Context(), r.legs)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if s.Domain != domain {
			t.Error(s.Domain)
		}
	}
	if Sniff('<') != XML || Sniff(' ') != XML || Sniff('G') != Unknown || Sniff(0) != Unknown {
		t.Error("sniffed wrong")
	}
}

// readFirst is a connection of which bytes were read already.
type readFirst struct {
	net.Conn
	read *bytes.Reader
}

func (c readFirst) Read(p []byte) (int, error) {
	if c.read.Len() > 0 {
		return c.read.Read(p)
	}
	return c.Conn.Read(p)
}

// TestStops cancels while the client, then while the server is waited for.
func TestStops(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	r.legs.Client = readHook{r.legs.Client, cancel}
	_, err := r.config.Secure(ctx, r.legs)
	var got result
	r.collect(&got)
	if err == nil || got.order != "cs" || got.clientFailed.Guilty != session.OriginSelf || got.clientFailed.Class != session.ClassClosed {
		t.Errorf("%v, order %q, %+v", err, got.order, got.clientFailed)
	}

	r = newRig(t)
	ctx, cancel = context.WithCancel(t.Context())
	r.legs.Server = readHook{r.legs.Server, cancel}
	go tls.Client(r.client, r.trusting()).Handshake()
	_, err = r.config.Secure(ctx, r.legs)
	got = result{}
	r.collect(&got)
	if err == nil || got.order != "sc" || got.serverFailed.Class != session.ClassClosed || got.clientFailed.Class != session.ClassClosed {
		t.Errorf("%v, order %q, %+v", err, got.order, got.clientFailed)
	}
}

// readHook calls a function before each read.
type readHook struct {
	net.Conn
	hook func()
}

func (h readHook) Read(p []byte) (int, error) {
	h.hook()
	return h.Conn.Read(p)
}
