package bend

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"

	"xmppscope/decode"
	"xmppscope/proxy"
	"xmppscope/session"
)

// Engine has sessions bent by the rules of a run, which may be replaced at any time.
type Engine struct{ set atomic.Pointer[Set] }

// Replace has other rules hold from now on; counts begin anew.
func (e *Engine) Replace(s *Set) { e.set.Store(s) }

// Rules are those that hold.
func (e *Engine) Rules() *Set { return e.set.Load() }

// Gate is a session's: proxy.Control.Use takes it.
func (e *Engine) Gate(id int, look *proxy.Look) proxy.Gate {
	return &gate{engine: e, id: id, look: look}
}

// gate bends one session.
type gate struct {
	engine *Engine
	id     int
	look   *proxy.Look
	scope  [3]decode.Scope
	set    *Set // of which states are
	states []state
}

// state is a rule in a session.
type state struct {
	*Rule
	seen int // elements of which it spoke
	rnd  *rand.Rand
}

// Wants implements proxy.Gate.
func (g *gate) Wants(session.Dir) bool {
	set := g.engine.Rules()
	return set != nil && len(set.Rules) > 0
}

// take makes the states of the rules that hold.
func (g *gate) take(set *Set) {
	g.set, g.states = set, nil
	for _, r := range set.Rules {
		g.states = append(g.states, state{Rule: r, rnd: rand.New(rand.NewPCG(r.seed, uint64(g.id)))})
	}
}

// Consider implements proxy.Gate: rules are asked in the order of the file, and each gets
// what the one before has made.
func (g *gate) Consider(p *decode.Piece) proxy.Decision {
	set := g.engine.Rules()
	if set == nil {
		return proxy.Decision{}
	}
	if set != g.set {
		g.take(set)
	}
	if p.Kind == decode.Opened {
		g.scope[p.Dir] = decode.ScopeOf(p.Raw)
	}
	if p.Kind == decode.Whitespace {
		return proxy.Decision{}
	}
	e := g.look.Event(g.id, p)
	m := match{dir: p.Dir, raw: p.Raw, event: e, scope: g.scope[p.Dir], most: max(proxy.MaxSending, len(p.Raw))}
	var all proxy.Decision
	var reasons, by []string
	for i := range g.states {
		s := &g.states[i]
		if !s.speaks(e) {
			continue
		}
		m.rule = s.Rule
		d := s.do(&m)
		if d.Reason == "" && d.XML == nil {
			continue // there was nothing to do
		}
		all.Bent = d.Bent && (len(by) == 0 || all.Bent)
		if by = append(by, s.Name); len(by) <= maxTold {
			reasons = append(reasons, d.Reason)
		}
		all.Copies += d.Copies
		all.Delay = min(all.Delay+d.Delay, maxTime)
		for k := range d.Sends {
			d.Sends[k].By = s.Name
		}
		all.Sends, all.Bends = append(all.Sends, d.Sends...), append(all.Bends, d.Bends...)
		if d.Hold != "" {
			all.Hold = d.Hold
		}
		if d.XML != nil {
			all.XML = d.XML
			m.raw = d.XML
			if e.Raw = d.XML; len(d.XML) == 0 {
				break
			}
		}
		if d.Drop {
			all.Drop = true
			break
		}
	}
	if all.Hold != "" {
		all.Shown = g.look.Shown()
	}
	if more := len(by) - maxTold; more > 0 {
		by = append(by[:maxTold], fmt.Sprintf("and %d more", more))
	}
	all.Reason, all.By = strings.Join(reasons, "; "), strings.Join(by, ", ")
	return all
}

// speaks says whether a rule speaks of an element, and counts it.
func (s *state) speaks(e *session.Event) bool {
	if !s.isOf(e) || s.is != nil && !s.is(e) {
		return false
	}
	s.seen++
	n := s.seen - s.after
	switch {
	case n < 1, s.every > 1 && n%s.every != 0:
		return false
	case s.first > 0 && n > s.first*max(s.every, 1):
		return false
	}
	return s.probability >= 1 || s.rnd.Float64() < s.probability
}
