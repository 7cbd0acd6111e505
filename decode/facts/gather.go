package facts

import (
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// Gatherer builds a Login. The zero value is ready.
type Gatherer struct {
	login   Login
	scope   decode.Scope // of the server's stream
	phase   Phase
	proceed bool              // <proceed/> was seen, and what came of it not yet
	secrets []*Secret         // of the notes of the event at hand
	found   map[[2]string]int // index into Findings by rule and text
	classed bool              // the recording has classes of fields, as stream headers and handshakes show first
}

// Of gathers the facts of one session's events.
func Of(events []session.Event) Login {
	var g Gatherer
	for i := range events {
		g.Add(&events[i])
	}
	return g.Login()
}

// Login is what has been gathered so far.
func (g *Gatherer) Login() Login { return g.login }

// Add takes the next event of the session. It does not keep it, and of its secrets
// only what tells one from another.
func (g *Gatherer) Add(seen *session.Event) {
	if !session.Numbered(seen.Body) || seen.Beside {
		return
	}
	g.classed = g.classed || slices.ContainsFunc(seen.Notes, func(n session.Note) bool { return n.Class != session.Decides })
	g.secrets = secretsOf(seen)
	blanked := session.Blank(*seen)
	e, l := &blanked, &g.login
	l.Apply(e)
	g.attempts()
	g.turn(e)
	g.findings(e)
	g.handshake(e)
	if e.Step == nil {
		g.offRung(e)
		return
	}
	root := g.parse(e)
	r := g.rung(e)
	g.admit(e, root)
	if r == nil {
		return
	}
	g.settle(r)
	for _, f := range g.factsOf(e, r, root) {
		r.Facts = append(r.Facts, f.kept())
	}
}

// attempts brings those of the story over, with what was on offer when they began.
func (g *Gatherer) attempts() {
	l := &g.login
	for i := max(0, len(l.Attempts)-1); i < len(l.Story.Attempts); i++ {
		if i == len(l.Attempts) {
			more := Attempt{Phase: g.phase}
			if n := len(l.Offers); n > 0 {
				more.Offered = l.Offers[n-1].Mechanisms
			}
			l.Attempts = append(l.Attempts, more)
		}
		l.Attempts[i].Attempt = l.Story.Attempts[i]
	}
}

// turn follows the phases. After <proceed/> a new stream means TLS, also where a
// recording holds the plaintext alone.
func (g *Gatherer) turn(e *session.Event) {
	switch e.Body.(type) {
	case session.TLSEstablished:
		g.proceed = false
		g.phase = max(g.phase, InTLS)
	case session.StreamOpened:
		if g.proceed {
			g.phase, g.proceed = max(g.phase, InTLS), false
		}
		if e.Dir == session.S2C {
			g.scope = decode.ScopeOf(e.Raw)
		}
	}
}

// parse gives the tree of an element that stands on a rung, nil if there is none.
func (g *Gatherer) parse(e *session.Event) *session.Element {
	if len(e.Raw) == 0 || e.Truncated {
		return nil
	}
	scope := g.scope
	if scope == nil { // its header was not recorded
		scope = decode.UsualScope()
	}
	switch e.Body.(type) {
	case session.StreamOpened:
		root, _ := decode.ParseTag(e.Raw, nil)
		return root
	case session.StreamElement:
		root, _ := decode.Parse(e.Raw, scope)
		return root
	}
	return nil
}

// rung finds the rung that an event stands on, or begins it. It is nil if there
// are too many.
func (g *Gatherer) rung(e *session.Event) *Rung {
	l := &g.login
	for i := len(l.Rungs) - 1; i >= 0 && l.Rungs[i].N >= e.Step.N; i-- {
		if l.Rungs[i].N == e.Step.N {
			return &l.Rungs[i]
		}
	}
	if len(l.Rungs) == maxRungs {
		l.Beyond++
		return nil
	}
	r := Rung{N: e.Step.N, ID: e.Step.ID, Kind: e.Step.Kind(), Title: e.Step.Title, Phase: g.phase, Seq: e.Seq, At: e.At, Since: e.Step.Since, Dir: e.Dir}
	if r.Kind == "tls" {
		r.Dir, r.Phase = session.NoDir, InTLS
	}
	l.Rungs = append(l.Rungs, r)
	return &l.Rungs[len(l.Rungs)-1]
}

// findings keeps what rules hold to be wrong. A verdict sums up findings and is
// none itself.
func (g *Gatherer) findings(e *session.Event) {
	if len(e.Notes) > 0 {
		g.login.Explained++
	}
	for i := range e.Notes {
		n := &e.Notes[i]
		if n.Severity == session.Info || n.Rule == session.RuleVerdict {
			continue
		}
		f := Finding{Rule: n.Rule, Severity: n.Severity, Text: n.Text, Ref: n.Ref, Seq: e.Seq, Times: 1}
		if n.Name != "" {
			f.Text = strings.TrimSuffix(n.Name+" "+n.Value+": "+n.Text, ": ")
		}
		if e.Step != nil {
			f.N, f.Kind = e.Step.N, e.Step.Kind()
		}
		g.find(f)
	}
}

func (g *Gatherer) find(f Finding) {
	key := [2]string{f.Rule, f.Text}
	if at, known := g.found[key]; known {
		g.login.Findings[at].Times++
		return
	}
	if len(g.login.Findings) == maxFindings {
		return
	}
	if g.found == nil {
		g.found = map[[2]string]int{}
	}
	g.found[key] = len(g.login.Findings)
	g.login.Findings = append(g.login.Findings, f)
}
