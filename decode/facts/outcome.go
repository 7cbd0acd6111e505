package facts

import (
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// admit follows how far the login has come, for what is said next.
func (g *Gatherer) admit(e *session.Event, root *session.Element) {
	switch kind := e.Step.Kind(); kind {
	case "proceed":
		g.proceed = true
	case "sasl-success", "sasl2-success", "iqauth-result":
		g.phase = LoggedIn
		if root != nil && (root.Child(decode.NSSM3, "resumed") != nil || enabled(root.Child(decode.NSBind2, "bound"))) {
			g.login.Managed = e.Seq
		}
	case "sm-enabled", "sm-resumed":
		g.login.Managed = e.Seq
	}
}

// enabled says whether stream management was turned on with the resource (XEP-0386).
func enabled(bound *session.Element) bool {
	return bound != nil && bound.Child(decode.NSSM3, "enabled") != nil
}

// settle notes what a rung means for itself.
func (g *Gatherer) settle(r *Rung) {
	if session.IsError(r.Kind) || r.Kind == "compress-failed" || r.Kind == "sm-failed" {
		r.Failed = true
	}
	if n := len(g.login.Attempts); n > 0 && (isSASL(r.Kind) || r.Kind == "iqauth-set") {
		r.Mechanism = g.login.Attempts[n-1].Mechanism
	}
}

func isSASL(kind string) bool { return strings.HasPrefix(kind, "sasl") }

// offRung knows what stands on no rung.
func (g *Gatherer) offRung(e *session.Event) {
	l := &g.login
	switch b := e.Body.(type) {
	case session.TCPOpened:
		if e.Leg == session.ServerLeg {
			l.Target = b.Target
		}
	case session.TCPFailed:
		l.Target = b.Target
	}
}

// handshake keeps the newest handshake of each leg.
func (g *Gatherer) handshake(e *session.Event) {
	h := &Handshake{Seq: e.Seq, At: e.At}
	if e.Step != nil {
		h.N = e.Step.N
	}
	switch b := e.Body.(type) {
	case session.TLSEstablished:
		h.Facts = b.TLSFacts
	case session.TLSFailed:
		h.Facts, h.Failed = b.TLSFacts, &b
	default:
		return
	}
	g.login.TLS[e.Leg] = h
}
