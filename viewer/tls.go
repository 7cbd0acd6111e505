package viewer

import (
	"strings"

	"xmppscope/session"
)

// body is what an event holds beyond XML: connections, handshakes, losses.
func (p *textBlock) body(e *session.Event) {
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
func (p *textBlock) failed(e *session.Event) {
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
func (p *textBlock) known(column int, name clean, value string) {
	if value != "" {
		p.field(column, name, span{wire(value), p.theme.text})
	}
}

const tlsColumn = 12

// tls is the facts of a handshake.
func (p *textBlock) tls(f *session.TLSFacts) {
	p.table("TLS", f.Facts(), f.Verdict)
	if f.Hello != nil {
		p.table("Offered by the client of this leg", f.Hello.Facts(), nil)
	}
	for i := range f.Chain {
		title := clean("Certificate: leaf")
		if i > 0 {
			title = wiref("Certificate: %d above the leaf", i)
		}
		p.table(title, f.Chain[i].Facts(), nil)
	}
	p.clientChain(f.Client)
}

// clientChain is what the client has shown.
func (p *textBlock) clientChain(chain []session.Certificate) {
	for i := range chain {
		p.table(wiref("Certificate of the client: %d", i+1), chain[i].Facts(), nil)
	}
}

// table is facts below a heading.
func (p *textBlock) table(title clean, facts []session.Fact, verdict *session.Verification) {
	p.heading(title)
	for _, f := range facts {
		value := []span{{wire(f.Value), p.theme.text}}
		switch f.Label {
		case session.FactVerified:
			value = p.verified(verdict)
		case session.FactFingerprint:
			value[0].text = wire(halved(f.Value))
		}
		p.field(tlsColumn, wire(f.Label), value...)
	}
}

// verified is whether the certificate is good for the JID's domain.
func (p *textBlock) verified(v *session.Verification) []span {
	text := wire(v.String())
	switch {
	case v.OK:
		return []span{{"✓ ", p.theme.good}, {text, p.theme.text}}
	case v.Ignored, v.Severity() < session.Error:
		return []span{{"▲ ", p.theme.warning}, {text, p.theme.warning}}
	}
	return []span{{"✗ ", p.theme.failure}, {text, p.theme.failure}}
}

// halved is a fingerprint with a blank in the middle, where the line may break.
func halved(s string) string {
	if half := (len(s) + 1) / 2; len(s) == 95 {
		return s[:half] + " " + s[half:]
	}
	return s
}
