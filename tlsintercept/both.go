package tlsintercept

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"xmppscope/certs"
	"xmppscope/internal/idn"
	"xmppscope/session"
)

// Config says how TLS is done on both legs. It may be shared by any number of
// sessions, and must not be changed once it is in use.
type Config struct {
	CA *certs.CA // mints what clients are shown
	// Roots are trusted for the server's certificate; nil is the system's store.
	Roots *x509.CertPool
	// RootsName says in messages what Roots are: `--upstream-ca lab.pem (CN=Lab CA)`.
	RootsName string
	// Insecure goes on when the server's certificate does not verify; the verdict
	// is recorded all the same, as ignored (--insecure-upstream).
	Insecure bool
	// LegacyTLS adds TLS 1.0, 1.1 and weak ciphers on both legs (--legacy-tls).
	LegacyTLS bool
	// Timeout bounds each wait: for the ClientHello, for the server's handshake,
	// for the rest of the client's. Zero is 30 seconds.
	Timeout time.Duration
	// Own is the server's real certificate and key: clients are shown it in place of a minted
	// one, where it names the domain (--own-cert). Nil is none.
	Own *tls.Certificate
	// Mine are certificates and keys for servers that ask for one (--upstream-cert), as the
	// client's own cannot be passed on: one is shown, that of Legs.From or the first.
	Mine []tls.Certificate
	// Ask says when clients are asked for theirs.
	Ask Ask
	// Finished keeps the client's Finished of each leg of TLS 1.3, which some bind logins to
	// (Secured.Bindings).
	Finished bool
	// Now is the clock for dates of certificates and events; nil is time.Now.
	Now func() time.Time

	paths goodPaths
	own   ownFacts
}

// Legs is one session that is to be secured.
type Legs struct {
	// Client and Server are the connections below TLS; whoever wants to see the
	// ciphertext has wrapped them. Server may be nil if Dial is set.
	Client, Server net.Conn
	// Domain is the JID domain that certificates are about: the stream's "to". For
	// direct TLS the client's SNI takes precedence, and Domain is what to take
	// where there is none; it may be "".
	Domain string
	// From is who opens the stream, as its header says: a JID, or the domain of a server that
	// calls. It is "" where that is not known.
	From string
	// ServerName is the host that the server's certificate is about and that it is told by
	// SNI, where that is not Domain: that of a URL (RFC 7395 §3.9).
	ServerName string
	// Web says that HTTP is spoken, for who has no ClientHello to tell.
	Web bool
	// Dial connects to a server that is known only once the client has named a
	// domain by SNI; peer is Peer, or what the ALPN says. It is called at most once,
	// during the client's handshake, and should record its own failure (tcp:failed).
	// The connection is closed if Secure fails. The name that it returns, if it is not "", takes
	// the place of ServerName.
	Dial func(ctx context.Context, domain string, peer bool) (net.Conn, string, error)
	// Direct is TLS from the first byte (XEP-0368).
	Direct bool
	// Awaited says that the server expects TLS from the first byte, whose client has begun it in
	// its stream: it is told ALPN, as such a server may go by that.
	Awaited bool
	// Peer says that it is a server that calls another: names are those of s2s, and ALPN is
	// xmpp-server.
	Peer bool
	// Waits, if it is not nil, is told what is waited for, as it changes, by the goroutine
	// that called Secure.
	Waits func(Wait)
	// Record takes the events: At, Leg and Body are set. It is called by the
	// goroutine that called Secure, before Secure returns.
	Record func(session.Seen)
}

// Wait is what the handshakes of a session wait for.
type Wait uint8

// What is waited for, in this order.
const (
	WaitHello  Wait = iota + 1 // the client's ClientHello
	WaitServer                 // all that the server has to say
	WaitClient                 // what the client says to our certificate
)

// ErrClientLeft ends Secure, as the cause of its context, when the client has gone while
// the server was waited for.
var ErrClientLeft = errors.New("the client has hung up")

// Secured is a session with TLS on both legs, or on the server's alone.
type Secured struct {
	Client, Server *tls.Conn // Client is nil after SecureServer
	Domain         string    // the JID domain that was settled on, as A-labels

	clientFacts, serverFacts session.TLSFacts
	bindings                 [3]map[string]string // by leg
}

// Bindings is the channel-binding data of a leg in hex, by the type's registered name
// (session.TLSFacts.Bindings). With Config.Finished it has tls-unique on TLS 1.3 too, as
// ejabberd, slixmpp and others take it against RFC 9266 §3: the client's Finished.
func (s *Secured) Bindings(leg session.Leg) map[string]string { return s.bindings[leg] }

// Error is a handshake that failed; everything has been recorded.
type Error struct {
	Leg    session.Leg // whose failure it was, not the leg that ended because of it
	Failed session.TLSFailed
}

func (e *Error) Error() string { return "tlsintercept: " + e.Failed.Reason }

const defaultTimeout = 30 * time.Second

func (c *Config) timeout() time.Duration {
	if c.Timeout > 0 {
		return c.Timeout
	}
	return defaultTimeout
}

func (c *Config) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// Secure does both handshakes: the client's, and inside it the server's. When it
// fails the error is an *Error, the events say why on both legs, the client has
// been told by an alert where that was possible, and the caller closes the
// connections. It returns within a bounded time, whatever the peers do, and at
// once when ctx is done.
func (c *Config) Secure(ctx context.Context, l Legs) (*Secured, error) {
	p := c.newPair(l)
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	p.ctx = ctx
	p.timer = time.AfterFunc(c.timeout(), func() { stop(errSilent) })
	defer p.timer.Stop()

	p.waits(WaitHello)
	p.clientWire = &watched{Conn: l.Client, tape: c.newTape()}
	conn := tls.Server(p.clientWire, &tls.Config{
		GetConfigForClient: p.answer,
		MinVersion:         c.oldest(), MaxVersion: newestTLS, CipherSuites: c.suites(),
	})
	err := conn.HandshakeContext(ctx)
	p.clientWire.done = true
	state := conn.ConnectionState()
	setState(&p.clientFacts, state, p.minted())
	p.clientFacts.Client = chainFacts(state.PeerCertificates)
	if !p.helloAt.IsZero() {
		p.clientFacts.Took = time.Since(p.helloAt) - p.serverFacts.Took
	}
	if err != nil {
		return nil, p.failClient(cause(ctx, err))
	}
	p.record(session.ClientLeg, session.TLSEstablished{TLSFacts: p.clientFacts})
	p.Client = conn
	return p.secured(), nil
}

// pair is the state of one run of Secure or SecureServer.
type pair struct {
	*Config
	Secured
	legs  Legs
	ctx   context.Context // of the whole run
	timer *time.Timer     // ends ctx when the client is silent

	clientWire, serverWire *watched
	hello                  *tls.ClientHelloInfo // of the client, nil while there is none
	helloAt                time.Time
	early                  bool        // the ClientHello announced 0-RTT data
	wantedCAs              [][]byte    // by the server that has asked for a certificate: their names, in DER
	shown                  bool        // the client has been given our certificate
	begun                  bool        // the server leg's handshake was begun, or dialling was
	failed                 *Error      // of the server leg
	dialled                net.Conn    // by us
	config                 *tls.Config // the answer, should crypto/tls ask again
	domain                 idn.Domain  // settled on when the ClientHello is here
	server                 idn.Domain  // of the server's certificate, where it is another
}

func (c *Config) newPair(l Legs) *pair { return &pair{Config: c, legs: l} }

// secured is the result without what only the handshakes needed.
func (p *pair) secured() *Secured {
	p.bindings = [...]map[string]string{
		session.ClientLeg: withFinished(p.clientFacts.Bindings, p.clientWire, session.ClientLeg),
		session.ServerLeg: withFinished(p.serverFacts.Bindings, p.serverWire, session.ServerLeg),
	}
	for _, w := range []*watched{p.clientWire, p.serverWire} {
		if w != nil {
			w.first, w.sent = nil, nil
		}
	}
	out := p.Secured
	return &out
}

func (p *pair) waits(what Wait) {
	if p.legs.Waits != nil {
		p.legs.Waits(what)
	}
}

func (p *pair) record(leg session.Leg, body session.Body) {
	p.legs.Record(session.Seen{At: p.now(), Leg: leg, Body: body})
}

// cause replaces what crypto/tls says when its context ends by why it ended.
func cause(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	if why := context.Cause(ctx); errors.Is(why, errSilent) || errors.Is(why, ErrClientLeft) {
		return why
	}
	return errStopped
}

// answer is called by crypto/tls with the ClientHello, in the goroutine of
// Secure. Its error becomes alert 80; a nil config leaves the outer one, which
// then refuses the client's versions itself, with alert 70.
func (p *pair) answer(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	if p.config != nil {
		return p.config, nil
	}
	if !p.timer.Stop() {
		return nil, errSilent // it came too late
	}
	defer p.timer.Reset(p.timeout())
	p.hello, p.helloAt = hello, time.Now()
	p.clientFacts.Hello = helloFacts(hello)
	p.clientFacts.SNI = hello.ServerName
	p.early = slices.Contains(hello.Extensions, extensionEarlyData)

	lowest, highest, ok := p.common(hello.SupportedVersions)
	if !ok {
		return nil, nil
	}
	p.legs.Peer = p.legs.Peer || slices.Contains(hello.SupportedProtos, ALPNServer)
	o := offer{lowest: lowest, highest: highest, alpn: withoutH2(hello.SupportedProtos), sni: hello.ServerName, sniFrom: "client"}
	if p.legs.Awaited && len(o.alpn) == 0 {
		o.alpn = alpnOf(p.legs.Peer)
	}
	if err := p.settle(&o); err != nil {
		return nil, err
	}
	if err := p.settleServer(&o); err != nil {
		return nil, err
	}
	state, err := p.secureServer(p.ctx, o)
	p.waits(WaitClient)
	if err != nil {
		return nil, err
	}
	cert, left, err := p.certificate(state.PeerCertificates[0])
	if err != nil {
		return nil, &diagnosis{class: session.ClassOther, alert: session.AlertInternalError, err: err,
			reason: fmt.Sprintf("no certificate for %q can be made: %s", p.domain.ASCII, session.ShortLine(err.Error()))}
	}
	p.clientFacts.Chain, p.clientFacts.Unminted = p.own.of(cert), left
	p.shown = true
	p.config = &tls.Config{
		Certificates: []tls.Certificate{*cert},
		MinVersion:   state.Version, MaxVersion: state.Version, CipherSuites: p.suites(),
		NextProtos:             protocols(state.NegotiatedProtocol),
		SessionTicketsDisabled: true,
		KeyLogWriter:           keyLog{session.ClientLeg, p.record, p.clientWire.tape},
	}
	p.ask(p.config)
	return p.config, nil
}

// certificate is what the client is shown, and which names of the server's could not be
// minted.
func (p *pair) certificate(server *x509.Certificate) (cert *tls.Certificate, notMinted []string, err error) {
	if p.Own != nil {
		if _, ok := matchName(p.domain, certs.NamesOf(p.Own.Leaf), srvClient); ok {
			return p.Own, nil, nil
		}
	}
	return p.CA.Mint(p.domain.ASCII, server, localAddr(p.legs.Client)...)
}

// localAddr is the address at which a connection has reached us, nothing if that
// is no IP address (a socket of another kind).
func localAddr(c net.Conn) []netip.Addr {
	at, err := netip.ParseAddrPort(c.LocalAddr().String())
	if err != nil {
		return nil
	}
	return []netip.Addr{at.Addr().Unmap()}
}

// extensionEarlyData is the ClientHello extension early_data (RFC 8446 §4.2.10).
const extensionEarlyData = 42

// settle decides on the JID domain, and on the SNI where the client sent none. A
// direct TLS client that sends none leaves the domain open: some connect to an
// address and then name no host.
func (p *pair) settle(o *offer) error {
	name := p.legs.Domain
	if p.legs.Direct && o.sni != "" || name == "" {
		name = o.sni
	}
	if name == "" { // no SNI: the server's certificate may tell, see nameless
		return nil
	}
	d, err := idn.Parse(name)
	if err != nil {
		return &diagnosis{class: session.ClassOther, alert: session.AlertInternalError, err: err, reason: "the client asked for an impossible domain: " + session.ShortLine(err.Error())}
	}
	p.domain, p.Domain = d, d.ASCII
	p.clientFacts.Domain, p.serverFacts.Domain = d.ASCII, d.ASCII
	if o.sni == "" {
		o.sni, o.sniFrom = d.ASCII, "stream to"
		if p.legs.Direct {
			o.sniFrom = "target"
		}
	}
	return nil
}

// settleServer decides on the server's name where that is another than the client's.
func (p *pair) settleServer(o *offer) error {
	name := p.legs.ServerName
	if name == "" {
		return nil
	}
	d, err := idn.Parse(name)
	if err != nil {
		return &diagnosis{class: session.ClassOther, alert: session.AlertInternalError, err: err, reason: "the server's name is impossible: " + session.ShortLine(err.Error())}
	}
	if p.domain == (idn.Domain{}) {
		p.domain, p.Domain, p.clientFacts.Domain = d, d.ASCII, d.ASCII
	}
	p.server, p.serverFacts.Domain = d, d.ASCII
	o.sni, o.sniFrom = d.ASCII, "upstream"
	return nil
}

// withoutH2 leaves out HTTP/2, of which nothing could be read, where the client speaks
// HTTP/1.1 too: XMPP over it is (RFC 7395 §3).
func withoutH2(alpn []string) []string {
	if !slices.Contains(alpn, ALPNWeb) {
		return alpn
	}
	return slices.DeleteFunc(slices.Clone(alpn), func(p string) bool { return p == "h2" })
}

// failClient records the end of the client leg, and that of the server leg if
// that one was never begun because of it.
func (p *pair) failClient(err error) error {
	if p.dialled != nil {
		p.dialled.Close()
	}
	f := failure{
		leg: session.ClientLeg, facts: p.clientFacts, err: err,
		first: p.clientWire.first, last: p.clientWire.last.alert(),
		asked: !p.helloAt.IsZero(), shown: p.shown, early: p.early,
		direct: p.legs.Direct, after: p.timeout(),
	}
	body := f.classify()
	p.record(session.ClientLeg, body)
	if p.failed != nil {
		return p.failed
	}
	if !p.begun && p.legs.Server != nil {
		p.record(session.ServerLeg, session.TLSFailed{
			TLSFacts: p.serverFacts, Class: session.ClassOtherLeg, Guilty: session.OriginSelf,
			Reason: "the handshake with the server was not begun: " + body.Reason,
		})
	}
	return &Error{Leg: session.ClientLeg, Failed: body}
}
