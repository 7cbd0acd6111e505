package facts

import (
	"cmp"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// admit follows the login: who was let in where, and when.
func (g *Gatherer) admit(e *session.Event, root *session.Element) {
	l := &g.login
	switch kind := kindOf(e.Step.ID); kind {
	case "proceed":
		g.proceed = true
	case "sasl-success", "sasl2-success", "iqauth-result":
		g.phase, l.Admitted = LoggedIn, e.At
		if n := len(l.Attempts); n > 0 {
			l.Attempts[n-1].Accepted = true
		}
		if kind == "sasl2-success" {
			g.inline(e, root)
		}
		if kind == "iqauth-result" {
			g.complete(e)
		}
	case "bind-result", "sm-resumed":
		l.Bound = e.At
		g.complete(e)
	case "session-result":
		g.complete(e)
	case "component-handshake":
		if e.Dir == session.S2C {
			g.complete(e)
		}
	}
	if id := e.Step.ID; id == "sm-enabled" || id == "sm-resumed" {
		l.Managed = e.Seq
	}
}

// inline is what SASL2 answers together with the success (XEP-0388 §2.4).
func (g *Gatherer) inline(e *session.Event, root *session.Element) {
	if root == nil {
		return
	}
	bound, resumed := root.Child(decode.NSBind2, "bound"), root.Child(decode.NSSM3, "resumed")
	if bound == nil && resumed == nil {
		return
	}
	if resumed != nil || bound.Child(decode.NSSM3, "enabled") != nil {
		g.login.Managed = e.Seq
	}
	g.login.State, g.login.Reason, g.login.Bound = session.LoggedIn, "", e.At
	g.complete(e)
}

func (g *Gatherer) complete(e *session.Event) {
	l := &g.login
	l.In, l.Trips, l.Cause = e.At, g.trips, nil
	if l.Bound.IsZero() {
		l.Bound = e.At
	}
}

// settle notes what a rung means for the login as a whole.
func (g *Gatherer) settle(e *session.Event, r *Rung) {
	l := &g.login
	switch r.Kind {
	case "sasl-auth", "sasl2-authenticate", "iqauth-set":
		mechanism := "jabber:iq:auth"
		if r.Kind != "iqauth-set" {
			mechanism, _ = e.Field("mechanism")
		}
		mechanism = strings.Clone(mechanism)
		a := Attempt{Kind: r.Kind, Mechanism: mechanism, Phase: g.phase, Seq: e.Seq, N: r.N}
		if n := len(l.Offers); n > 0 {
			a.Offered = l.Offers[n-1].Mechanisms
		}
		l.Attempts = append(l.Attempts, a)
		r.Mechanism, l.Cause = mechanism, nil
	case "bind-request":
		asked, _ := e.Field("resource")
		l.Asked = strings.Clone(asked)
	case "sasl-failure", "sasl2-failure", "iqauth-error":
		r.Failed = true
		refusal := refusalOf(e, r)
		if n := len(l.Attempts); n > 0 {
			l.Attempts[n-1].Refusal = refusal
		}
		l.Cause = refusal
	case "stream-error", "bind-error", "session-error", "starttls-failure":
		r.Failed = true
		if l.Cause == nil || l.Cause.Kind != "sasl-failure" && l.Cause.Kind != "sasl2-failure" { // the refusals before it are the reason
			l.Cause = refusalOf(e, r)
		}
	case "compress-failed", "sm-failed":
		r.Failed = true
	}
	if len(l.Attempts) > 0 && isSASL(r.Kind) {
		r.Mechanism = l.Attempts[len(l.Attempts)-1].Mechanism
	}
}

func isSASL(kind string) bool {
	return len(kind) > 4 && kind[:4] == "sasl"
}

func refusalOf(e *session.Event, r *Rung) *Refusal {
	condition, _ := e.Field("condition")
	text, _ := e.Field("text")
	return &Refusal{Kind: r.Kind, Condition: strings.Clone(condition), By: e.Dir.Sender(), Text: strings.Clone(text), Seq: e.Seq, N: r.N, ID: r.ID}
}

// offRung knows the ends that stand on no rung.
func (g *Gatherer) offRung(e *session.Event) {
	l := &g.login
	switch b := e.Body.(type) {
	case session.TCPOpened:
		if e.Leg == session.ServerLeg {
			l.Target = b.Target
		}
	case session.TCPFailed:
		l.Target = b.Target
		l.Cause = &Refusal{Condition: "unreachable", By: "server", Text: b.Reason, Seq: e.Seq}
	case session.TCPClosed:
		// What is inside TLS that cannot be read, or came before the recording, may have
		// been a login.
		if l.Cause == nil && l.In.IsZero() && e.Leg == session.ClientLeg && l.State == session.Failed {
			c := &Refusal{Condition: "closed", By: b.By, Text: b.Reason, Seq: e.Seq}
			if g.left != session.NoDir { // the one that b names closed last
				c.By = g.left.Sender()
			}
			if n := len(l.Rungs); n > 0 {
				last := &l.Rungs[n-1]
				c.N, c.ID = last.N, last.ID
			}
			l.Cause = c
		}
	}
}

// handshake keeps the newest handshake of each leg, and a failure as the cause.
func (g *Gatherer) handshake(e *session.Event) {
	l := &g.login
	h := &Handshake{Seq: e.Seq, At: e.At}
	if e.Step != nil {
		h.N = e.Step.N
	}
	switch b := e.Body.(type) {
	case session.TLSEstablished:
		h.Facts = b.TLSFacts
	case session.TLSFailed:
		h.Facts, h.Failed = b.TLSFacts, &b
		if b.Class != session.ClassOtherLeg {
			l.Cause = &Refusal{Kind: "tls", Condition: b.Class, By: cmp.Or(b.Guilty, "peer"), Text: b.Reason, Seq: e.Seq, N: h.N, ID: "tls"}
		}
	default:
		return
	}
	l.TLS[e.Leg] = h
}
