package proxy

import (
	"context"
	"fmt"
	"net"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

// ClientTLS says what becomes of TLS between clients and us. It is about streams of clients
// that begin in the clear: whoever begins with TLS has it. HTTP has no STARTTLS to take out or to
// require, but a login over WebSocket in the clear is refused as any other is.
type ClientTLS string

// The ways.
const (
	MirrorTLS  ClientTLS = ""         // as client and server make it out
	WithoutTLS ClientTLS = "off"      // the client stays in the clear; TLS to the server is ours
	RequireTLS ClientTLS = "required" // nobody logs in before TLS
)

// byClientTLS is who has done it.
const byClientTLS = "--client-tls"

// askTime is how long a server may take for its offer and its answer to <starttls/>.
const askTime = 30 * time.Second

// askTLS asks a server for TLS in the place of a client, or of a server that calls (peer), that
// stays in the clear or has TLS already. The offer inside TLS is the one that it gets, and has no
// STARTTLS in it (RFC 6120 §5.4.3.3).
func askTLS(ctx context.Context, l *leg, domain string, peer bool) error {
	l.SetDeadline(time.Now().Add(askTime))
	stop := context.AfterFunc(ctx, func() { l.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	t := asking{leg: l}
	if err := t.say(askingHeader(domain, peer)); err != nil {
		return err
	}
	for {
		root, err := t.next()
		if err != nil {
			return err
		}
		switch of := root.Name; {
		case of.Space == decode.NSStreams && of.Local == "features":
			if root.Child(decode.NSTLS, "starttls") == nil {
				return &refusal{"the server offers no STARTTLS, and nobody is taken to a server in the clear whom xmppscope asks for TLS", "leave --client-tls off out if the server is meant to have no TLS, or name its direct TLS port with --upstream tls://HOST:PORT"}
			}
			if err := t.say("<starttls xmlns='" + decode.NSTLS + "'/>"); err != nil {
				return err
			}
		case of.Space == decode.NSTLS && of.Local == "proceed":
			if len(t.rest) > 0 {
				return notSecured("the server has sent plaintext behind <proceed/>, where TLS has to begin (RFC 6120 §5.4.3.1)")
			}
			if !stop() {
				return ctx.Err()
			}
			return l.SetDeadline(time.Time{})
		case of.Space == decode.NSTLS && of.Local == "failure":
			return notSecured("the server refuses STARTTLS (RFC 6120 §5.4.2.2)")
		case of.Space == decode.NSStreams && of.Local == "error":
			what := "a stream error"
			for c := range root.Elements() {
				if c.Name.Space == decode.NSStreamError && c.Name.Local != "text" {
					what = c.Name.Local
					break
				}
			}
			return notSecured("the server ends the stream before TLS: %s", session.ShortLine(what))
		}
	}
}

// notSecured is that a server has not begun TLS, in words.
func notSecured(format string, args ...any) error {
	return &refusal{fmt.Sprintf(format, args...), "look into the server's log; xmppscope doctor DOMAIN looks at its ports"}
}

// asking is a conversation with a server before TLS.
type asking struct {
	leg    *leg
	stream decode.Stream
	scope  decode.Scope
	rest   []byte // what has been read and not cut
	read   int
}

func (t *asking) say(s string) error {
	if _, err := t.leg.Write([]byte(s)); err != nil {
		return notSecured("the server was to be asked for TLS: %s", plain(err))
	}
	return nil
}

// next is the next element that the server says.
func (t *asking) next() (*session.Element, error) {
	for {
		n, piece, ok := t.stream.Next(session.S2C, t.rest)
		t.rest = t.rest[n:]
		switch {
		case !ok:
			room := make([]byte, 4<<10)
			n, err := t.leg.Read(room)
			if err != nil {
				return nil, notSecured("the server was asked for TLS, and its answer did not come: %s", plain(err))
			}
			if t.read += n; t.read > maxHeld {
				return nil, notSecured("the server says more before TLS than an offer")
			}
			t.rest = room[:n]
		case piece.Kind == decode.Opened:
			t.scope = decode.ScopeOf(piece.Raw)
		case piece.Kind == decode.Element:
			if root, _ := decode.Parse(piece.Raw, t.scope); root != nil {
				return root, nil
			}
		case piece.Problem != nil, piece.Kind == decode.Closed, t.stream.IsOpaque(session.S2C):
			return nil, notSecured("the server does not answer with an offer of XMPP")
		}
	}
}

func askingHeader(domain string, peer bool) string {
	content := decode.NSClient
	if peer {
		content = decode.NSServer
	}
	return "<?xml version='1.0'?><stream:stream to='" + session.EscapeXML(domain) + "' version='1.0' xmlns='" + content + "' xmlns:stream='" + decode.NSStreams + "'>"
}

// failedToAsk tells that a server was reached, and has not begun TLS.
func failedToAsk(server net.Conn, err error) session.Seen {
	reason, hint := explainDial(err)
	return session.Seen{Leg: session.ServerLeg, Body: session.TCPFailed{Target: server.RemoteAddr().String(), Reason: reason, Hint: hint}}
}

// begunTLS tells that TLS to the server was asked for in the client's place.
func begunTLS(target string) session.Seen {
	return session.Seen{Leg: session.ServerLeg, Dir: session.C2S, Origin: session.OriginSelf, Body: session.RelayBent{
		Reason: "xmppscope has asked " + target + " for TLS (STARTTLS) itself, and the client stays in the clear: the offer that it gets is the one inside TLS, without STARTTLS", By: byClientTLS,
	}}
}

// requireGate lets no client log in before TLS, and says so in the server's offer.
type requireGate struct {
	r     *Relay
	scope [3]decode.Scope
}

// Wants implements Gate: until there is TLS.
func (g *requireGate) Wants(session.Dir) bool { return !g.r.secured && !g.r.sealed }

// Consider implements Gate.
func (g *requireGate) Consider(p *decode.Piece) Decision {
	if p.Kind == decode.Opened {
		g.scope[p.Dir] = decode.ScopeOf(p.Raw)
		return Decision{}
	}
	if g.r.refused {
		return Decision{Drop: true, By: byClientTLS, Reason: "it came behind a login in the clear, which xmppscope has refused"}
	}
	if p.Kind != decode.Element {
		return Decision{}
	}
	root, _ := decode.Parse(p.Raw, g.scope[p.Dir])
	switch {
	case root == nil:
	case p.Dir == session.C2S && givesAway(root):
		g.r.refused = true
		return Decision{Drop: true, By: byClientTLS, Reason: "the client logs in before TLS, and TLS is required of it: the server does not get this. What the client has sent was readable on its way here"}
	case p.Dir == session.S2C && root.Name.Space == decode.NSStreams && root.Name.Local == "features":
		return requiring(p, root)
	}
	return Decision{}
}

// requiring is an offer in which STARTTLS is required (RFC 6120 §5.3.1).
func requiring(p *decode.Piece, root *session.Element) Decision {
	offer := root.Child(decode.NSTLS, "starttls")
	switch {
	case offer == nil:
		return Decision{By: byClientTLS, Reason: "TLS is required of the client, and the server offers no STARTTLS that it could ask for: nobody gets in here but with TLS from the first byte"}
	case offer.Child(decode.NSTLS, "required") != nil:
		return Decision{}
	}
	with := "<starttls xmlns='" + decode.NSTLS + "'><required/></starttls>"
	xml := offer.Span.Replaced(p.Raw, with)
	return Decision{XML: xml, By: byClientTLS, Reason: "the server offers STARTTLS, and the client is told that it is required"}
}

// givesAway says whether an element logs in, or makes an account.
func givesAway(root *session.Element) bool {
	switch root.Name.Local {
	case "auth":
		return root.Name.Space == decode.NSSASL
	case "authenticate":
		return root.Name.Space == decode.NSSASL2
	case "iq":
		return root.Attr("type") == "set" && (root.Child("jabber:iq:auth", "query") != nil || root.Child("jabber:iq:register", "query") != nil)
	}
	return false
}

// turnAway ends the stream of a client that has logged in before TLS.
func (r *Relay) turnAway() {
	if !r.refused || r.phase == closing {
		return
	}
	by, text, why := byClientTLS, "xmppscope lets nobody log in before TLS (--client-tls required)", "the client has logged in before TLS, so it is told policy-violation"
	if r.standing != "" {
		by, text, why = r.standing, "the server has TLS alone", "the client goes on before TLS, which this server does not know, so it is told policy-violation (--client-tls off leaves it in the clear)"
	}
	header, failure := errorBytes(r.domain, r.content, "policy-violation", text)
	if !r.opened[session.S2C] {
		r.say(&Sending{Dir: session.S2C, XML: header, Reason: "a stream header", By: by})
	}
	r.say(&Sending{Dir: session.S2C, XML: failure, Reason: why, By: by})
	r.close(ourselves)
}
