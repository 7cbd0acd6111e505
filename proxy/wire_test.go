package proxy

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"xmppscope/certs"
	"xmppscope/decode"
	"xmppscope/session"
	"xmppscope/tlsintercept"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testDomain  = "wire.example"
	clientHdr   = "<?xml version='1.0'?><stream:stream to='wire.example' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
	serverHdr   = "<?xml version='1.0'?><stream:stream from='wire.example' id='x1' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
	featuresTLS = "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>"
	startTLS    = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
	proceed     = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
)

// bench is a running proxy between a test's client and a test's server.
type bench struct {
	addr      string
	ours      *x509.CertPool // what a client has to trust
	upstream  net.Listener
	server    *certs.CA
	options   Options
	domain    string                          // that certificates are for
	forget    bool                            // events are pulled, not kept
	listen    func(net.Listener) net.Listener // changes the listener; nil does not
	unreached chan netip.AddrPort             // where a Transit has reached nobody
	events    func() []session.Seen           // ends the proxy and returns what it recorded
}

// newBench starts a proxy whose server is the test itself.
func newBench(t testing.TB, tap, forget bool) *bench {
	t.Helper()
	b := newUnstarted(t)
	b.forget, b.options.Tap = forget, tap
	b.start(t)
	return b
}

// newUnstarted is newBench for a test that changes the options first.
func newUnstarted(t testing.TB) *bench {
	t.Helper()
	upstream, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err1 := certs.NewMemory()
	ours, err2 := certs.NewMemory()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	target, err := ParseTarget(upstream.Addr().String(), "test")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{upstream: upstream, server: theirs, ours: ours.Pool(), domain: testDomain}
	b.options = Options{
		Resolver: &Resolver{Upstream: &target},
		TLS:      &tlsintercept.Config{CA: ours, Roots: theirs.Pool(), Timeout: 20 * time.Second},
	}
	return b
}

func (b *bench) start(t testing.TB) {
	t.Helper()
	o := b.options
	var mu sync.Mutex
	var all []session.Seen
	o.Spool = session.NewSpool(session.SpoolOptions{})
	cut := make(chan struct{})
	go func() {
		defer close(cut)
		for trail := o.Spool.Next(false); trail != nil; trail = o.Spool.Next(false) {
			cutter, _ := trail.User.(*decode.Cutter)
			if cutter == nil {
				cutter = decode.NewCutter(func(e session.Seen) {
					mu.Lock()
					all = append(all, e)
					mu.Unlock()
				})
				if o.Control != nil {
					cutter.Marked = func(dir session.Dir, lane decode.Lane) { o.Control.HandOver(trail.ID(), dir, lane) }
				}
				trail.User = cutter
			}
			trail.Take(func(e session.Seen) {
				if !b.forget {
					cutter.Take(e)
				}
			})
			if cutter.Settle(); trail.Over() {
				cutter.End()
			}
			o.Spool.Put(trail)
		}
	}()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.addr = l.Addr().String()
	if b.listen != nil {
		l = b.listen(l)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, l, o) }()
	var once sync.Once
	b.events = func() []session.Seen {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("serve: %v", err)
			}
			o.Spool.End()
			<-cut
			o.Spool.Close()
			if b.upstream != nil {
				b.upstream.Close()
			}
		})
		mu.Lock()
		defer mu.Unlock()
		return all
	}
	t.Cleanup(func() { b.events() })
}

// accept takes the proxy's connection to the server.
func (b *bench) accept(t testing.TB) net.Conn {
	t.Helper()
	c, err := b.upstream.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return deadline(t, c)
}

func (b *bench) dial(t testing.TB) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	return deadline(t, c)
}

// deadline keeps a broken test from hanging.
func deadline(t testing.TB, c net.Conn) net.Conn {
	c.SetDeadline(time.Now().Add(30 * time.Second))
	t.Cleanup(func() { c.Close() })
	return c
}

func (b *bench) serverTLS(t testing.TB) *tls.Config {
	cert, _, err := b.server.Mint(b.domain, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{*cert}}
}

func (b *bench) clientTLS() *tls.Config {
	return &tls.Config{RootCAs: b.ours, ServerName: b.domain}
}

func mustWrite(t testing.TB, c net.Conn, s string) {
	t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		t.Fatal(err)
	}
}

// mustRead reads exactly what is expected.
func mustRead(t testing.TB, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(c, got)
	if string(got[:n]) != want {
		t.Fatalf("read %q (%v), want %q", got[:n], err, want)
	}
}

// begins has a client come and say what brings it to a server, which gets that.
func (b *bench) begins(t testing.TB, says string) (client, server net.Conn) {
	t.Helper()
	client = b.dial(t)
	mustWrite(t, client, says)
	server = b.accept(t)
	mustRead(t, server, says)
	return client, server
}

// startTLSBoth speaks STARTTLS through the proxy and returns both ends inside.
func startTLSBoth(t testing.TB, b *bench) (client, server net.Conn) {
	t.Helper()
	c := b.dial(t)
	mustWrite(t, c, clientHdr)
	s := b.accept(t)
	toTLS(t, c, s)
	return handshakes(t, b.clientTLS(), b.serverTLS(t), c, s)
}

// toTLS is STARTTLS behind the client's header, up to the handshakes.
func toTLS(t testing.TB, c, s net.Conn) {
	t.Helper()
	mustRead(t, s, clientHdr)
	mustWrite(t, s, serverHdr+featuresTLS)
	mustRead(t, c, serverHdr+featuresTLS)
	mustWrite(t, c, startTLS)
	mustRead(t, s, startTLS)
	mustWrite(t, s, proceed)
	mustRead(t, c, proceed)
}

// handshakes are those of a client at one connection and a server at the other.
func handshakes(t testing.TB, ofClient, ofServer *tls.Config, c, s net.Conn) (client, server *tls.Conn) {
	t.Helper()
	client, server = tls.Client(c, ofClient), tls.Server(s, ofServer)
	errs := make(chan error, 2)
	go func() { errs <- server.Handshake() }()
	go func() { errs <- client.Handshake() }()
	if err := errors.Join(<-errs, <-errs); err != nil {
		t.Fatalf("handshakes: %v", err)
	}
	return client, server
}

// TestForwardedBytesAreReceivedBytes sends streams full of stanzas both ways at
// once, cut at random, through TLS on both legs: what comes out is what went in,
// and the recorded raws, joined, are the same bytes again.
func TestForwardedBytesAreReceivedBytes(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			b := newBench(t, seed%2 == 0, false)
			client, server := startTLSBoth(t, b)
			up := traffic(seed, clientHdr)
			down := traffic(seed+100, serverHdr)
			var wg sync.WaitGroup
			wg.Go(func() { writeCut(t, client, up, seed) })
			wg.Go(func() { writeCut(t, server, down, seed+1) })
			wg.Go(func() { compare(t, "at the server", server, up) })
			wg.Go(func() { compare(t, "at the client", client, down) })
			wg.Wait()
			client.Close()
			server.Close()
			events := b.events()
			for dir, want := range map[session.Dir][]byte{
				session.C2S: append([]byte(clientHdr+startTLS), up...),
				session.S2C: append([]byte(serverHdr+featuresTLS+proceed), down...),
			} {
				var joined []byte
				for _, e := range events {
					if e.Dir == dir && session.IsPlaintext(e.Body) {
						joined = append(joined, e.Raw...)
					}
				}
				if !bytes.Equal(joined, want) {
					t.Errorf("%s: recorded %d bytes, sent %d, and they differ", dir, len(joined), len(want))
				}
			}
			checkSeq(t, events)
		})
	}
}

func checkSeq(t *testing.T, events []session.Seen) {
	t.Helper()
	next := uint64(1)
	for _, e := range events {
		if !session.Numbered(e.Body) {
			continue
		}
		if e.Seq != next {
			t.Fatalf("%s has seq %d, want %d", e.Kind(), e.Seq, next)
		}
		next++
	}
}

func traffic(seed uint64, header string) []byte {
	rnd := rand.New(rand.NewPCG(seed, 7))
	var b bytes.Buffer
	b.WriteString(header)
	for i := range 2000 {
		switch rnd.IntN(6) {
		case 0:
			b.WriteString(" \n")
		case 1:
			fmt.Fprintf(&b, "<iq id='%d' type=\"get\"><q xmlns='urn:x'><![CDATA[</iq> ]]></q></iq>", i)
		case 2:
			fmt.Fprintf(&b, "<presence from='ä@wire.example/%d'/>", i)
		case 3:
			fmt.Fprintf(&b, "<message><body>%s 😀 &lt;</body></message>", strings.Repeat("x", rnd.IntN(5000)))
		case 4:
			b.WriteString("<r xmlns='urn:xmpp:sm:3'/>")
		case 5:
			b.WriteString("<message a='>'\tb=\"'\"><!-- </message> --></message>")
		}
	}
	b.WriteString("</stream:stream>")
	return b.Bytes()
}

func writeCut(t *testing.T, w io.Writer, p []byte, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 9))
	for len(p) > 0 {
		n := 1 + rnd.IntN(min(len(p), 3000))
		if _, err := w.Write(p[:n]); err != nil {
			t.Errorf("write: %v", err)
			return
		}
		p = p[n:]
	}
}

func compare(t *testing.T, where string, r io.Reader, want []byte) {
	got := make([]byte, len(want))
	n, err := io.ReadFull(r, got)
	if !bytes.Equal(got, want) {
		t.Errorf("%s: %d of %d bytes (%v), and they differ", where, n, len(want), err)
	}
}

// TestPipelinedClientHello: XEP-0305, everything up to the ClientHello in one
// segment.
func TestPipelinedClientHello(t *testing.T) {
	b := newBench(t, false, false)
	c := b.dial(t)
	hello := &prefixed{Conn: c, prefix: clientHdr + startTLS}
	clientDone := make(chan error, 1)
	client := tls.Client(hello, b.clientTLS())
	go func() { clientDone <- client.Handshake() }()
	s := b.accept(t)
	mustRead(t, s, clientHdr+startTLS)
	mustWrite(t, s, serverHdr+featuresTLS+proceed)
	server := tls.Server(s, b.serverTLS(t))
	if err := server.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-clientDone; err != nil {
		t.Fatal(err)
	}
	mustWrite(t, client, clientHdr)
	mustRead(t, server, clientHdr)
}

// TestLineEndBehindStartTLS: a line end that was sent with <starttls/> is written with it, so
// that the server has read it when TLS begins.
func TestLineEndBehindStartTLS(t *testing.T) {
	b := newBench(t, true, false)
	c, s := b.begins(t, clientHdr+startTLS+"\n")
	c.Close()
	s.Close()
	var written []string
	for _, e := range b.events() {
		if _, ok := e.Body.(session.WireBytes); ok && e.Leg == session.ServerLeg && e.Dir == session.C2S {
			written = append(written, string(e.Raw))
		}
	}
	if len(written) != 1 || written[0] != clientHdr+startTLS+"\n" {
		t.Errorf("written: %q", written)
	}
}

// prefixed sends text in one write with the first bytes, and skips the server's
// clear text before TLS.
type prefixed struct {
	net.Conn
	prefix  string
	skipped bool
}

func (p *prefixed) Write(b []byte) (int, error) {
	if p.prefix != "" {
		n := len(p.prefix)
		m, err := p.Conn.Write(append([]byte(p.prefix), b...))
		p.prefix = ""
		return max(0, m-n), err
	}
	return p.Conn.Write(b)
}

func (p *prefixed) Read(b []byte) (int, error) {
	if !p.skipped {
		p.skipped = true
		clear := make([]byte, len(serverHdr+featuresTLS+proceed))
		if _, err := io.ReadFull(p.Conn, clear); err != nil {
			return 0, err
		}
	}
	return p.Conn.Read(b)
}

// TestInjectedPlaintextStaysOutside: what was injected around STARTTLS reaches
// nobody, and is recorded.
func TestInjectedPlaintextStaysOutside(t *testing.T) {
	b := newBench(t, false, false)
	c := b.dial(t)
	mustWrite(t, c, clientHdr+startTLS+"<iq id='evil-up'/>")
	s := b.accept(t)
	mustRead(t, s, clientHdr+startTLS)
	mustWrite(t, s, serverHdr+featuresTLS+proceed+"<iq id='evil-down'/>")
	mustRead(t, c, serverHdr+featuresTLS+proceed)
	client, server := handshakes(t, b.clientTLS(), b.serverTLS(t), c, s)
	mustWrite(t, client, clientHdr)
	mustRead(t, server, clientHdr)
	mustWrite(t, server, serverHdr)
	mustRead(t, client, serverHdr)
	client.Close()
	server.Close()
	var dropped []string
	for _, e := range b.events() {
		if _, ok := e.Body.(session.RelayDropped); ok {
			dropped = append(dropped, e.Dir.String()+" "+string(e.Raw))
		}
	}
	if got := strings.Join(dropped, "; "); got != "s2c <iq id='evil-down'/>; c2s <iq id='evil-up'/>" {
		t.Errorf("dropped: %s", got)
	}
}

// TestEitherSideDrops: at every step of STARTTLS either side may go; the other
// is told, nothing hangs, and the legs' ends are recorded.
func TestEitherSideDrops(t *testing.T) {
	for step := range 5 {
		for _, who := range []string{theClient, theServer} {
			t.Run(fmt.Sprintf("step %d %s", step, who), func(t *testing.T) {
				b := newBench(t, false, false)
				c := b.dial(t)
				mustWrite(t, c, clientHdr)
				s := b.accept(t)
				says := []func(){
					func() { mustRead(t, s, clientHdr) },
					func() { mustWrite(t, s, serverHdr+featuresTLS); mustRead(t, c, serverHdr+featuresTLS) },
					func() { mustWrite(t, c, startTLS); mustRead(t, s, startTLS) },
					func() { mustWrite(t, s, proceed); mustRead(t, c, proceed) },
				}
				for _, say := range says[:min(step, len(says))] {
					say()
				}
				gone, other := c, s
				if who == theServer {
					gone, other = s, c
				}
				gone.Close()
				io.Copy(io.Discard, other) // until the proxy ends it
				other.Close()
				var kinds []string
				for _, e := range b.events() {
					if _, ok := e.Body.(session.TCPClosed); ok {
						kinds = append(kinds, e.Leg.String())
					}
				}
				if got := strings.Join(kinds, " "); got != "server client" {
					t.Errorf("closed: %q", got)
				}
			})
		}
	}
}

// TestClientLeavesBeforeTheServerAnswersTLS: it is noticed at once, though nobody reads
// from the client while the server's part of the handshake is waited for, and it is not
// told as anybody else's doing.
func TestClientLeavesBeforeTheServerAnswersTLS(t *testing.T) {
	b := newBench(t, false, false)
	c, s := b.begins(t, clientHdr)
	mustWrite(t, s, serverHdr+featuresTLS)
	mustRead(t, c, serverHdr+featuresTLS)
	mustWrite(t, c, startTLS)
	mustRead(t, s, startTLS)
	mustWrite(t, s, proceed)
	mustRead(t, c, proceed)
	go tls.Client(c, &tls.Config{InsecureSkipVerify: true}).Handshake()
	if _, err := io.ReadFull(s, make([]byte, 5)); err != nil { // a ClientHello, which stays unanswered
		t.Fatal(err)
	}
	c.Close()
	io.Copy(io.Discard, s) // until the proxy ends it
	s.Close()
	said := map[session.Leg]string{}
	for _, e := range b.events() {
		if f, ok := e.Body.(session.TLSFailed); ok {
			said[e.Leg] = f.Guilty + ": " + f.Reason
		}
	}
	for leg, reason := range said {
		if !strings.HasPrefix(reason, "client: the client hung up") {
			t.Errorf("%s leg: %s", leg, reason)
		}
	}
	if len(said) != 2 {
		t.Errorf("failed: %v", said)
	}
}

// TestUnreachableServer: the client is answered in the server's place.
func TestUnreachableServer(t *testing.T) {
	b := newBench(t, false, false)
	b.upstream.Close()
	c := b.dial(t)
	mustWrite(t, c, clientHdr)
	answer, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"from='wire.example'", "<remote-connection-failed", "</stream:stream>"} {
		if !bytes.Contains(answer, []byte(want)) {
			t.Errorf("the client got %q without %q", answer, want)
		}
	}
	c.Close()
	var ours, failed int
	for _, e := range b.events() {
		switch e.Body.(type) {
		case session.TCPFailed:
			failed++
		case session.RelaySent:
			ours++
			if e.Origin != session.OriginSelf {
				t.Errorf("origin %q", e.Origin)
			}
		}
	}
	if failed != 1 || ours != 2 {
		t.Errorf("%d tcp:failed, %d relay:sent", failed, ours)
	}
}

// TestStalledReaderStopsItsSender: a side that does not read stops the other by
// back-pressure, and the opposite direction goes on meanwhile.
func TestStalledReaderStopsItsSender(t *testing.T) {
	b := newBench(t, false, false)
	client, server := startTLSBoth(t, b)
	mustWrite(t, client, clientHdr)
	mustRead(t, server, clientHdr)
	block := []byte("<message><body>" + strings.Repeat("x", 60000) + "</body></message>")
	server.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
	sent := 0
	for sent < 1<<30 {
		n, err := server.Write(block)
		sent += n
		if err != nil {
			break
		}
	}
	if sent >= 1<<30 {
		t.Error("a client that does not read did not stop its server")
	}
	mustWrite(t, client, "<iq id='still-alive'/>")
	mustRead(t, server, "<iq id='still-alive'/>")
}

// TestPlain: what a peer says by an alert of TLS is told in the words of TLS.
func TestPlain(t *testing.T) {
	for alert, want := range map[tls.AlertError]string{
		50: "it broke TLS off with the alert decode_error (50), which is what OpenSSL says where the other side has hung up without close_notify",
		20: "it broke TLS off with the alert bad_record_mac (20)",
	} {
		if got := plain(&net.OpError{Op: "remote error", Err: alert}); got != want {
			t.Errorf("alert %d: %s", alert, got)
		}
	}
}
