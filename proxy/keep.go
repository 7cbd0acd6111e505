package proxy

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"xmppscope/decode"
	"xmppscope/internal/idn"
	"xmppscope/session"
)

// Keeper keeps clients with us whom their server sends elsewhere: by see-other-host
// (RFC 6120 §4.9.3.19), by see-other-uri of WebSocket (RFC 7395 §3.6.1), and by the location at
// which a session is to be resumed (XEP-0198 §3). They are told our address in place of the
// other, and their next connection is led there. So are web clients by a host-meta
// (keep_meta.go).
type Keeper struct {
	mu    sync.Mutex
	led   map[sender]Target
	links map[sender][]decode.MetaLink // that its clients are told
}

// sender is who has sent a client elsewhere: a server, in the name of a domain. In HTTP no
// domain is named before the server is connected to, and it is "".
type sender struct{ server, domain string }

// NewKeeper makes one for a run; Resolver.Keep has to know it.
func NewKeeper() *Keeper {
	return &Keeper{led: map[sender]Target{}, links: map[sender][]decode.MetaLink{}}
}

// mostLed bounds the servers that are remembered.
const mostLed = 1000

// lead remembers where clients were sent.
func (k *Keeper) lead(by sender, t Target) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, known := k.led[by]; known || len(k.led) < mostLed {
		k.led[by] = t
	}
}

// first is targets, each behind the one to which it has sent its clients last.
func (k *Keeper) first(q Request, targets []Target) (out []Target) {
	if k == nil {
		return targets
	}
	domain := inOneForm(q.Domain)
	if q.Web {
		domain = ""
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, t := range targets {
		way := []Target{t}
		for len(way) < mostTargets {
			next, ok := k.led[sender{way[0].Address(), domain}]
			if !ok && q.Direct { // it may be for HTTP, and not say so
				next, ok = k.led[sender{way[0].Address(), ""}]
			}
			if !ok || q.Direct && !next.Direct || slices.ContainsFunc(way, func(t Target) bool { return t.Address() == next.Address() }) {
				break // who has TLS already is not led to where it would have to be begun
			}
			way = append([]Target{next}, way...)
		}
		out = append(out, way...)
	}
	return out
}

// inOneForm is a domain in one form, however the client wrote it.
func inOneForm(domain string) string {
	if d, err := idn.Parse(domain); err == nil {
		return d.ASCII
	}
	return ""
}

// Gate is the one of a session, for Control.Use.
func (k *Keeper) Gate(c *Control) func(id int, look *Look) Gate {
	return func(id int, _ *Look) Gate {
		c.mu.Lock()
		defer c.mu.Unlock()
		g := &keepGate{keep: k}
		if p := c.pumps[id]; p != nil {
			g.here, g.server, g.secure = p.here, p.server, p.isSecured
		}
		return g
	}
}

// keepGate is the one of a session.
type keepGate struct {
	keep   *Keeper
	here   string        // at which the client has reached us
	server func() string // that is connected
	secure func() bool   // the client has TLS
	web    bool          // it speaks WebSocket
	domain string
	scope  decode.Scope // of what the server says
}

// Wants implements Gate: the client's headers, and all that the server says.
func (g *keepGate) Wants(dir session.Dir) bool { return dir == session.S2C || g.domain == "" }

// Consider implements Gate.
func (g *keepGate) Consider(p *decode.Piece) Decision {
	if p.Kind == decode.Opened {
		if p.Dir == session.S2C {
			g.scope = decode.ScopeOf(p.Raw)
		} else if root, _ := decode.ParseTag(p.Raw, nil); root != nil {
			g.domain, g.web = inOneForm(root.Attr("to")), root.Attr("xmlns") == decode.NSFraming
		}
		return Decision{}
	}
	if p.Dir == session.S2C && p.Kind == decode.Closed && bytes.Contains(p.Raw, []byte("see-other-uri")) {
		return g.otherURI(p)
	}
	if p.Dir != session.S2C || !bytes.Contains(p.Raw, []byte("see-other-host")) && !bytes.Contains(p.Raw, []byte("location")) {
		return Decision{}
	}
	root, _ := decode.Parse(p.Raw, g.scope)
	if root == nil {
		return Decision{}
	}
	if root.Name.Space == decode.NSStreams && root.Name.Local == "error" {
		return g.otherHost(p, root)
	}
	for _, e := range append(within(root), root) {
		if e.Name.Local == "enabled" && (e.Name.Space == decode.NSSM3 || e.Name.Space == decode.NSSM2) && e.Attr("location") != "" {
			return g.changed(p, e.AttrSpan("location"), e.Attr("location"), "location")
		}
	}
	return Decision{}
}

// within are the elements that SASL2 wraps what it does at once in (XEP-0388 §2.6.1).
func within(root *session.Element) (out []*session.Element) {
	if root.Name.Space != decode.NSSASL2 {
		return nil
	}
	for c := range root.Elements() {
		for inner := range c.Elements() {
			out = append(out, inner)
		}
	}
	return out
}

func (g *keepGate) otherHost(p *decode.Piece, root *session.Element) Decision {
	other := root.Child(decode.NSStreamError, "see-other-host")
	if other == nil || strings.TrimSpace(other.Text()) == "" {
		return Decision{}
	}
	return g.changed(p, other.TextSpan(), strings.TrimSpace(other.Text()), "see-other-host")
}

// otherURI is about <close/> of WebSocket.
func (g *keepGate) otherURI(p *decode.Piece) Decision {
	root, _ := decode.Parse(p.Raw, nil)
	if root == nil || root.Name.Space != decode.NSFraming {
		return Decision{}
	}
	other := strings.TrimSpace(root.Attr("see-other-uri"))
	u, err := url.Parse(other)
	var t Target
	if err == nil {
		t, err = ParseTarget(other, "see-other-uri")
	}
	if err != nil || !t.Web {
		return Decision{Reason: fmt.Sprintf("--keep cannot lead the client back: %q is no URI of WebSocket (see-other-uri)", session.ShortLine(other)), By: "--keep"}
	}
	here := *u
	if here.Host, here.Scheme = g.here, "ws"; g.secure() {
		here.Scheme = "wss"
	}
	return g.led(p, root.AttrSpan("see-other-uri"), t, other, here.String(), "see-other-uri")
}

// changed puts our address in the place of another.
func (g *keepGate) changed(p *decode.Piece, span session.Span, other, what string) Decision {
	t, err := ParseTarget(other, what)
	if err != nil {
		return Decision{Reason: fmt.Sprintf("--keep cannot lead the client back: %q is no host (%s)", session.ShortLine(other), what), By: "--keep"}
	}
	return g.led(p, span, t, other, g.here, what)
}

// led has the client told here in the place of another, which is where its next connection is
// led.
func (g *keepGate) led(p *decode.Piece, span session.Span, t Target, other, here, what string) Decision {
	by := sender{g.server(), g.domain}
	if g.web {
		by.domain = ""
	}
	switch {
	case g.here == "" || by.server == "" || g.domain == "" || span == (session.Span{}):
		return Decision{Reason: "--keep cannot lead the client back: it is not known where it has reached xmppscope", By: "--keep"}
	case other == here:
		return Decision{}
	}
	t.Given = false // by a peer
	t.Via = "the server's " + what
	g.keep.lead(by, t)
	return Decision{XML: span.Replaced(p.Raw, session.EscapeXML(here)), By: "--keep", Reason: fmt.Sprintf("%s named %q, and the client is told %s (--keep): xmppscope leads its next connection there", what, session.ShortLine(other), here)}
}
