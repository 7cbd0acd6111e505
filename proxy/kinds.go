package proxy

import (
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// A client and the server that its domain's records lead to may begin TLS each in its own way:
// in the stream (STARTTLS), or with the first byte (XEP-0368). Where they differ, what the
// other side does not speak is spoken by us: the client's STARTTLS is answered here until its
// TLS begins, or the server is asked for TLS (askTLS). From then on they speak to each other.

// kindOf is how TLS begins, in words.
func kindOf(direct bool) string {
	if direct {
		return "direct TLS"
	}
	return "STARTTLS"
}

// ledBy is who has named a target, in events about what its kind of TLS has us do.
func (t Target) ledBy() string {
	if t.Given {
		return t.Via
	}
	return "SRV"
}

// otherKind tells that a client has been led to a server that begins TLS in another way, and
// what is done about that.
func (t Target) otherKind(done string) session.Seen {
	reason := "the client begins with " + kindOf(!t.Direct) + ", and the server " + t.Address() + " with " + kindOf(t.Direct) + ": " + done
	if strings.HasPrefix(t.Via, session.ViaSRV) {
		reason += ". The records of both are one list, by priority and weight (XEP-0368 §3); --upstream names a server that begins as the client does"
	}
	return session.Seen{Leg: session.ServerLeg, Dir: session.C2S, Origin: session.OriginSelf, Body: session.RelayBent{Reason: reason, By: t.ledBy()}}
}

// What is done about it.
const (
	doneForClient = "xmppscope answers the client's STARTTLS itself, and its TLS begins that to the server"
	doneForServer = "xmppscope has asked the server for TLS itself"
)

// standsIn says whether the client is answered here, because its server awaits TLS.
func (r *Relay) standsIn() bool { return r.standing != "" && !r.secured }

// standIn answers a client in the place of a server that says nothing before TLS.
func (r *Relay) standIn() {
	if !r.standsIn() || r.refused || r.phase != relaying && r.phase != asked {
		return
	}
	if r.header && !r.opened[session.S2C] {
		offer := "<stream:features><starttls xmlns='" + decode.NSTLS + "'><required/></starttls></stream:features>"
		r.say(&Sending{Dir: session.S2C, By: r.standing, XML: append(headerBytes(r.domain, r.content), offer...), Reason: "a stream header and the offer of STARTTLS, as the server says nothing before TLS (direct TLS)"})
	}
	if r.phase == asked {
		r.say(&Sending{Dir: session.S2C, By: r.standing, XML: []byte("<proceed xmlns='" + decode.NSTLS + "'/>"), Reason: "the client may begin TLS, and that to the server begins with it"})
	}
}
