package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"xmppscope/decode"
	"xmppscope/proxy"
	"xmppscope/session"
	"xmppscope/tlsintercept"
)

// talk is one conversation with a server. What both sides say is explained as it is when a
// client logs in.
type talk struct {
	d      *doctor
	place  place
	conn   net.Conn
	cutter *decode.Cutter
	events []session.Event
	scope  decode.Scope // of what the server says

	before, inside *Offers // TLS; nil where it did not come to that
}

// errOver is that the conversation has ended; why is in the events.
var errOver = errors.New("the conversation is over")

func (d *doctor) begin(p place) *talk {
	t := &talk{d: d, place: p}
	var book session.Book
	explain := d.rules.NewSession(&book)
	explain.Share(d.run)
	t.cutter = decode.NewCutter(func(e session.Seen) { t.events = append(t.events, explain.Explain(e)) })
	t.see(session.Seen{Leg: session.ClientLeg, Body: session.TCPOpened{Peer: "xmppscope doctor"}})
	return t
}

// see takes what happened.
func (t *talk) see(e session.Seen) {
	e.Session = 1
	if e.At.IsZero() {
		e.At = t.d.now()
	}
	switch b := e.Body.(type) {
	case session.TCPOpened:
		if e.Leg == session.ServerLeg {
			b.Target = t.place.named
			e.Body = b
		}
	case session.TCPFailed:
		b.Target = t.place.named
		e.Body = b
	case session.TLSEstablished:
		if b.Verdict != nil && b.Verdict.Ignored { // nobody has: we look on
			v := *b.Verdict
			v.Ignored, b.Verdict = false, &v
			e.Body = b
		}
		t.cutter.Take(e)
		// There is one wire, and the rules know two.
		e.Leg, e.Body = session.ClientLeg, session.TLSEstablished{TLSFacts: session.TLSFacts{Version: b.Version, Suite: b.Suite, ALPN: b.ALPN}}
	}
	t.cutter.Take(e)
}

func (t *talk) heard(dir session.Dir, p []byte) {
	t.see(session.Seen{Dir: dir, Leg: dir.From(), Body: session.StreamBytes{}, Raw: p, Size: int64(len(p))})
}

// connect reaches the server, as any client would.
func (t *talk) connect(ctx context.Context) error {
	conn, _, err := t.d.to(t.place.target).Dial(ctx, proxy.Request{Domain: t.d.Domain.ASCII}, t.see)
	if err != nil {
		return errOver
	}
	t.conn = conn
	deadline, _ := ctx.Deadline()
	return conn.SetDeadline(deadline)
}

// secure does the TLS handshake.
func (t *talk) secure(ctx context.Context) error {
	config := &tlsintercept.Config{Roots: t.d.TLS.Roots, RootsName: t.d.TLS.RootsName, LegacyTLS: t.d.TLS.LegacyTLS, Insecure: true, Now: t.d.Now}
	s, err := config.SecureServer(ctx, tlsintercept.Legs{
		Server: t.conn, Domain: t.d.Domain.ASCII, Direct: t.place.direct, Peer: t.place.peer,
		Record: func(e session.Seen) {
			if _, ours := e.Body.(session.TLSSecret); !ours {
				t.see(e)
			}
		},
	})
	if err != nil {
		return errOver
	}
	t.conn = s.Server
	return nil
}

// say sends something, as the client.
func (t *talk) say(text string) error {
	t.heard(session.C2S, []byte(text))
	if _, err := t.conn.Write([]byte(text)); err != nil {
		return errOver
	}
	return nil
}

// maxSaid bounds what a server may say before it has said what it is asked for.
const maxSaid = 256 << 10

// until reads until the server has said an element of this name, or what ends the
// conversation.
func (t *talk) until(name string) (*session.Event, error) {
	looked := len(t.events)
	room := make([]byte, 16<<10)
	for said := 0; said < maxSaid; {
		n, err := t.conn.Read(room)
		said += n
		if n > 0 {
			t.heard(session.S2C, room[:n])
		}
		for ; looked < len(t.events); looked++ {
			e := &t.events[looked]
			if e.Dir != session.S2C {
				continue
			}
			if _, element := e.Body.(session.StreamElement); element {
				switch e.Name {
				case name:
					return e, nil
				case "error", "failure":
					return nil, errOver
				}
			}
			switch e.Body.(type) {
			case session.StreamOpened:
				t.scope = decode.ScopeOf(e.Raw)
			case session.StreamClosed:
				return nil, errOver
			}
		}
		if err != nil {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				t.see(session.Seen{Leg: session.ServerLeg, Dir: session.S2C, Body: session.RelayTimeout{Waiting: "xmppscope waits for <" + name + "> from the server", After: t.d.timeout()}})
			} else {
				t.see(session.Seen{Leg: session.ServerLeg, Dir: session.S2C, Body: session.TCPHalfClosed{}})
			}
			return nil, errOver
		}
	}
	return nil, errOver
}

// open opens a stream and returns what is offered.
func (t *talk) open(from string) (*session.Event, error) {
	content := decode.NSClient
	extra := ""
	if t.place.peer {
		content, extra = decode.NSServer, " xmlns:db='jabber:server:dialback'"
	}
	if from != "" {
		extra += " from='" + from + "'"
	}
	header := fmt.Sprintf("<?xml version='1.0'?><stream:stream to='%s' version='1.0' xml:lang='en' xmlns='%s' xmlns:stream='%s'%s>", session.EscapeXML(t.d.Domain.Unicode), content, decode.NSStreams, extra)
	if err := t.say(header); err != nil {
		return nil, err
	}
	return t.until("features")
}

// end ends the conversation.
func (t *talk) end() {
	over := "server"
	if t.conn != nil {
		t.conn.SetDeadline(time.Now().Add(time.Second))
		t.conn.Write([]byte("</stream:stream>")) // out of courtesy: it is not waited for
		t.conn.Close()
		over = session.OriginSelf
	}
	t.see(session.Seen{Leg: session.ServerLeg, Body: session.TCPClosed{By: over}})
	t.see(session.Seen{Leg: session.ClientLeg, Body: session.TCPClosed{By: over}})
}

func (d *doctor) timeout() time.Duration {
	if d.Timeout > 0 {
		return d.Timeout
	}
	return 15 * time.Second
}
