package replay

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"xmppscope/decode"
	"xmppscope/session"
)

// Server plays the server's part to a client that has connected, and closes the
// connection. It returns as Client does.
func (s *Score) Server(ctx context.Context, conn net.Conn, o Options) error {
	p := s.player(conn, session.S2C, o)
	return p.run(ctx, func() error { return p.asServer(ctx) })
}

func (p *player) asServer(ctx context.Context) error {
	start, err := p.first(ctx)
	if err != nil {
		return err
	}
	for i := start; i < p.end; i++ {
		it := &p.items[i]
		switch {
		case it.dir == p.mine:
			if err := p.asServerSays(ctx, i); err != nil {
				return p.farewell(err)
			}
		case it.kind == ended:
			return p.farewell(p.idle())
		default:
			if err := p.hear(i); err != nil {
				return p.farewell(err)
			}
		}
	}
	return p.farewell(p.idle())
}

// first waits for the client's first byte. A client that speaks TLS at once, or WebSocket, is
// met, and the items of STARTTLS are passed over.
func (p *player) first(ctx context.Context) (start int, err error) {
	begin, err := p.peek()
	if err != nil {
		return 0, err
	}
	const handshakeRecord = 0x16 // RFC 8446 §5.1
	direct := begin == handshakeRecord
	if direct {
		if err := p.handshake(ctx, tls.Server(p.conn, p.o.TLS)); err != nil {
			return 0, err
		}
		if begin, err = p.peek(); err != nil {
			return 0, err
		}
	}
	web := 'A' <= begin && begin <= 'Z' // the method of a request (RFC 9112 §3.1)
	if web {
		l, err := acceptSocket(ctx, p.conn, p.until())
		if err != nil {
			return 0, p.stop(nil, "%v", err)
		}
		p.line = l
	}
	switch {
	case web && !p.WebSocket:
		p.departs(nil, "the client speaks WebSocket, where the recording has a stream of TCP")
	case !web && p.WebSocket:
		p.departs(nil, "the client begins a stream of TCP, where the recording has WebSocket")
	case direct == p.Direct:
		return 0, nil
	case direct && web:
		p.departs(nil, "the client begins with TLS, where the recording has none")
	case direct:
		p.departs(nil, "the client begins with TLS, where the recording has STARTTLS")
	case web:
		p.departs(nil, "the client begins in the clear, where the recording has TLS")
	default:
		return 0, p.stop(nil, "the client begins in the clear, where the recording has TLS from the first byte")
	}
	return p.behindLayers()
}

// peek waits for the client's next byte, and leaves it there.
func (p *player) peek() (byte, error) {
	p.conn.SetReadDeadline(p.until())
	conn := &early{Conn: p.conn}
	b, err := conn.peek()
	if err != nil {
		return 0, p.stop(nil, "the client has said nothing (%v)", err)
	}
	p.conn, p.line = conn, newStream(conn)
	return b, nil
}

// asServerSays says item i, unless it has to wait for a request: then it is said when that comes.
func (p *player) asServerSays(ctx context.Context, i int) error {
	it := &p.items[i]
	if !p.says[i] || isAck(it) || it.answers >= 0 {
		return nil
	}
	root := it.tree()
	out := *it
	switch {
	case it.kind == header && root != nil:
		p.streamID = rand.Text()
		p.values.put(root.Attr("id"), p.streamID)
	case isNamed(root, decode.NSStreams, "features"):
		out.raw = canBeMet(it.raw, root)
	case len(it.blanked) > 0: // whoever resumes with it comes to nobody who knows it
		for _, id := range it.blanked {
			p.values.put(id, rand.Text())
		}
		out.missing = ""
	}
	if err := p.say(&out); err != nil {
		return err
	}
	under, ok := p.line.(*stream)
	switch {
	case !ok: // there is no other layer
	case isNamed(root, decode.NSTLS, "proceed"):
		return p.handshake(ctx, tls.Server(under.below(), p.o.TLS)) // what came behind <starttls/> belongs to it
	case isNamed(root, decode.NSCompress, "compressed"):
		under.compress()
	}
	return nil
}

// canBeMet is features without what only the recorded server can do: logins that are bound to
// its TLS connection, and tokens that it has issued (XEP-0484).
func canBeMet(raw []byte, features *session.Element) []byte {
	var edits []edit
	var look func(e *session.Element)
	look = func(e *session.Element) {
		for c := range e.Elements() {
			switch {
			case c.Name.Space == decode.NSFAST, c.Name.Space == decode.NSCB,
				c.Name.Local == "mechanism" && decode.BindsChannel(c.Text()):
				edits = append(edits, without(c)...)
			default:
				look(c)
			}
		}
	}
	look(features)
	return edited(raw, edits)
}

// hear waits until item i of the client has come.
func (p *player) hear(i int) error {
	it := &p.items[i]
	if p.done[i] || isAck(it) {
		return nil
	}
	until := p.until()
	for !p.done[i] {
		h, err := p.next(until, it)
		switch {
		case errors.Is(err, errLate) && it.login:
			return p.stop(it, "the client has not sent %s within %s", it.words(), p.o.Wait)
		case errors.Is(err, errLate):
			p.departs(it, "the client has not sent %s", it.words())
			return nil
		case err != nil:
			return err
		}
		if err := p.take(h, i); err != nil {
			return err
		}
	}
	return nil
}

// idle meets what comes when all has been played, until the client goes or is silent.
func (p *player) idle() error {
	for {
		h, err := p.line.next(p.until())
		if err != nil || h.kind == ended {
			return nil
		}
		if h.kind == element {
			if h.root.Name.Space == decode.NSStreams {
				return nil
			}
			if err := p.take(h, p.end); err != nil {
				return err
			}
		}
	}
}

// take finds what a client's words are in the recording, from item i on, and answers what
// has to be answered at once.
func (p *player) take(h *heard, i int) error {
	at := -1
	for j := i; j < len(p.items) && at < 0; j++ {
		if it := &p.items[j]; it.dir != p.mine && !p.done[j] && p.hears(it, h) {
			at = j
		}
	}
	request := h.kind == element && h.root.Name.Local == "iq" && !isAnswer(h.root)
	if at < 0 && request { // one that has been answered may come again
		for j := range p.items {
			if it := &p.items[j]; it.dir != p.mine && p.done[j] && p.fits(it, h) {
				at = j
			}
		}
	}
	var expected *item
	if i < len(p.items) {
		expected = &p.items[i]
	}
	switch {
	case at < 0 && request:
		p.departs(expected, "the client asks what the recording has not: %s; it is answered with service-unavailable", elementWords(h.root))
		return p.unavailable(h.root)
	case at < 0:
		p.departs(expected, "the client sends what the recording has not: %s", p.heardWords(h))
		if expected != nil && expected.login && h.kind == header {
			return errOver
		}
		return nil
	}
	it := &p.items[at]
	p.done[at] = true
	if it.kind == saslExchange {
		return p.met(at, h)
	}
	if it.kind == header && h.root != nil && p.values.get(p.Domain) != h.root.Attr("to") && p.Domain != "" {
		p.departs(it, "the client asks for %q, where the recording has %q", session.ShortLine(h.root.Attr("to")), session.ShortLine(p.Domain))
	}
	if err := p.matched(it, h); err != nil {
		return err
	}
	if !request {
		return nil
	}
	for j := at + 1; j < len(p.items); j++ {
		if p.items[j].answers == at && p.says[j] {
			answer := &p.items[j]
			root := answer.tree()
			if root == nil {
				return p.say(answer)
			}
			p.nameNow(root)
			p.values.put(it.tree().Attr("id"), h.root.Attr("id"))
			return p.say(answer)
		}
	}
	return nil
}

// hears says whether what a client sends is an item. A login with another mechanism is one.
func (p *player) hears(it *item, h *heard) bool {
	if it.kind == saslExchange {
		return h.kind == element && decode.IsSASL(h.root.Name.Space) &&
			(h.root.Name.Local == "auth" && !it.sasl.sasl2 || h.root.Name.Local == "authenticate" && it.sasl.sasl2)
	}
	return p.fits(it, h)
}

// met carries out the exchange at an item. A client that was refused against the recording
// may try again.
func (p *player) met(at int, h *heard) error {
	it := &p.items[at]
	in, err := p.letIn(it, h)
	if err == nil && !in && it.sasl.outcome == "success" {
		p.done[at] = false
	}
	return err
}

func (p *player) heardWords(h *heard) string {
	switch h.kind {
	case header:
		return "a stream header"
	case ended:
		return "the end of its stream"
	}
	return elementWords(h.root)
}

// unavailable answers a request that the recording lacks (RFC 6120 §8.3.3.19).
func (p *player) unavailable(iq *session.Element) error {
	from := iq.Attr("to")
	if from != "" {
		from = fmt.Sprintf(" from='%s'", session.EscapeXML(from))
	}
	return p.line.say(element, fmt.Appendf(nil, "<iq type='error' id='%s'%s><error type='cancel'><service-unavailable xmlns='%s'/></error></iq>",
		session.EscapeXML(iq.Attr("id")), from, decode.NSStanzaError), p.until())
}
