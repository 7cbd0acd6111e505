package decode

import (
	"bytes"
	"slices"
	"strings"
	"unsafe"

	"xmppscope/session"
)

// Parsed is an event on its way to being explained.
type Parsed struct {
	by     *Session      // who explains it, nil if it stays as it is
	event  session.Event // with its name
	root   *session.Element
	faults []Fault
	joined bool   // see State.Joined
	holds  uint64 // see Match.Holding

	features *offer // of the server, if the event is that
	assumed  string // see State.Assumed
}

// parsing is what has to be known of a session to parse its events.
type parsing struct {
	scope  [3]Scope  // by direction: what the newest stream header declares
	holds  [3]uint64 // the keys of that
	begun  bool      // the beginning was seen: a connection, or a stream header
	joined bool      // see State.Joined

	bosh    bool   // a session of BOSH was opened on this connection
	servers bool   // it looks like a stream between servers
	assumed string // see State.Assumed
}

// Parse is the first half of Explain: it names the event and builds its tree. It may
// run ahead of the second half, so that each has a core; the trees have to stay until
// then. A nil Session leaves the event as it is.
func (d *Session) Parse(e session.Event, trees *Trees) Parsed {
	if d == nil || !session.Numbered(e.Body) {
		return Parsed{event: e}
	}
	d.parse.begin(&e)
	p := Parsed{by: d, event: e, joined: d.parse.joined}
	d.parse.tree(&p, trees)
	p.assumed = d.parse.assumed
	return p
}

// Explain is the second half.
func (p *Parsed) Explain() {
	k := desks.Get().(*desk)
	p.explain(k)
	desks.Put(k)
}

func (p *Parsed) explain(k *desk) {
	if d := p.by; d != nil {
		k.seen = Seen{Event: &p.event, State: &d.state, Root: p.root, holds: p.holds}
		d.explain(&k.seen, p, k)
		k.seen = Seen{}
		p.root, p.by = nil, nil
	}
}

// Event is the event as far as it has come.
func (p *Parsed) Event() session.Event { return p.event }

// begin notices whether the recording has the beginning of the session.
func (d *parsing) begin(e *session.Event) {
	if e.Beside {
		return
	}
	switch b := e.Body.(type) {
	case session.TCPOpened:
		d.begun = !b.Joined
		d.servers = d.servers || strings.HasSuffix(b.Local, portServers) || strings.HasSuffix(b.Peer, portServers)
	case session.TLSEstablished, session.StreamOpened:
		d.begun = true
	case session.StreamElement, session.StreamClosed:
		d.joined = d.joined || !d.begun
		d.begun = true
	}
}

// portServers ends the address of a server that others talk to.
const portServers = ":5269"

// usual is what a header that was sent before the recording began has declared, as
// far as is usual, with this content namespace.
func usual(content string) Scope {
	return append(slices.Clone(baseScope), binding{"stream", NSStreams}, binding{"db", NSDialback}, binding{"", content})
}

var usualOf = map[string]Scope{NSClient: usual(NSClient), NSServer: usual(NSServer)}

// UsualScope is what headers of clients' streams declare, for elements whose header is not at
// hand.
func UsualScope() Scope { return usualOf[NSClient] }

// scopeFor is what the newest header of a direction declares. If it was not recorded,
// that is guessed, and the content namespace is the other side's, or fits what is said.
func (d *parsing) scopeFor(dir session.Dir, tag string) (scope Scope, guessed bool) {
	if !d.joined || d.scope[dir] != nil {
		return d.scope[dir], false
	}
	d.servers = d.servers || strings.HasPrefix(tag, "<db:")
	d.assumed = NSClient
	if d.servers {
		d.assumed = NSServer
	}
	for _, b := range d.scope[dir.Opposite()] {
		if b.prefix == "" && usualOf[b.space] != nil {
			d.assumed = b.space
		}
	}
	return usualOf[d.assumed], true
}

// text is Raw as a string. It is no copy: an event's bytes are never written to again.
func text(e *session.Event) string { return unsafe.String(unsafe.SliceData(e.Raw), len(e.Raw)) }

// boshJoined notices a connection that goes on with a session of BOSH which was opened on
// another: what came before is not known here.
func (d *parsing) boshJoined(p *Parsed) {
	root := p.root
	if root == nil || root.Name.Space != NSBOSH || p.event.Dir != session.C2S {
		return
	}
	if root.Attr("sid") == "" {
		d.bosh = true
	}
	d.joined = d.joined || !d.bosh
	p.joined = d.joined
}

// tree names the event and builds its tree.
func (d *parsing) tree(p *Parsed, trees *Trees) {
	e := &p.event
	switch b := e.Body.(type) {
	case session.StreamOpened:
		p.root, p.faults = trees.parseTag(text(e), nil)
		d.holds[e.Dir] = trees.declared
		if d.scope[e.Dir] = ScopeOf(e.Raw); p.root != nil && p.root.Name.Space == NSFraming { // each message declares for itself
			d.scope[e.Dir] = baseScope
		}
		e.Name = "stream"
		d.boshJoined(p)
	case session.BOSHBody:
		p.root, p.faults = trees.parseTag(text(e), nil)
		d.holds[e.Dir], d.scope[e.Dir] = trees.declared, ScopeOf(e.Raw)
		d.boshJoined(p)
	case session.StreamElement:
		scope, guessed := d.scopeFor(e.Dir, text(e))
		if d.holds[e.Dir] == 0 && guessed {
			for _, b := range scope {
				d.holds[e.Dir] |= spaceKey(b.space)
			}
		}
		p.root, p.faults = trees.parse(text(e), scope, guessed)
	case session.StreamClosed:
		e.Name, e.Space = "stream", NSStreams
		if bytes.Contains(e.Raw, []byte(NSFraming)) {
			p.root, p.faults = trees.parse(text(e), baseScope, false)
			break
		}
		p.faults = trees.rawFaults(text(e), false) // of what stands in front of it
	case session.StreamRaw:
		p.faults = trees.rawFaults(text(e), b.Between)
	}
	if e.Truncated && len(p.faults) > 0 {
		p.faults = p.faults[:len(p.faults)-1] // that it ends too soon is our doing
	}
	if p.root == nil {
		return
	}
	e.Name, e.Space = p.root.Name.Local, p.root.Name.Space
	p.holds = d.holds[e.Dir] | trees.declared
	if e.Space == NSStreams && e.Name == "features" && e.Dir == session.S2C {
		scope, guessed := d.scopeFor(e.Dir, text(e))
		p.features = &offer{text: strings.Clone(text(e)), scope: scope, guess: guessed}
		p.root = p.features.element()
	}
}
