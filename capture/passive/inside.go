package passive

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"xmppscope/capture/packet"
	"xmppscope/decode"
	"xmppscope/session"
)

// fact takes what became known of a TLS handshake.
func (c *conn) fact(at time.Time, b session.Body) {
	var facts *session.TLSFacts
	switch body := b.(type) {
	case session.TLSEstablished:
		facts = &body.TLSFacts
		c.secured = true
		c.complete(facts)
		b = body
	case session.TLSFailed:
		if c.spoken { // the handshake was fine: this is how the connection ended
			if c.reason = body.Reason; body.Alert != "" {
				c.reason = fmt.Sprintf("the %s sent the TLS alert %s", body.Guilty, body.Alert)
			}
			return
		}
		facts = &body.TLSFacts
		c.complete(facts)
		b = body
	}
	c.record(at, session.Seen{Leg: session.ClientLeg, Body: b})
	if facts != nil && (speaksXMPP(facts) || c.failedForXMPP(b)) {
		c.recognise(at)
	}
	if c.sealed != "" {
		c.lock(at)
	}
}

// complete adds what the stream has told: the domain that the certificate is for.
func (c *conn) complete(f *session.TLSFacts) {
	if f.Domain == "" {
		f.Domain = c.domain
	}
	if f.Domain == "" {
		f.Domain = f.SNI
	}
}

// verify adds what the server's certificates are worth, which is only asked for
// sessions: judging a chain takes its time.
func (c *conn) verify(e *session.Seen) {
	if c.chain == nil || c.r.o.Verify == nil {
		return
	}
	judge := func(f *session.TLSFacts) {
		if f.Verdict == nil {
			f.Verdict = c.r.o.Verify(c.chain, Wanted{Domain: f.Domain, Server: c.server || f.ALPN == "xmpp-server", At: e.At})
		}
	}
	switch body := e.Body.(type) {
	case session.TLSEstablished:
		judge(&body.TLSFacts)
		e.Body = body
	case session.TLSFailed:
		judge(&body.TLSFacts)
		e.Body = body
	}
}

// failedForXMPP says whether TLS that came to nothing was meant for XMPP: it was on one of
// its ports, or the server answered it with XML in the clear, as on a port for STARTTLS.
func (c *conn) failedForXMPP(b session.Body) bool {
	f, failed := b.(session.TLSFailed)
	return failed && (c.onPort() || f.Class == session.ClassNotTLS && strings.Contains(f.Reason, "XML in the clear"))
}

// onPort says whether the connection is on a port of XMPP.
func (c *conn) onPort() bool {
	return packet.IsXMPP(c.wire.Client.Port()) || packet.IsXMPP(c.wire.Server.Port())
}

// speaksXMPP says whether the handshake names XMPP (XEP-0368 §2).
func speaksXMPP(f *session.TLSFacts) bool {
	names := []string{f.ALPN}
	if f.Hello != nil {
		names = append(names, f.Hello.ALPN...)
	}
	return slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "xmpp-") })
}

// inside takes plaintext that was in TLS.
func (c *conn) inside(at time.Time, dir session.Dir, p []byte) {
	c.spoken = true
	if c.id > 0 || c.awaits {
		c.plain(at, dir, p)
		return
	}
	c.queue = append(c.queue, chunk{dir: dir, at: at, b: bytes.Clone(p)})
	c.size += len(p)
	head := c.head(dir)
	g := sniff(head, c.stream.IsJoined(dir))
	switch client := c.head(session.C2S); {
	case g == isOther && dir == session.C2S:
		g = sniffWeb(head)
	case g == isOther && decode.BeginsWeb(client): // an answer of HTTP: the next request may tell
		g = cannotTell
	}
	switch {
	case g == isXMPP:
		c.recognise(at)
	case g == isOther, c.size > maxSniff:
		c.ignore(&c.r.report.Others)
		return
	default:
		return
	}
	queue := c.queue
	c.queue = nil
	for _, q := range queue {
		c.plain(q.at, q.dir, q.b)
	}
}

// lock gives up on TLS that cannot be opened. What there is to see of the handshake
// has been told; the rest of the connection is of no use.
func (c *conn) lock(at time.Time) {
	if c.id == 0 && !c.onPort() && !c.r.live {
		c.ignore(&c.r.report.Others)
		return
	}
	c.recognise(at)
	c.locked, c.wire.Ignore = true, true
	c.r.report.Locked++
	hint := "let the client log its secrets (SSLKEYLOGFILE=FILE), capture again, and add --keylog FILE"
	if c.headless {
		hint = "begin to capture before the client connects, and on an interface that sees both directions"
	}
	if c.r.hint != "" {
		hint = c.r.hint
	}
	c.r.report.Hint = hint
	c.record(at, session.Seen{Leg: session.ClientLeg, Body: session.TLSLocked{Reason: c.sealed, Hint: hint, Bare: !c.secured && !c.headless && !c.middle}})
}
