package tls

import (
	"fmt"

	"xmppscope/session"
)

const levelFatal = 2

// alert processes an alert. A warning ends nothing.
func (c *Conn) alert(h *half, level byte, n session.Alert) {
	switch {
	case n == session.AlertClose:
		c.say(h, Output{Closed: true})
		h.closed = true
	case n == session.AlertCanceled: // close_notify follows
	case level == levelFatal || c.hs.version == version13:
		f := session.TLSFailed{Class: session.ClassOther, Guilty: h.dir.Sender(), Alert: n.String()}
		if h.dir == session.C2S {
			c.clientAlerted(&f, n)
		} else {
			c.serverAlerted(&f, n)
		}
		c.fail(h, f)
	}
}

// fail tells of a failure, once.
func (c *Conn) fail(h *half, f session.TLSFailed) {
	if c.failed {
		return
	}
	c.failed = true
	f.TLSFacts = c.facts()
	c.say(h, Output{Body: f, Chain: c.hs.chain})
}

func (c *Conn) clientAlerted(f *session.TLSFailed, n session.Alert) {
	refuses := "the client does not accept the server's certificate"
	if sni := c.facts().SNI; sni != "" {
		refuses += fmt.Sprintf(" for %q", session.ShortLine(sni))
	}
	const hint = "the client's list of trusted CAs, its pins and the server's certificate have to fit together"
	switch n {
	case session.AlertUnknownCA:
		f.Class, f.Reason, f.Hint = session.ClassDistrust, refuses+": it does not know the CA", hint
	case session.AlertExpired:
		c.takenForExpired(f, refuses)
	case session.AlertBadCertificate, session.AlertUnsupportedCertificate, session.AlertRevoked, session.AlertCertificateUnknown, session.AlertAccessDenied, session.AlertBadStatus:
		f.Class, f.Reason, f.Hint = session.ClassDistrust, refuses, hint
	case session.AlertProtocolVersion:
		f.Class, f.Reason = session.ClassVersion, "the client refuses the version of TLS that the server has chosen"
	case session.AlertHandshakeFailure, session.AlertInsufficientSecurity:
		f.Class, f.Reason = session.ClassCipher, "the client finds no cipher or parameter that both sides accept"
	case session.AlertNoALPN:
		f.Class, f.Reason = session.ClassALPN, fmt.Sprintf("the client does not accept the application protocol %q that the server has chosen", session.ShortLine(c.hs.facts.ALPN))
	default:
		f.Reason = c.brokeOff(n)
	}
}

// takenForExpired is about a client that finds fault with the dates of the server's
// certificate: they, or the client's clock, are wrong. What is not valid yet needs no
// renewal.
func (c *Conn) takenForExpired(f *session.TLSFailed, refuses string) {
	f.Class, f.Reason, f.Hint = session.ClassExpired, refuses+": it takes it for expired", "renew the certificate, or set the clock of the client"
	chain := c.hs.facts.Chain
	if len(chain) == 0 || chain[0].NotAfter.IsZero() {
		return
	}
	switch leaf := chain[0]; {
	case c.at.Before(leaf.NotBefore):
		f.Reason = fmt.Sprintf("%s: it is not valid before %s, which is after this was captured", refuses, session.Moment(leaf.NotBefore))
		f.Hint = "check the clocks of the client and the server, and when the certificate was meant to begin"
	case c.at.After(leaf.NotAfter):
		f.Reason = fmt.Sprintf("%s: it expired on %s", refuses, session.Moment(leaf.NotAfter))
		f.Hint = "renew the certificate on the server"
	default:
		f.Reason = fmt.Sprintf("%s: it takes it for expired, or for not valid yet, though it is valid from %s to %s", refuses, session.Moment(leaf.NotBefore), session.Moment(leaf.NotAfter))
		f.Hint = "set the clock of the client; if that is right look at the other certificates of the chain"
	}
}

func (c *Conn) serverAlerted(f *session.TLSFailed, n session.Alert) {
	facts := c.facts()
	switch {
	case n == session.AlertUnsupportedCertificate && len(facts.Client) > 0 && !facts.Client[0].For(session.UsageClient):
		f.Class, f.Reason = session.ClassClientCert, "the server does not accept the client's certificate, which is for TLS servers alone (extended key usage without clientAuth)"
		f.Hint = "give the client a certificate that is for TLS clients too; between servers, let the one that refuses take certificates without clientAuth, which public CAs have left out since 2026"
	case n == session.AlertProtocolVersion || n == session.AlertFallback:
		f.Class, f.Reason = session.ClassVersion, "the server speaks none of the TLS versions that the client offered"+session.Listed(facts.Offer().Versions)
		f.Hint = "one of the two is too old for the other, or is set to refuse what the other speaks"
	case n == session.AlertCertificateRequired || facts.Mutual && (n == session.AlertHandshakeFailure || n == session.AlertBadCertificate || n == session.AlertAccessDenied):
		f.Class, f.Reason = session.ClassClientCert, "the server wants a certificate from the client, and got none that it accepts"
		f.Hint = "give the client a certificate from a CA that the server trusts, or let the server not ask for one"
	case n == session.AlertHandshakeFailure || n == session.AlertInsufficientSecurity:
		f.Class, f.Reason = session.ClassCipher, "the server accepts none of the ciphers or parameters that the client offered, or has no certificate for this name"
	case n == session.AlertUnrecognizedName:
		f.Class, f.Reason = session.ClassUnrecognized, fmt.Sprintf("the server does not know the name %q (SNI)", session.ShortLine(facts.SNI))
		f.Hint = "the domain may not be hosted there; look at the SRV records, or at the domain of the account"
	case n == session.AlertNoALPN:
		f.Class, f.Reason = session.ClassALPN, "the server accepts none of the application protocols that the client offered"+session.Listed(facts.Offer().ALPN)
		f.Hint = "this port may not be for XMPP (XEP-0368 has xmpp-client and xmpp-server)"
	case n == session.AlertUnknownCA || n == session.AlertExpired || n == session.AlertRevoked || n == session.AlertCertificateUnknown || n == session.AlertUnsupportedCertificate:
		f.Class, f.Reason = session.ClassClientCert, "the server does not accept the client's certificate"
	default:
		f.Reason, f.Hint = c.brokeOff(n), "look into the server's log"
	}
}

// brokeOff is what can be said of any alert; the side is in TLSFailed.Guilty.
func (c *Conn) brokeOff(n session.Alert) string {
	what := "the TLS handshake was broken off"
	if c.established {
		what = "the connection was broken off"
	}
	return what + " with the alert " + n.String()
}

// end: the TCP connection is finished by one side.
func (c *Conn) end(h *half) {
	if h.ended {
		return
	}
	h.ended = true
	if c.hs.hello == nil || c.established || h.closed || c.half(h.dir.Opposite()).ended {
		return
	}
	if c.c2s.slack > 0 || c.s2c.slack > 0 {
		return // bytes are missing: it may have gone well in them
	}
	f := session.TLSFailed{Class: session.ClassClosed, Guilty: h.dir.Sender(), Reason: fmt.Sprintf("the %s hung up in the middle of the TLS handshake without a word", h.dir.Sender())}
	switch {
	case c.locked && h.alert:
		f.Class, f.Reason = session.ClassOther, fmt.Sprintf("the %s seems to have broken off the TLS handshake with an alert, which is encrypted", h.dir.Sender())
	case c.hs.version == 0 && h.dir == session.C2S:
		f.Reason = "the client hung up on the handshake before the server had answered"
	case c.hs.version == 0:
		f.Reason = "the server hung up on the ClientHello without a word"
		f.Hint = "it may want another version of TLS, or does not speak TLS on this port"
	}
	c.fail(h, f)
}

// notTLS: what a direction sends is no TLS record.
func (c *Conn) notTLS(h *half, rest []byte) {
	start := append(append([]byte(nil), h.split.buf...), rest[:min(len(rest), 64)]...)
	where := "where a TLS record was due"
	if !h.spoke {
		where = "where its ClientHello was due"
		if h.dir == session.S2C {
			where = "where its ServerHello was due"
		}
	}
	hint := ""
	if h.dir == session.S2C && !h.spoke {
		hint = "this port may want STARTTLS: let the client begin in the clear, or connect to the port for direct TLS"
	}
	h.deaf = true
	c.release(h)
	c.fail(h, session.TLSFailed{
		Class: session.ClassNotTLS, Guilty: h.dir.Sender(), Hint: hint,
		Reason: fmt.Sprintf("the %s sent %s %s", h.dir.Sender(), session.NotTLS(start), where),
	})
}
