package viewer

import (
	"strings"

	"xmppscope/session"
)

// body is what an event holds beyond XML: connections, handshakes, losses.
func (p *page) body(e *session.Event) {
	switch b := e.Body.(type) {
	case session.TLSEstablished:
		p.tls(&b.TLSFacts)
	case session.TLSFailed:
		p.heading("Refusal")
		p.known(8, "by", b.Guilty)
		p.known(8, "alert", b.Alert)
		p.known(8, "class", b.Class)
		p.known(8, "error", b.Err)
		p.tls(&b.TLSFacts)
	case session.TCPOpened:
		p.heading("Connection")
		peer, local := clean("peer"), clean("our end")
		if b.Captured { // of the two ends none is ours
			peer, local = "client", "server"
		}
		p.known(8, peer, b.Peer)
		p.known(8, local, b.Local)
		p.known(8, "asked", b.Target)
		p.known(8, "named by", b.Via)
		if b.Direct {
			p.known(8, "TLS", "from the first byte (XEP-0368)")
		}
	}
}

// failed is why a connection or a handshake failed, and what to do next.
func (p *page) failed(e *session.Event) {
	var reason, hint string
	switch b := e.Body.(type) {
	case session.TLSFailed:
		reason, hint = b.Reason, b.Hint
	case session.TCPFailed:
		reason, hint = b.Reason, b.Hint
	}
	if reason != "" && e.Summary != "" && !strings.Contains(e.Summary, reason) { // else it is said already
		p.gap()
		p.add(3, span{" ✗ " + wire(reason), p.theme.failure})
	}
	if hint != "" {
		p.add(3, span{" → ", p.theme.accent}, span{wire(hint), p.theme.strong})
	}
}

// known is a field that is left out while nothing is known.
func (p *page) known(column int, name clean, value string) {
	if value != "" {
		p.field(column, name, span{wire(value), p.theme.text})
	}
}

const tlsColumn = 12

// tls is the facts of a handshake.
func (p *page) tls(f *session.TLSFacts) {
	p.heading("TLS")
	known := func(name clean, value string) { p.known(tlsColumn, name, value) }
	known("version", f.Version)
	known("suite", f.Suite)
	known("key exchange", f.Group)
	known("ALPN", f.ALPN)
	sni := f.SNI
	if f.SNIFrom != "" {
		sni = strings.TrimSpace(sni + " (" + f.SNIFrom + ")")
	}
	known("SNI", sni)
	known("JID domain", f.Domain)
	if f.Took > 0 {
		known("took", lasting(f.Took))
	}
	if f.Resumed {
		known("resumed", "an abbreviated handshake")
	}
	if f.Mutual {
		known("client cert", "asked for by the server")
	}
	if len(f.Unminted) > 0 {
		known("not minted", strings.Join(f.Unminted, ", "))
	}
	p.verdict(f.Verdict)
	p.hello(f.Hello)
	for i := range f.Chain {
		p.certificate(i, &f.Chain[i])
	}
}

// verdict is whether the certificate is good for the JID's domain.
func (p *page) verdict(v *session.Verification) {
	switch {
	case v == nil:
	case v.OK:
		p.field(tlsColumn, "verified", span{"✓ ", p.theme.good}, span{wire(v.By), p.theme.text})
	case v.Ignored:
		p.field(tlsColumn, "verified", span{"▲ ", p.theme.warning}, span{wire(v.Problem) + " (and was ignored, as you asked)", p.theme.warning})
	case v.Severity() < session.Error:
		p.field(tlsColumn, "verified", span{"▲ ", p.theme.warning}, span{wire(v.Problem), p.theme.warning})
	default:
		p.field(tlsColumn, "verified", span{"✗ " + wire(v.Problem), p.theme.failure})
	}
}

// hello is what the client of the leg offered.
func (p *page) hello(h *session.ClientHello) {
	if h == nil {
		return
	}
	p.heading("Offered by the client of this leg")
	offered := func(name clean, values []string) { p.known(tlsColumn, name, strings.Join(values, " ")) }
	p.known(tlsColumn, "SNI", h.SNI)
	offered("versions", h.Versions)
	offered("ALPN", h.ALPN)
	offered("groups", h.Groups)
	offered("suites", h.Suites)
}

// certificate is one of the chain, leaf first.
func (p *page) certificate(i int, c *session.Certificate) {
	if i == 0 {
		p.heading("Certificate: leaf")
	} else {
		p.heading(wiref("Certificate: %d above the leaf", i))
	}
	known := func(name clean, value string) { p.known(tlsColumn, name, value) }
	known("subject", c.Subject)
	known("issuer", c.Issuer)
	known("DNS names", strings.Join(c.DNS, ", "))
	known("SRV names", strings.Join(c.SRV, ", "))
	known("XMPP addrs", strings.Join(c.XMPP, ", "))
	known("IP addresses", strings.Join(c.IP, ", "))
	known("valid", c.NotBefore.Format("2006-01-02")+" to "+c.NotAfter.Format("2006-01-02 15:04 MST"))
	key := c.Key
	if c.Signature != "" {
		key = strings.TrimPrefix(key+", signed with "+c.Signature, ", ")
	}
	known("key", key)
	if c.CA {
		known("may sign", "yes, it is a CA")
	}
	known("SHA-256", pairs(c.SHA256))
	known("serial", c.Serial)
}

// pairs writes a fingerprint the way other tools do, to compare by eye, with a
// blank in the middle where a line may break.
func pairs(hex string) string {
	var b strings.Builder
	for i := 0; i < len(hex); i += 2 {
		switch {
		case i == 0:
		case i%32 == 0:
			b.WriteString(": ")
		default:
			b.WriteByte(':')
		}
		b.WriteString(strings.ToUpper(hex[i:min(i+2, len(hex))]))
	}
	return b.String()
}
