// Package experiment holds ways in which something goes wrong between a client and its
// server, on purpose, and what a good client does then. Each is one file: it adds an
// Experiment from init. What the client did is gathered in an Outcome (outcome.go), from
// the events of its sessions, and judged by the experiment itself, with judge.go to help.
package experiment

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"xmppscope/decode"
	"xmppscope/internal/demo"
	"xmppscope/proxy"
	"xmppscope/session"
)

// Experiment is one of them.
type Experiment struct {
	Name  string // "tcp-drop-after-bind"
	Title string // what happens, in a line
	Good  string // what a good client does
	Ref   string // where that is written: "RFC 6120 §3.3"
	// Needs says what has to be there, when it did not come to it: a sentence.
	Needs string
	// Server, if it is not nil, changes the embedded server.
	Server func(*demo.Scenario)
	// Bend decides about what is said, in any session, before it passes; the event is
	// borrowed. It is asked by several goroutines, one at a time.
	Bend func(t *Trial, e *session.Event) proxy.Decision
	// Judge says what to make of what the client did.
	Judge func(o *Outcome) Result
	// More is how much longer than others the client is watched: what is done to it takes so long.
	More time.Duration
	// Patient says that the whole time is watched, as the client is to leave something undone.
	Patient bool
}

// Grade is how well a client has borne it.
type Grade string

// The grades.
const (
	Good  Grade = "good"
	Weak  Grade = "weak" // no harm was done, but it could be better
	Bad   Grade = "bad"
	NoUse Grade = "n/a" // it did not come to it
)

// Result is a judgement, and why.
type Result struct {
	Grade Grade
	Why   string // may hold text from the wire
}

func result(g Grade, format string, args ...any) Result {
	return Result{g, fmt.Sprintf(format, args...)}
}

var experiments []Experiment

func add(x Experiment) { experiments = append(experiments, x) }

// All are the experiments there are, by name.
func All() []Experiment {
	out := slices.Clone(experiments)
	slices.SortFunc(out, func(a, b Experiment) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// Find finds experiments by their names, each once: a name is that of one, "all", or that of
// a family, such as "resume".
func Find(names ...string) (out []Experiment, err error) {
	wanted := map[string]bool{}
	var known []string
	for _, x := range All() {
		known = append(known, x.Name)
	}
	for _, name := range names {
		found := false
		for _, x := range known {
			if x == name || name == "all" || strings.HasPrefix(x, name+"-") && !slices.Contains(known, name) {
				wanted[x], found = true, true
			}
		}
		if near := session.Nearest(name, known); !found && near != "" {
			return nil, fmt.Errorf("there is no experiment %q: did you mean %s?", name, near)
		}
		if !found {
			return nil, fmt.Errorf("there is no experiment %q", name)
		}
	}
	for _, x := range All() {
		if wanted[x.Name] {
			out = append(out, x)
		}
	}
	return out, nil
}

// Trial is one experiment under way.
type Trial struct {
	Experiment
	Addr    string         // "HOST:PORT" that the client has connected to
	Control *proxy.Control // of the run

	mu      sync.Mutex
	fired   time.Time
	session int            // in which it fired
	bound   map[int]string // full JID, by session
	used    map[int]bool   // the client has said something beyond its login
}

// Fired is when the experiment did something first, and in which session; a zero time if it
// has not.
func (t *Trial) Fired() (time.Time, int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.fired, t.session
}

// Gate makes what bends one session.
func (t *Trial) Gate(id int, look *proxy.Look) proxy.Gate { return &gate{t, id, look} }

type gate struct {
	*Trial
	id   int
	look *proxy.Look
}

// Wants implements proxy.Gate.
func (g *gate) Wants(session.Dir) bool { return true }

// Consider implements proxy.Gate.
func (g *gate) Consider(p *decode.Piece) proxy.Decision {
	e := g.look.Event(g.id, p)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.bound == nil {
		g.bound, g.used = map[int]string{}, map[int]bool{}
	}
	if jid, ok := e.Field("jid"); ok && is(e, "bind-result", "sasl2-success") {
		g.bound[g.id] = jid
	}
	if g.inUse(e) {
		g.used[g.id] = true
	}
	d := g.Bend(g.Trial, e)
	if d.Reason == "" && len(d.Sends) == 0 && len(d.Bends) == 0 {
		return d
	}
	begins := time.Now().Add(d.Delay)
	if d.Bent {
		begins = time.Now() // what is late is so from now on
	}
	d.By = "try " + g.Name
	for i := range d.Sends {
		d.Sends[i].By = d.By
	}
	for i := range d.Bends {
		d.Bends[i].By = d.By
	}
	if g.fired.IsZero() {
		g.fired, g.session = begins, g.id
	}
	return d
}

// soon bends a session's connections when what is on its way has been read.
func (t *Trial) soon(id int, b proxy.Bend) {
	t.fired, t.session = time.Now().Add(calm), id
	b.By = "try " + t.Name
	time.AfterFunc(calm, func() { t.Control.Bend(id, b) }) // if it has not ended by then
}

// before says that the experiment has not done anything yet.
func (t *Trial) before() bool { return t.fired.IsZero() }

// jid is the full JID that a session has been given, "" before.
func (t *Trial) jid(e *session.Event) string { return t.bound[e.Session] }

// is says whether an event stands on a step of one of these kinds: "features", "sasl-auth".
func is(e *session.Event, steps ...string) bool {
	if e.Step == nil {
		return false
	}
	return slices.ContainsFunc(steps, func(s string) bool { return e.Step.ID == s || strings.HasPrefix(e.Step.ID, s+"-") })
}

// asksBySASL says whether an event is a client's choice of a mechanism.
func asksBySASL(e *session.Event) bool {
	return e.Dir == session.C2S && is(e, "sasl-auth", "sasl2-authenticate")
}

// inUse says whether the client says something that is no part of its login, once it has been
// given a JID.
func (t *Trial) inUse(e *session.Event) bool {
	return e.Dir == session.C2S && t.jid(e) != "" && isPlain(e)
}

// isServed says whether the server says a stanza to a client that uses its session.
func (t *Trial) isServed(e *session.Event) bool {
	return e.Dir == session.S2C && t.used[e.Session] && isPlain(e)
}

// isPlain says whether an event is a stanza that is no part of a login.
func isPlain(e *session.Event) bool {
	return e.Step == nil && session.IsStanza(e.Name)
}

// calm is how long a connection stays that is to be reset: what is on its way to the client is
// read before, and not lost with it.
const calm = 300 * time.Millisecond

// inPlace drops what a client says, and answers it in the server's place.
func inPlace(reason, format string, args ...any) proxy.Decision {
	return proxy.Decision{
		Drop: true, Reason: reason,
		Sends: []proxy.Sending{{Dir: session.S2C, XML: fmt.Appendf(nil, format, args...), Reason: reason}},
	}
}

// refusal is a failure of SASL, as the client has asked.
func refusal(e *session.Event, condition string) string {
	return fmt.Sprintf("<failure xmlns='%s'><%s xmlns='%s'/></failure>", e.Space, condition, decode.NSSASL)
}

// broken ends a session with a stream error of the server's, behind what it has said last.
func broken(last []byte, reason, condition, text string) proxy.Decision {
	return proxy.Decision{
		Reason: reason,
		XML: fmt.Appendf(bytes.Clone(last),
			"<stream:error><%s xmlns='%s'>%s</%[1]s></stream:error></stream:stream>", condition, decode.NSStreamError, text),
		Bends: []proxy.Bend{{What: proxy.Cut, Reason: reason}},
	}
}
