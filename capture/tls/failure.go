package tls

import (
	"fmt"
	"strings"

	"xmppscope/session"
)

// Alerts that mean more than their name (RFC 8446 §6).
const (
	alertClose            = 0
	alertHandshakeFailure = 40
	alertBadCertificate   = 42
	alertRevoked          = 44
	alertExpired          = 45
	alertUnknown          = 46
	alertUnknownCA        = 48
	alertAccessDenied     = 49
	alertProtocolVersion  = 70
	alertInsufficient     = 71
	alertFallback         = 86
	alertCanceled         = 90
	alertUnrecognized     = 112
	alertBadStatus        = 113
	alertCertRequired     = 116
	alertNoALPN           = 120

	levelFatal = 2
)

func who(dir session.Dir) string { return dir.From().String() }

// alert processes an alert. A warning ends nothing.
func (c *Conn) alert(h *half, level byte, n int) {
	switch {
	case n == alertClose:
		c.say(h, Output{Closed: true})
		h.closed = true
	case n == alertCanceled: // close_notify follows
	case level == levelFatal || c.hs.version == version13:
		f := session.TLSFailed{Class: session.ClassOther, Guilty: who(h.dir), Alert: session.TLSAlertName(n)}
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

func (c *Conn) clientAlerted(f *session.TLSFailed, n int) {
	refuses := "the client does not accept the server's certificate"
	if sni := c.facts().SNI; sni != "" {
		refuses += fmt.Sprintf(" for %q", line(sni))
	}
	const hint = "the client's list of trusted CAs, its pins and the server's certificate have to fit together"
	switch n {
	case alertUnknownCA:
		f.Class, f.Reason, f.Hint = session.ClassDistrust, refuses+": it does not know the CA", hint
	case alertExpired:
		f.Class, f.Reason = session.ClassExpired, refuses+": it takes it for expired"
		f.Hint = "renew the certificate, or set the clock of the client"
	case alertBadCertificate, 43, alertRevoked, alertUnknown, alertAccessDenied, alertBadStatus:
		f.Class, f.Reason, f.Hint = session.ClassDistrust, refuses, hint
	case alertProtocolVersion:
		f.Class, f.Reason = session.ClassVersion, "the client refuses the version of TLS that the server has chosen"
	case alertHandshakeFailure, alertInsufficient:
		f.Class, f.Reason = session.ClassCipher, "the client finds no cipher or parameter that both sides accept"
	case alertNoALPN:
		f.Class, f.Reason = session.ClassALPN, fmt.Sprintf("the client does not accept the application protocol %q that the server has chosen", line(c.hs.facts.ALPN))
	default:
		f.Reason = c.brokeOff(n)
	}
}

func (c *Conn) serverAlerted(f *session.TLSFailed, n int) {
	facts := c.facts()
	hello := session.ClientHello{}
	if facts.Hello != nil {
		hello = *facts.Hello
	}
	switch {
	case n == alertProtocolVersion || n == alertFallback:
		f.Class, f.Reason = session.ClassVersion, "the server speaks none of the TLS versions that the client offered"+listed(hello.Versions)
		f.Hint = "one of the two is too old for the other, or is set to refuse what the other speaks"
	case n == alertCertRequired || facts.Mutual && (n == alertHandshakeFailure || n == alertBadCertificate || n == alertAccessDenied):
		f.Class, f.Reason = session.ClassClientCert, "the server wants a certificate from the client, and got none that it accepts"
		f.Hint = "give the client a certificate from a CA that the server trusts, or let the server not ask for one"
	case n == alertHandshakeFailure || n == alertInsufficient:
		f.Class, f.Reason = session.ClassCipher, "the server accepts none of the ciphers or parameters that the client offered, or has no certificate for this name"
	case n == alertUnrecognized:
		f.Class, f.Reason = session.ClassUnrecognized, fmt.Sprintf("the server does not know the name %q (SNI)", line(facts.SNI))
		f.Hint = "the domain may not be hosted there; look at the SRV records, or at the domain of the account"
	case n == alertNoALPN:
		f.Class, f.Reason = session.ClassALPN, "the server accepts none of the application protocols that the client offered"+listed(hello.ALPN)
		f.Hint = "this port may not be for XMPP (XEP-0368 has xmpp-client and xmpp-server)"
	case n == alertUnknownCA || n == alertExpired || n == alertRevoked || n == alertUnknown:
		f.Class, f.Reason = session.ClassClientCert, "the server does not accept the client's certificate"
	default:
		f.Reason, f.Hint = c.brokeOff(n), "look into the server's log"
	}
}

// brokeOff is what can be said of any alert; the side is in TLSFailed.Guilty.
func (c *Conn) brokeOff(n int) string {
	what := "the TLS handshake was broken off"
	if c.established {
		what = "the connection was broken off"
	}
	return what + " with the alert " + session.TLSAlertName(n)
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
	f := session.TLSFailed{Class: session.ClassClosed, Guilty: who(h.dir), Reason: fmt.Sprintf("the %s hung up in the middle of the TLS handshake without a word", who(h.dir))}
	switch {
	case c.locked && h.alert:
		f.Class, f.Reason = session.ClassOther, fmt.Sprintf("the %s seems to have broken off the TLS handshake with an alert, which is encrypted", who(h.dir))
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
	h.deaf = true
	c.release(h)
	c.fail(h, session.TLSFailed{
		Class: session.ClassNotTLS, Guilty: who(h.dir),
		Reason: fmt.Sprintf("the %s sent %s %s", who(h.dir), describe(start), where),
	})
}

// describe says what bytes look like without giving away what is in them.
func describe(first []byte) string {
	text := strings.TrimLeft(string(first), " \t\r\n\ufeff")
	if rest, isXML := strings.CutPrefix(text, "<"); isXML {
		end := strings.IndexFunc(rest, func(r rune) bool {
			return !strings.ContainsRune("?:-_", r) && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
		})
		if end < 0 {
			end = len(rest)
		}
		return fmt.Sprintf("XML in the clear (<%s…)", rest[:min(end, 32)])
	}
	return fmt.Sprintf("something else (first bytes % x)", first[:min(len(first), headerSize)])
}

func listed(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " (" + line(strings.Join(names, ", ")) + ")"
}

// line makes text of a peer fit for one line of a reason.
func line(s string) string {
	const most = 300
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return session.SafeLine(s)
}
