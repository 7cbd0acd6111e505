package proxy

import (
	"crypto/tls"
	"fmt"
	"slices"

	"xmppscope/internal/idn"
	"xmppscope/session"
	"xmppscope/tlsintercept"
)

// untouched says why TLS to a domain is passed on as it is, "" if it is ended here. Hello
// is nil where TLS begins in a stream. Named is the server that the client has asked for at
// a door, nil if it has not: then it has come to xmppscope for its XMPP.
func (o *Options) untouched(domain string, hello *tls.ClientHelloInfo, named *Named) string {
	d, _ := idn.Parse(domain)
	if d.ASCII != "" && slices.Contains(o.PassTLS, d) {
		return "TLS for " + d.ASCII + " is passed on as it is (--pass-tls)"
	}
	if named == nil || slices.Contains(portsXMPP, named.Port) {
		return ""
	}
	if own, err := idn.Parse(o.Domain); err == nil && (own == d || own.ASCII == named.Host) {
		return ""
	}
	var alpn []string
	if hello != nil {
		alpn = hello.SupportedProtos
	}
	if slices.ContainsFunc(alpn, isALPN) {
		return ""
	}
	return fmt.Sprintf("TLS to %s is passed on as it is: neither its port nor its ALPN names XMPP; --domain %s has it ended", named, named.Host)
}

// beginTLS takes TLS as the client's own first bytes.
func (r *Relay) beginTLS() {
	if r.untouched != nil && (r.named != nil || r.choosy) {
		hello, wait := tlsintercept.ReadHello(r.held)
		if wait && len(r.held) < maxHeld {
			return
		}
		domain := ""
		if hello != nil {
			domain = hello.ServerName
		}
		if why := r.untouched(domain, hello, r.named); why != "" {
			r.enter()
			r.seal(why)
			if r.reached {
				r.relay()
				return
			}
			r.phase = connecting
			r.do(Connect{Domain: domain, Sealed: true})
			return
		}
	}
	r.enter()
	if r.reached {
		r.direct, r.phase = true, quiescing
		r.do(Quiesce{})
		return
	}
	r.phase = securing
	r.do(Secure{Early: r.held, Direct: true})
	r.held = nil
}

// seal gives up looking at what passes: it is TLS that is not ended here.
func (r *Relay) seal(why string) {
	r.sealed, r.blind = true, true
	r.do(Record{session.Seen{Leg: session.ClientLeg, Body: session.TLSLocked{
		Reason: why, Hint: "the client's own key log opens a capture of it: let it write one (SSLKEYLOGFILE=FILE)",
	}}})
}

// untouchedStream says so of TLS that begins in the stream.
func (r *Relay) untouchedStream() string {
	if r.untouched == nil {
		return ""
	}
	return r.untouched(r.domain, nil, nil)
}

// IsSealed says whether nothing of what passes is to be kept: it is TLS that stays closed.
func (r *Relay) IsSealed() bool { return r.sealed }
