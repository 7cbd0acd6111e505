package replay

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

// Options say how a part is played.
type Options struct {
	// Wait is how long the other side may take for what is its turn.
	Wait time.Duration
	// Most bounds what is said beyond the login: so many stanzas and the like.
	Most int
	// Account is the bare JID that plays; "" is the recorded one.
	Account string
	// Password is that of an account, as the user has given it.
	Password func(user, domain string) (string, bool)
	// TLS is the client's or the server's side of TLS.
	TLS *tls.Config
	// Binding is the channel-binding data of a type that a client's connection has, nil if it
	// has none of it. It may be nil.
	Binding func(kind string) []byte
	// WebSocket is the URL, ws://… or wss://…, at which a client asks for WebSocket (RFC 7395).
	// "" has it begin a stream of TCP. A server speaks what the client does.
	WebSocket string
	// Verbatim sends the messages of SASL as they were recorded.
	Verbatim bool
	// InClear lets a client send a password without TLS, if the recording has none.
	InClear bool
	// Departs is told where the other side does something else than the recording shows.
	Departs func(Departure)
}

// Departure is a place where what happens is not what was recorded.
type Departure struct {
	Seq  uint64 // of the recorded event that it is about, 0 for none
	Text string // it may hold text from the wire
}

// String is the departure for a person.
func (d Departure) String() string {
	if d.Seq == 0 {
		return "departs from the recording: " + d.Text
	}
	return fmt.Sprintf("departs from the recording at #%d: %s", d.Seq, d.Text)
}

// errOver ends a part before its end: why was told as a departure.
var errOver = errors.New("the part is over")

// Bounds of what has come and has not been asked for yet.
const (
	maxBacklog      = 1000
	maxBacklogBytes = 8 << 20
)

// player plays one side.
type player struct {
	*Score
	o      Options
	mine   session.Dir
	conn   net.Conn
	secret bool // conn has TLS
	line   line
	values values
	says   []bool // which items of its own it says
	end    int    // behind the last item that it plays
	silent int    // the first stanza of its own that it does not say
	done   []bool // items of the other side that have come

	backlog []*heard
	stored  int // bytes in it
	missed  int // things in a row that did not come

	streamID string   // of the server's newest stream
	offered  []string // mechanisms in the server's newest features
	bindings []string // types of channel binding there (XEP-0440)

	managed bool   // stanzas are counted (XEP-0198)
	count   uint32 // of those that have come
}

func (s *Score) player(conn net.Conn, mine session.Dir, o Options) *player {
	p := &player{Score: s, o: o, mine: mine, conn: conn, line: newStream(conn), done: make([]bool, len(s.items))}
	p.says, p.end = s.part(mine, o.Most)
	for p.silent < len(s.items) && (p.says[p.silent] || s.items[p.silent].dir != mine || s.items[p.silent].kind != element || isAck(&s.items[p.silent])) {
		p.silent++
	}
	if o.Account != "" && s.Account != "" && o.Account != s.Account {
		p.values.become(s.Account, o.Account)
	}
	return p
}

// run carries a part out until it is over, or ctx is. It closes the connection.
func (p *player) run(ctx context.Context, play func() error) error {
	raw := p.conn
	defer raw.Close()
	defer func() { p.line.stop() }()
	defer context.AfterFunc(ctx, func() { raw.Close() })()
	err := play()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("replay: %w", context.Cause(ctx))
	case errors.Is(err, errOver):
		return nil
	case err != nil:
		return fmt.Errorf("replay: %w", err)
	}
	return nil
}

// handshake goes on inside TLS.
func (p *player) handshake(ctx context.Context, conn *tls.Conn) error {
	conn.SetDeadline(p.until())
	if err := conn.HandshakeContext(ctx); err != nil {
		return p.stop(nil, "TLS has failed: %v", err)
	}
	p.conn, p.secret, p.line = conn, true, newStream(conn)
	return nil
}

// farewell ends the stream.
func (p *player) farewell(err error) error {
	p.line.say(ended, []byte("</stream:stream>"), p.until())
	p.line.leave()
	return err
}

func (p *player) until() time.Time { return time.Now().Add(p.o.Wait) }

func (p *player) departs(it *item, format string, args ...any) {
	d := Departure{Text: fmt.Sprintf(format, args...)}
	if it != nil {
		d.Seq = it.seq
	}
	p.o.Departs(d)
}

// stop is departs where the part cannot go on.
func (p *player) stop(it *item, format string, args ...any) error {
	p.departs(it, format, args...)
	return errOver
}

// other names the other side.
func (p *player) other() string { return p.mine.Opposite().Sender() }

// say says an item of our own.
func (p *player) say(it *item) error {
	if it.missing != "" {
		return fmt.Errorf("#%d, %s, cannot be said: %s", it.seq, it.words(), it.missing)
	}
	raw := it.raw
	if it.kind != ended {
		if root := it.tree(); root != nil { // whatever it is, it was said
			raw = p.values.apply(raw, root)
		}
	}
	return p.line.say(it.kind, raw, p.until())
}

// next is what the other side says next. Acknowledgements are dealt with, and the end of
// the stream is an error that was told.
func (p *player) next(until time.Time, it *item) (*heard, error) {
	for {
		h, err := p.line.next(until)
		switch {
		case errors.Is(err, errLate):
			return nil, err
		case errors.Is(err, errGone):
			return nil, p.stop(it, "the %s ends the connection, where the recording has %s", p.other(), wordsOf(it))
		case err != nil:
			return nil, p.stop(it, "%v", err)
		case h.kind == ended:
			return nil, p.stop(it, "the %s ends its stream, where the recording has %s", p.other(), wordsOf(it))
		case h.kind == element && isNamed(h.root, decode.NSStreams, "error") && (it == nil || it.kind != element || !isNamed(it.tree(), decode.NSStreams, "error")):
			condition := ""
			if c := h.root.First(); c != nil {
				condition = c.Name.Local
			}
			return nil, p.stop(it, "the %s ends the stream with an error (%s), where the recording has %s", p.other(), session.ShortLine(condition), wordsOf(it))
		case h.kind == element && strings.HasPrefix(h.root.Name.Space, smPrefix):
			done, err := p.acknowledge(h)
			if err != nil {
				return nil, err
			}
			if done {
				continue
			}
		case counted(h.root) && p.managed:
			p.count++
		}
		return h, nil
	}
}

func wordsOf(it *item) string {
	if it == nil {
		return "nothing more"
	}
	return it.words()
}

// acknowledge answers a request of stream management (XEP-0198 §4). It says whether there
// is nothing else to an element of it.
func (p *player) acknowledge(h *heard) (bool, error) {
	switch h.root.Name.Local {
	case "r":
		if !p.managed {
			return true, nil
		}
		return true, p.line.say(element, fmt.Appendf(nil, "<a xmlns='%s' h='%d'/>", h.root.Name.Space, p.count), p.until())
	case "enabled", "resumed", "enable", "resume":
		p.managed, p.count = true, 0
	}
	return h.root.Name.Local == "a", nil
}

// keep puts what has come too early, or is in no recording, aside.
func (p *player) keep(h *heard) {
	p.backlog = append(p.backlog, h)
	p.stored += len(h.raw)
	for len(p.backlog) > maxBacklog || p.stored > maxBacklogBytes {
		p.stored -= len(p.backlog[0].raw)
		p.backlog[0], p.backlog = nil, p.backlog[1:]
	}
}

// await waits for an item of the other side, and learns from it. What is no part of the
// login may be missing: then it is nil.
func (p *player) await(it *item) (*heard, error) {
	must := it.login || it.answers >= 0
	for i, h := range p.backlog {
		if p.fits(it, h) {
			p.stored -= len(h.raw)
			p.backlog = append(p.backlog[:i:i], p.backlog[i+1:]...)
			return h, p.matched(it, h)
		}
	}
	patience := p.o.Wait
	if !must { // a message of somebody else need not come again
		patience = min(patience, 2*time.Second) >> min(p.missed, 20)
	}
	until := time.Now().Add(patience)
	for {
		h, err := p.next(until, it)
		switch {
		case errors.Is(err, errLate) && must:
			return nil, p.stop(it, "the %s has not sent %s within %s", p.other(), it.words(), patience)
		case errors.Is(err, errLate):
			p.missed++
			p.departs(it, "the %s has not sent %s", p.other(), it.words())
			return nil, nil
		case err != nil:
			return nil, err
		case p.fits(it, h):
			p.missed = 0
			return h, p.matched(it, h)
		}
		p.keep(h)
	}
}

// matched learns from what has come in the place of an item, and tells what is different
// about it.
func (p *player) matched(it *item, h *heard) error {
	if it.kind == ended {
		return nil
	}
	was := it.tree()
	p.values.learn(was, h.root)
	if was == nil || h.root == nil {
		return nil
	}
	switch {
	case h.kind == header:
		p.streamID = h.root.Attr("id")
	case isNamed(h.root, decode.NSStreams, "features"):
		p.offered, p.bindings = offers(h.root)
	}
	if was.Name.Local != h.root.Name.Local || was.Attr("type") != h.root.Attr("type") {
		p.departs(it, "the recording has %s, now it is %s", it.words(), elementWords(h.root))
	}
	return nil
}

// fits says whether what has come is what the recording has.
func (p *player) fits(it *item, h *heard) bool {
	if h.kind != it.kind {
		return false
	}
	if it.kind != element {
		return true
	}
	was := it.tree()
	if was == nil {
		return false
	}
	if it.answers >= 0 && was.Name.Local == "iq" {
		asked := p.items[it.answers].tree()
		return asked != nil && h.root.Name.Local == "iq" && isAnswer(h.root) && h.root.Attr("id") == p.values.get(asked.Attr("id"))
	}
	a, b := p.shape(was), p.shape(h.root)
	if p.mine == session.C2S { // the account may be another, and who wrote what counts
		a.from, b.from = p.values.get(session.BareJID(was.Attr("from"))), session.BareJID(h.root.Attr("from"))
	}
	return a == b
}

func isAnswer(iq *session.Element) bool {
	t := iq.Attr("type")
	return t == "result" || t == "error"
}

// shape is what two elements have in common that are said in the same place.
type shape struct{ name, space, kind, payload, from string }

func (p *player) shape(e *session.Element) shape {
	s := shape{name: e.Name.Local, space: e.Name.Space, kind: e.Attr("type")}
	if !decode.IsContentNS(e.Name.Space) {
		s.kind = ""
	} else {
		s.space = "" // clients of old declare none
		for c := range e.Elements() {
			if c.Name.Local != "delay" && c.Name.Local != "stanza-id" && c.Name.Local != "error" {
				s.payload = c.Name.Local + " " + c.Name.Space
				break
			}
		}
	}
	switch s.name { // what is said in the same place
	case "proceed", "failure":
		if s.space == decode.NSTLS {
			s.name = "answer"
		}
	case "enabled", "resumed", "failed":
		if strings.HasPrefix(s.space, smPrefix) {
			s.name = "answer"
		}
	case "compressed":
		s.name = "answer"
	}
	if s.space == decode.NSCompress && s.name == "failure" {
		s.name = "answer"
	}
	return s
}

// offers are the mechanisms of features, and the types of channel binding.
func offers(features *session.Element) (mechanisms, bindings []string) {
	for c := range features.Elements() {
		for m := range c.Elements() {
			switch m.Name.Local {
			case "mechanism":
				mechanisms = append(mechanisms, strings.TrimSpace(m.Text()))
			case "channel-binding":
				bindings = append(bindings, m.Attr("type"))
			}
		}
	}
	return mechanisms, bindings
}
