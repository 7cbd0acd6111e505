package tlsintercept

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"xmppscope/session"
)

// Causes that the context of a handshake ends with.
var (
	errSilent  = errors.New("nothing came in time")
	errStopped = errors.New("xmppscope was told to stop")
)

// diagnosis is a failure that was understood where it happened, on its way
// through crypto/tls, which passes errors of its callbacks on unchanged.
type diagnosis struct {
	class, reason, hint string
	alert               session.Alert // that the peer gets from us
	err                 error
}

func (d *diagnosis) Error() string { return d.reason }
func (d *diagnosis) Unwrap() error { return d.err }

// failure is all that is known of a handshake that went wrong.
type failure struct {
	leg    session.Leg
	facts  session.TLSFacts
	err    error         // of crypto/tls or of the connection
	first  []byte        // what the peer said first
	last   session.Alert // an alert in the clear that was the peer's last word, or session.NoAlert
	asked  bool          // client leg: the ClientHello has come
	shown  bool          // client leg: our certificate was on its way
	early  bool          // client leg: the ClientHello announced 0-RTT data
	direct bool          // TLS from the first byte
	after  time.Duration // how long was waited
	lack   lack          // server leg: what the client offered and we did not
}

// classify says who refused whom and why. Types come first; what crypto/tls has
// no types for is told by its text, here and nowhere else.
func (f failure) classify() session.TLSFailed {
	out := session.TLSFailed{TLSFacts: f.facts, Class: session.ClassOther, Guilty: f.peer()}
	if f.err != nil {
		out.Err = session.ShortLine(f.err.Error())
	}
	var known *diagnosis
	var notTLS tls.RecordHeaderError
	got := RemoteAlert(f.err)
	if got == session.NoAlert {
		got = f.last
	}
	switch {
	case errors.As(f.err, &known):
		out.Guilty, out.Class, out.Reason, out.Hint, out.Alert = session.OriginSelf, known.class, known.reason, known.hint, known.alert.String()
		if known.err != nil {
			out.Err = session.ShortLine(known.err.Error())
		}
	case errors.Is(f.err, errStopped):
		out.Guilty, out.Class = session.OriginSelf, session.ClassClosed
		out.Reason = "xmppscope ended the handshake with the " + f.peer()
	case errors.Is(f.err, ErrClientLeft):
		out.Guilty, out.Class, out.Reason = session.ClientLeg.String(), session.ClassClosed, "the client hung up while the server's part of the TLS handshake was waited for"
	case errors.Is(f.err, errSilent) || isTimeout(f.err):
		f.silent(&out)
	case errors.As(f.err, &notTLS):
		f.notTLS(&out)
	case got != session.NoAlert:
		out.Alert = got.String()
		f.alerted(&out, got)
	case isClosed(f.err):
		f.closed(&out)
	default:
		f.told(&out)
	}
	return out
}

func (f failure) peer() string { return f.leg.String() }

// RemoteAlert is the alert that the peer has sent, session.NoAlert if the error is another.
// Over TCP crypto/tls wraps it in a *net.OpError around a type of its own, which gives its
// number to %d only.
func RemoteAlert(err error) session.Alert {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return session.NoAlert
	}
	n := session.NoAlert
	if _, err := fmt.Sscanf(fmt.Sprintf("%d", op.Err), "%d", &n); err != nil {
		return session.NoAlert
	}
	return n
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// isClosed says whether the connection ended: orderly, or reset, on reading or
// on writing.
func isClosed(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Op == "read" || op.Op == "write" || op.Op == "readfrom"
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe)
}

func (f failure) silent(out *session.TLSFailed) {
	out.Class = session.ClassSilent
	switch {
	case f.leg == session.ServerLeg:
		out.Reason = fmt.Sprintf("the server did not finish the TLS handshake within %s", f.after)
		out.Hint = "look into the server's log; a firewall may swallow large packets (a ClientHello of today has about 1,700 bytes)"
	case f.asked:
		out.Reason = fmt.Sprintf("the client did not finish the TLS handshake within %s", f.after)
		out.Hint = "it may be asking its user whether to trust our certificate; " + hintTrust
	default:
		out.Reason = fmt.Sprintf("the client sent no ClientHello within %s", f.after)
		out.Hint = "the client did not begin TLS although it is its turn; look into its log"
	}
}

func (f failure) notTLS(out *session.TLSFailed) {
	out.Class = session.ClassNotTLS
	if f.leg == session.ClientLeg {
		out.Reason = fmt.Sprintf("the client sent %s where its ClientHello was due", session.NotTLS(f.first))
		out.Hint = "set the client to use TLS here, or let it begin with STARTTLS on another listener"
		return
	}
	out.Reason = fmt.Sprintf("the server answered our ClientHello with %s, not with TLS", session.NotTLS(f.first))
	if f.direct {
		out.Hint = "this port may want STARTTLS: --upstream HOST:PORT without tls://"
	} else {
		out.Hint = "the server said <proceed/> and then did not speak TLS; look into its log"
	}
}

func (f failure) alerted(out *session.TLSFailed, got session.Alert) {
	if f.leg == session.ClientLeg {
		f.clientAlerted(out, got)
	} else {
		f.serverAlerted(out, got)
	}
}

const (
	hintTrust  = `make the client trust the CA ("xmppscope ca" says how for each client); a client that pins certificates or keys has to be told to accept ours`
	hintLegacy = "old TLS versions and ciphers: --legacy-tls"
)

func (f failure) clientAlerted(out *session.TLSFailed, got session.Alert) {
	ours := fmt.Sprintf("our certificate for %q", f.facts.Domain)
	switch got {
	case session.AlertUnknownCA:
		f.distrust(out, fmt.Sprintf("the client does not accept %s: it does not know the CA", ours))
	case session.AlertBadCertificate:
		f.distrust(out, fmt.Sprintf("the client does not accept %s: it does not trust the CA, or it looks for another name", ours))
	case session.AlertExpired:
		f.distrust(out, fmt.Sprintf("the client takes %s for expired: its clock may be wrong, or it does not trust the CA", ours))
	case session.AlertUnsupportedCertificate, session.AlertRevoked, session.AlertCertificateUnknown, session.AlertAccessDenied, session.AlertBadStatus:
		f.distrust(out, fmt.Sprintf("the client does not accept %s", ours))
	case session.AlertProtocolVersion:
		out.Class, out.Hint = session.ClassVersion, hintLegacy
		out.Reason = fmt.Sprintf("the client refuses %s, which is what the server has chosen", orSome(f.facts.Version, "the TLS version"))
	case session.AlertHandshakeFailure, session.AlertInsufficientSecurity:
		out.Class, out.Hint = session.ClassCipher, hintLegacy
		out.Reason = "the client finds no cipher or parameter that both sides accept"
	case session.AlertNoALPN:
		out.Class = session.ClassALPN
		out.Reason = fmt.Sprintf("the client does not accept the application protocol %q, which is what the server has chosen", session.ShortLine(f.facts.ALPN))
	default:
		out.Reason = fmt.Sprintf("the client broke off the handshake with alert %s", got)
		if f.shown {
			out.Hint = "if it does not trust our certificate: " + hintTrust
		}
	}
}

func (f failure) distrust(out *session.TLSFailed, reason string) {
	out.Class, out.Reason, out.Hint = session.ClassDistrust, reason, hintTrust
	if sni := f.facts.SNI; sni != "" && !strings.EqualFold(sni, f.facts.Domain) {
		out.Reason += fmt.Sprintf(" (it asked for %q by SNI)", sni)
	}
}

func (f failure) serverAlerted(out *session.TLSFailed, got session.Alert) {
	switch {
	case got == session.AlertProtocolVersion || got == session.AlertFallback:
		out.Class, out.Hint = session.ClassVersion, hintOffer(f.facts.Hello)
		out.Reason = "the server speaks none of the TLS versions that were offered" + session.Listed(f.facts.Offer().Versions)
	case got == session.AlertCertificateRequired || f.facts.Mutual && (got == session.AlertHandshakeFailure || got == session.AlertBadCertificate || got == session.AlertAccessDenied):
		out.Class, out.Hint = session.ClassClientCert, hintClientCert
		out.Reason = "the server wants a certificate from the client, and the client's own cannot be passed on"
	case got == session.AlertHandshakeFailure || got == session.AlertInsufficientSecurity:
		out.Class, out.Hint = session.ClassCipher, f.lack.hint()
		out.Reason = "the server accepts none of the ciphers and parameters that xmppscope offered, or has no certificate for this name"
		if more := f.lack.String(); more != "" {
			out.Reason += "; " + more
		}
	case got == session.AlertUnrecognizedName:
		out.Class = session.ClassUnrecognized
		out.Reason = fmt.Sprintf("the server does not know the name %q (SNI)", session.ShortLine(f.facts.SNI))
		out.Hint = "the domain may not be hosted there; look at --upstream, or at the domain of the account"
	case got == session.AlertNoALPN:
		out.Class = session.ClassALPN
		out.Reason = "the server accepts none of the application protocols that were offered" + session.Listed(f.facts.Offer().ALPN)
		out.Hint = "the list is the client's own; this port may not be for XMPP (XEP-0368 has xmpp-client)"
	default:
		out.Reason = fmt.Sprintf("the server broke off the handshake with alert %s", got)
		out.Hint = "look into the server's log"
	}
}

const hintClientCert = "a login with a client certificate (SASL EXTERNAL) does not work through any proxy that ends TLS; use a password here"

// hintOffer says which version the client might add to its offer, which is passed
// on as it is.
func hintOffer(h *session.ClientHello) string {
	switch {
	case h == nil:
		return hintLegacy
	case !slices.Contains(h.Versions, "TLS 1.3"):
		return "allow the client TLS 1.3, or the server " + strings.Join(h.Versions, " or ")
	case !slices.Contains(h.Versions, "TLS 1.2"):
		return "allow the client TLS 1.2, or the server " + strings.Join(h.Versions, " or ")
	}
	return hintLegacy
}

func orSome(name, some string) string {
	if name == "" {
		return some
	}
	return name
}

func (f failure) closed(out *session.TLSFailed) {
	out.Class = session.ClassClosed
	switch {
	case f.leg == session.ServerLeg && len(f.first) == 0:
		out.Reason = "the server hung up on the ClientHello without a word; what was offered" + session.Listed(f.facts.Offer().Versions) + " may not suit it"
		out.Hint = "the server may want another version: " + hintOffer(f.facts.Hello) + "; or it does not speak TLS on this port"
		if more := f.lack.String(); more != "" {
			out.Hint += "; or it insists on what was not offered: " + more
		}
	case f.leg == session.ServerLeg:
		out.Reason = "the server hung up in the middle of the TLS handshake without a word"
		out.Hint = "look into the server's log"
	case f.shown:
		f.distrust(out, fmt.Sprintf("the client hung up when it saw our certificate for %q, without an alert, as some do when they do not trust it", f.facts.Domain))
	case f.asked:
		out.Reason = "the client hung up in the middle of the TLS handshake"
	default:
		out.Reason = "the client hung up before its ClientHello, when it was its turn to begin TLS"
		out.Hint = "look into the client's log"
	}
}

// badKey says whether crypto/tls or crypto/x509 cannot do with the key of the server's
// certificate.
func badKey(text string) bool {
	return slices.ContainsFunc([]string{"unsupported elliptic curve", "unsupported type of public key", "RSA key larger than", "keys are insecure"}, func(words string) bool {
		return strings.Contains(text, words)
	})
}

// told reads the words of crypto/tls, for what it found wrong by itself.
func (f failure) told(out *session.TLSFailed) {
	text := fmt.Sprint(f.err)
	out.Alert = ""
	switch {
	case strings.Contains(text, "unsupported versions") || strings.Contains(text, "unsupported protocol version"):
		out.Class, out.Hint, out.Guilty = session.ClassVersion, hintLegacy, session.OriginSelf
		out.Reason = fmt.Sprintf("the %s speaks no version of TLS that we speak", f.peer())
		if f.leg == session.ClientLeg {
			out.Reason += session.Listed(f.facts.Offer().Versions)
		}
		out.Alert = session.AlertProtocolVersion.String()
	case strings.Contains(text, "no cipher suite supported") || strings.Contains(text, "unconfigured cipher suite"):
		out.Class, out.Hint, out.Guilty = session.ClassCipher, hintLegacy, session.OriginSelf
		out.Reason = fmt.Sprintf("no cipher suite of the %s fits (our certificates have ECDSA keys)", f.peer())
		if f.leg == session.ServerLeg {
			out.Reason = "the server chose a cipher suite that we did not offer"
		}
		out.Alert = session.AlertHandshakeFailure.String()
	case f.leg == session.ClientLeg && strings.Contains(text, "no key exchanges supported"):
		out.Class, out.Guilty = session.ClassCipher, session.OriginSelf
		out.Reason = "no group for the key exchange that the client offers fits" + session.Listed(f.facts.Offer().Groups)
		out.Hint = "allow the client x25519 or P-256"
		out.Alert = session.AlertHandshakeFailure.String()
	case f.leg == session.ServerLeg && badKey(text):
		out.Class, out.Guilty = session.ClassCipher, session.OriginSelf
		out.Reason = "the server's certificate has a key that xmppscope cannot use: " + session.ShortLine(strings.TrimPrefix(text, "tls: "))
		out.Hint = "a client may take it, and not through xmppscope: give the server a certificate with an RSA key of 1024 to 8192 bits, an ECDSA key on P-256, P-384 or P-521, or an Ed25519 key as well"
	case f.leg == session.ClientLeg && f.early:
		out.Guilty = session.OriginSelf
		out.Reason = "the client sent early data (0-RTT), which cannot be passed on"
		out.Hint = "most clients try again at once with a full handshake; if not, make the client forget its session tickets"
	default:
		out.Reason = fmt.Sprintf("the handshake with the %s failed: %s", f.peer(), session.ShortLine(text))
	}
}
