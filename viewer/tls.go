package viewer

import (
	"strings"

	"xmppscope/internal/inspect"
	"xmppscope/session"
)

// failed is why a connection or a handshake failed, and what to do next.
func (p *textBlock) failed(e *session.Event) {
	reason, hint := inspect.Trouble(e)
	if reason != "" && e.Summary != "" && !strings.Contains(e.Summary, reason) { // else it is said already
		p.gap()
		p.add(3, span{" ✗ " + wire(reason), p.theme.failure})
	}
	if hint != "" {
		p.add(3, span{" → ", p.theme.accent}, span{wire(hint), p.theme.strong})
	}
}

// body is what an event holds beyond XML: connections, handshakes, losses.
func (p *textBlock) body(e *session.Event) {
	for _, t := range inspect.Tables(e) {
		p.table(&t)
	}
}

// table is facts below a heading.
func (p *textBlock) table(t *inspect.Table) {
	p.heading(wire(t.Title))
	column := 12
	if t.Short {
		column = 8
	}
	for _, f := range t.Facts {
		value := []span{{wire(f.Value), p.theme.text}}
		switch f.Label {
		case session.FactVerified:
			value = p.verified(t.Verdict)
		}
		p.field(column, wire(f.Label), value...)
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
