package tlsintercept

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"xmppscope/certs"
	"xmppscope/internal/idn"
	"xmppscope/session"
)

// Application protocols of streams (XEP-0368).
const (
	ALPNClient = "xmpp-client"
	ALPNServer = "xmpp-server"
)

// ALPNWeb is that of HTTP/1.1, which WebSocket and BOSH are.
const ALPNWeb = "http/1.1"

// SecureServer does the server leg's handshake alone: for a client that speaks in
// the clear to a server that wants TLS from the first byte. The offer is ours:
// all versions that we speak, SNI, and for direct TLS the ALPN xmpp-client.
func (c *Config) SecureServer(ctx context.Context, l Legs) (*Secured, error) {
	p := c.newPair(l)
	o := offer{lowest: c.oldest(), highest: newestTLS}
	if l.Direct {
		o.alpn = alpnOf(l.Peer)
	}
	if l.Web {
		o.alpn = []string{ALPNWeb}
	}
	if l.ServerName != "" {
		l.Domain = l.ServerName
	}
	d, err := idn.Parse(l.Domain)
	if err != nil {
		body := session.TLSFailed{Class: session.ClassOther, Guilty: session.OriginSelf, Reason: session.ShortLine(err.Error())}
		p.record(session.ServerLeg, body)
		return nil, &Error{session.ServerLeg, body}
	}
	p.domain, p.Domain, p.serverFacts.Domain = d, d.ASCII, d.ASCII
	o.sni, o.sniFrom = d.ASCII, "stream to"
	if _, err := p.secureServer(ctx, o); err != nil {
		if p.failed == nil { // Dial, which has recorded it
			return nil, fmt.Errorf("tlsintercept: %w", err)
		}
		return nil, p.failed
	}
	return p.secured(), nil
}

// alpnOf is what is asked for by ALPN where TLS comes first (XEP-0368 §2).
func alpnOf(peer bool) []string {
	if peer {
		return []string{ALPNServer}
	}
	return []string{ALPNClient}
}

// secureServer does the server leg's handshake and records how it went. Its error
// is what the client leg fails with.
func (p *pair) secureServer(ctx context.Context, o offer) (tls.ConnectionState, error) {
	var none tls.ConnectionState
	ctx, cancel := context.WithTimeoutCause(ctx, p.timeout(), errSilent)
	defer cancel()
	p.begun = true
	if p.legs.Server == nil {
		if err := p.dial(ctx, &o); err != nil {
			return none, err
		}
	}
	p.waits(WaitServer)
	start := time.Now()
	p.serverWire = &watched{Conn: p.legs.Server, tape: p.newTape()}
	conn := tls.Client(p.serverWire, p.clientConfig(o))
	err := conn.HandshakeContext(ctx)
	p.serverWire.done = true
	state := conn.ConnectionState()
	setState(&p.serverFacts, state, leafOf(state.PeerCertificates))
	p.serverFacts.Took = time.Since(start)
	hello := parseHello(p.serverWire.sent)
	if hello != nil {
		p.serverFacts.Hello = helloFacts(hello)
		p.serverFacts.SNI = hello.ServerName
	}
	if p.serverFacts.SNI != "" { // an IP literal is never sent
		p.serverFacts.SNIFrom = o.sniFrom
	}
	if err != nil {
		return none, p.failServer(cause(ctx, err), lacking(p.hello, hello))
	}
	p.Server = conn
	p.record(session.ServerLeg, session.TLSEstablished{TLSFacts: p.serverFacts})
	return state, nil
}

func (p *pair) dial(ctx context.Context, o *offer) error {
	if p.legs.Dial == nil {
		return &diagnosis{class: session.ClassOtherLeg, alert: session.AlertInternalError, reason: "there is no server to connect to"}
	}
	conn, name, err := p.legs.Dial(ctx, p.domain.ASCII, p.legs.Peer)
	if err != nil {
		return &diagnosis{class: session.ClassOtherLeg, alert: session.AlertInternalError, err: err,
			reason: "the client was told " + session.AlertInternalError.String() + ", because the server could not be reached: " + session.ShortLine(err.Error())}
	}
	p.legs.Server, p.dialled = conn, conn
	if name == "" {
		return nil
	}
	p.legs.ServerName = name
	return p.settleServer(o)
}

// clientConfig is the server leg's configuration: the client's offer, and our own
// verification, which keeps the chain even when it refuses it.
func (p *pair) clientConfig(o offer) *tls.Config {
	return &tls.Config{
		ServerName: o.sni,
		NextProtos: o.alpn,
		MinVersion: o.lowest, MaxVersion: o.highest, CipherSuites: p.suites(),
		KeyLogWriter:       keyLog{session.ServerLeg, p.record, p.serverWire.tape},
		InsecureSkipVerify: true, // VerifyConnection does it
		VerifyConnection: func(cs tls.ConnectionState) error {
			p.serverFacts.Chain = chainFacts(cs.PeerCertificates)
			if bad := p.nameless(cs.PeerCertificates[0]); bad != nil {
				return bad
			}
			domain := p.domain
			if p.server != (idn.Domain{}) {
				domain = p.server
			}
			verdict, bad := p.verify(cs.PeerCertificates, domain, p.legs.Peer)
			p.serverFacts.Verdict = &verdict
			if bad != nil && !p.Insecure {
				return bad
			}
			return nil
		},
		GetClientCertificate: func(asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			p.serverFacts.Mutual, p.wantedCAs = true, asked.AcceptableCAs
			if mine := p.mine(); mine != nil {
				p.serverFacts.Client = p.own.of(mine)
				return mine, nil
			}
			return new(tls.Certificate), nil // none: the client's own cannot be passed on
		},
	}
}

// nameless settles on a domain that the server's certificate names, where the
// client has named none (direct TLS without SNI, against XEP-0368 §2).
func (p *pair) nameless(leaf *x509.Certificate) error {
	if p.domain != (idn.Domain{}) {
		return nil
	}
	names := certs.NamesOf(leaf)
	var known []string
	for _, srv := range names.SRV {
		if name, ok := strings.CutPrefix(srv, srvClient); ok {
			known = append(known, name)
		}
	}
	known = append(append(known, names.XMPP...), names.DNS...)
	for _, name := range known {
		d, err := idn.Parse(name)
		if err == nil && !strings.HasPrefix(name, "*") {
			p.domain, p.Domain = d, d.ASCII
			p.clientFacts.Domain, p.serverFacts.Domain = d.ASCII, d.ASCII
			p.serverFacts.SNIFrom = "certificate"
			return nil
		}
	}
	return &diagnosis{class: session.ClassUnrecognized, alert: session.AlertInternalError,
		reason: "the client named no domain: its ClientHello has no SNI, which direct TLS requires (XEP-0368), and the server's certificate names none either",
		hint:   "say the account's domain with --domain NAME, or let the client use STARTTLS, where the stream's \"to\" names it"}
}

// failServer records the failure, and returns what the client leg fails with.
func (p *pair) failServer(err error, l lack) error {
	f := failure{
		leg: session.ServerLeg, facts: p.serverFacts, err: err,
		first: p.serverWire.first, last: p.serverWire.last.alert(),
		direct: p.legs.Direct || p.legs.Awaited, after: p.timeout(), lack: l,
	}
	body := f.classify()
	p.record(session.ServerLeg, body)
	p.failed = &Error{session.ServerLeg, body}
	if errors.Is(err, errStopped) || errors.Is(err, ErrClientLeft) {
		return err
	}
	return &diagnosis{class: session.ClassOtherLeg, alert: session.AlertInternalError, err: err, hint: body.Hint,
		reason: "the client was told " + session.AlertInternalError.String() + ", because " + body.Reason}
}
