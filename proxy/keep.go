package proxy

import (
	"bytes"
	"fmt"
	"strings"
	"sync"

	"xmppscope/decode"
	"xmppscope/internal/idn"
	"xmppscope/session"
)

// Keeper keeps clients with us whom their server sends elsewhere: by see-other-host
// (RFC 6120 §4.9.3.19), and by the location at which a session is to be resumed (XEP-0198 §3).
// They are told our address in place of the other, and their next connection is led there.
type Keeper struct {
	mu  sync.Mutex
	led map[string]Target // by the domain that the client asked for
}

// NewKeeper makes one for a run; Resolver.Keep has to know it.
func NewKeeper() *Keeper { return &Keeper{led: map[string]Target{}} }

// mostLed bounds the domains that are remembered.
const mostLed = 1000

// lead remembers where a domain's server has sent a client.
func (k *Keeper) lead(domain string, t Target) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, known := k.led[domain]; known || len(k.led) < mostLed {
		k.led[domain] = t
	}
}

// first is targets behind the one to which the domain's server has sent its client last.
func (k *Keeper) first(q Request, targets []Target) []Target {
	if k == nil || q.Direct { // what a server names is for STARTTLS, as far as anybody has said
		return targets
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if t, ok := k.led[inOneForm(q.Domain)]; ok {
		return append([]Target{t}, targets...)
	}
	return targets
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
	return func(id int, _ *Look) Gate { return &keepGate{keep: k, here: c.reachedAt(id)} }
}

// reachedAt is the address at which a session's client has reached us.
func (c *Control) reachedAt(id int) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.pumps[id]; p != nil {
		return p.here
	}
	return ""
}

// keepGate is the one of a session.
type keepGate struct {
	keep   *Keeper
	here   string // at which the client has reached us
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
			g.domain = inOneForm(root.Attr("to"))
		}
		return Decision{}
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

// changed puts our address in the place of another, which is where the client's next
// connection is led.
func (g *keepGate) changed(p *decode.Piece, span session.Span, other, what string) Decision {
	t, err := ParseTarget(other, what)
	here := g.here
	switch {
	case err != nil:
		return Decision{Reason: fmt.Sprintf("--keep cannot lead the client back: %q is no host (%s)", session.ShortLine(other), what), By: "--keep"}
	case here == "" || g.domain == "" || span == (session.Span{}):
		return Decision{Reason: "--keep cannot lead the client back: it is not known where it has reached xmppscope", By: "--keep"}
	case other == here:
		return Decision{}
	}
	t.Given = false // by a peer
	t.Via = "the server's " + what
	g.keep.lead(g.domain, t)
	return Decision{XML: span.Replaced(p.Raw, session.EscapeXML(here)), By: "--keep", Reason: fmt.Sprintf("%s named %q, and the client is told %s (--keep): xmppscope leads its next connection there", what, session.ShortLine(other), here)}
}
