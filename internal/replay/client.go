package replay

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// Client plays the client's part over a connection, and closes it. It returns nil when the
// part is over, whether or not there were departures; an error is what kept it from being
// played. ctx bounds it.
func (s *Score) Client(ctx context.Context, conn net.Conn, o Options) error {
	p := s.player(conn, session.C2S, o)
	return p.run(ctx, func() error { return p.asClient(ctx) })
}

func (p *player) asClient(ctx context.Context) error {
	start, err := p.begin(ctx)
	if err != nil {
		return err
	}
	for i := start; i < p.end; {
		it := &p.items[i]
		next := i + 1
		switch {
		case it.kind == saslExchange:
			to, err := p.logIn(i)
			if err != nil {
				return p.farewell(err)
			}
			next = to
		case it.dir == p.mine:
			if !p.says[i] {
				break
			}
			if tellsPassword(it.tree()) {
				if err := p.inClear(); err != nil {
					return p.farewell(err)
				}
			}
			if err := p.say(p.fresh(it)); err != nil {
				return err
			}
		case it.kind == ended || isAck(it) || p.unanswered(i):
		default:
			h, err := p.await(it)
			if err != nil {
				return p.farewell(err)
			}
			if err := p.turn(ctx, it, h); err != nil {
				return p.farewell(err)
			}
		}
		i = next
	}
	return p.farewell(nil)
}

// begin does what comes below the stream. It returns the item to begin with.
func (p *player) begin(ctx context.Context) (start int, err error) {
	direct := p.Direct
	if p.o.WebSocket != "" {
		direct = strings.HasPrefix(p.o.WebSocket, "wss:")
	}
	if direct {
		if err := p.handshake(ctx, tls.Client(p.conn, p.o.TLS)); err != nil {
			return 0, err
		}
	}
	if p.o.WebSocket == "" {
		return 0, nil
	}
	l, err := dialSocket(ctx, p.conn, p.o.WebSocket, p.until())
	if err != nil {
		return 0, p.stop(nil, "%v", err)
	}
	p.line = l
	if l.conn.Subprotocol() != subprotocol {
		p.departs(nil, "the server does not agree to the subprotocol %q (RFC 7395 §3.1)", subprotocol)
	}
	return p.behindLayers()
}

// behindLayers is the first item behind STARTTLS, which WebSocket has not (RFC 7395 §3.9), and
// who began with TLS neither.
func (p *player) behindLayers() (start int, err error) {
	_, framed := p.line.(*socket)
	for i := range p.items {
		switch root := p.items[i].tree(); {
		case start == 0 && isNamed(root, decode.NSTLS, "proceed"):
			start = i + 1
		case framed && isNamed(root, decode.NSCompress, "compressed"):
			return 0, fmt.Errorf("#%d: its stream is compressed (XEP-0138), which WebSocket has not", p.items[i].seq)
		}
	}
	return start, nil
}

// unanswered says whether an item answers what was not said this time. What is no part of the
// login, and comes behind something that was not said, may be due to that.
func (p *player) unanswered(i int) bool {
	it := &p.items[i]
	if it.answers >= 0 {
		return !p.says[it.answers]
	}
	return !it.login && i > p.silent
}

// turn goes over to another layer where the server's answer says so.
func (p *player) turn(ctx context.Context, it *item, h *heard) error {
	if h == nil || h.kind != element {
		return nil
	}
	under, ok := p.line.(*stream)
	switch {
	case !ok: // there is no other layer
	case isNamed(h.root, decode.NSTLS, "proceed"):
		return p.handshake(ctx, tls.Client(under.below(), p.o.TLS))
	case isNamed(h.root, decode.NSTLS, "failure"):
		if isNamed(it.tree(), decode.NSTLS, "proceed") {
			return errOver
		}
	case isNamed(h.root, decode.NSCompress, "compressed"):
		under.compress()
	}
	return nil
}

// fresh is an item with the secrets in it made anew: those of logins before SASL
// (XEP-0078) and of components (XEP-0114).
func (p *player) fresh(it *item) *item {
	root := it.tree()
	if root == nil || p.o.Verbatim {
		return it
	}
	out := *it
	query := root.Child(decode.NSIQAuth, "query")
	switch {
	case root.Name.Local == "handshake":
		secret, ok := p.o.Password("", p.values.get(p.Domain))
		if !ok {
			return it
		}
		out.raw, out.missing = withText(it.raw, root, decode.StreamDigest(p.streamID, secret)), ""
	case query != nil && root.Attr("type") == "set":
		username := query.Child("", "username")
		if username == nil {
			return it
		}
		secret, ok := p.o.Password(p.user(username.Text()))
		if !ok {
			return it
		}
		out.missing = ""
		if digest := query.Child("", "digest"); digest != nil {
			out.raw = withText(it.raw, digest, decode.StreamDigest(p.streamID, secret))
		} else if password := query.Child("", "password"); password != nil {
			out.raw = withText(it.raw, password, session.EscapeXML(secret))
		}
	default:
		return it
	}
	return &out
}

// user is who logs in now where the recording has this name, and at which domain.
func (p *player) user(name string) (user, domain string) {
	user, domain = decode.AccountOf(name, p.Domain)
	if p.o.Account != "" && user+"@"+domain == p.Account {
		return decode.AccountOf(p.o.Account, domain)
	}
	return user, domain
}

// Needs says what a client's part cannot do without, before anything is sent: the password
// of its account. It is nil if there is nothing.
func (s *Score) Needs(o Options) error {
	for i := range s.items {
		a := s.items[i].sasl
		if a == nil || o.Verbatim {
			continue
		}
		p := &player{Score: s, o: o}
		user, domain := p.user(a.user)
		if user == "" {
			user, domain = decode.AccountOf(s.account(o), s.Domain)
		}
		if _, ok := o.Password(user, domain); !ok && a.mechanism != "ANONYMOUS" {
			return fmt.Errorf("the login needs the password of %s", session.ShortLine(user+"@"+domain))
		}
	}
	return nil
}

// account is who plays.
func (s *Score) account(o Options) string {
	if o.Account != "" {
		return o.Account
	}
	return s.Account
}
