package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"time"
)

// Control is the way from programs back to the wire: it holds, edits, puts in and bends. A
// Handler has one if control was allowed (--allow-control).
type Control interface {
	// Held is what is held now, and the breakpoints.
	Held() Held
	// Decide decides about what is held.
	Decide(Decision) error
	// Break sets a breakpoint, and returns once it holds in every session.
	Break(context.Context, Breakpoint) (Breakpoint, error)
	// Unbreak takes one away, and says whether it was there; 0 takes all.
	Unbreak(id int) bool
	// Inject says something, and returns the answer if one is waited for.
	Inject(context.Context, Injection) (Injected, error)
	// Bend does something to a session's connections.
	Bend(Bend) error
	// Rules takes others in place of those of --rules.
	Rules(context.Context, Rules) (Rules, error)
}

// What is asked for, and what comes back.
type (
	// Held is what waits for somebody to decide.
	Held struct {
		Held        []HeldElement `json:"held" jsonschema:"the oldest first"`
		More        int           `json:"more,omitempty" jsonschema:"so many more are held: decide about these first"`
		Breakpoints []Breakpoint  `json:"breakpoints"`
		Unheld      []Unheld      `json:"unheld,omitempty" jsonschema:"sessions under way of which nothing can be held or changed, and into which nothing can be put"`
	}
	// Unheld is one of them.
	Unheld struct {
		Session int    `json:"session"`
		Why     string `json:"why"`
	}
	// HeldElement is one element.
	HeldElement struct {
		ID       uint64    `json:"id" jsonschema:"of the hold: what a decision names"`
		Session  int       `json:"session"`
		Dir      string    `json:"dir" jsonschema:"c2s or s2c"`
		Since    time.Time `json:"since"`
		Reason   string    `json:"reason" jsonschema:"at which breakpoint or rule"`
		Name     string    `json:"name"`
		Space    string    `json:"ns,omitempty"`
		XML      string    `json:"xml" jsonschema:"the element as it stands"`
		Redacted bool      `json:"redacted,omitempty" jsonschema:"secrets in xml were replaced by placeholders: it is not what would go on"`
	}
	// Breakpoint is where elements are held.
	Breakpoint struct {
		ID   int    `json:"id,omitempty"`
		When string `json:"when" jsonschema:"a filter (xmppscope help filter), or: before STEP, such as before sasl-success; empty holds everything"`
		Once bool   `json:"once,omitempty" jsonschema:"only the next one"`
		Hits int    `json:"hits,omitempty" jsonschema:"elements that were held there"`
	}
	// Decision is what becomes of what is held.
	Decision struct {
		ID     uint64 `json:"id" jsonschema:"of the hold"`
		Do     string `json:"do" jsonschema:"pass, edit, drop, duplicate or delay"`
		XML    string `json:"xml,omitempty" jsonschema:"of edit: what goes on in its place, as it is"`
		Copies int    `json:"copies,omitempty" jsonschema:"of duplicate: how many more; 1 if it is not set"`
		Millis int    `json:"ms,omitempty" jsonschema:"of delay: how long"`
	}
	// Injection is something to say.
	Injection struct {
		Session  int               `json:"session,omitempty" jsonschema:"0 is the newest"`
		Dir      string            `json:"dir" jsonschema:"c2s (to the server) or s2c (to the client)"`
		XML      string            `json:"xml,omitempty" jsonschema:"what is said, as it is"`
		Template string            `json:"template,omitempty" jsonschema:"or a template: ping, disco-info, disco-items, version, presence, message, iq, stream-error, r, a"`
		Fields   map[string]string `json:"fields,omitempty" jsonschema:"of the template: to, from, id, type, body …"`
		Millis   int               `json:"ms,omitempty" jsonschema:"how long to wait for the answer to an iq or r; 0: not at all"`
	}
	// Injected is what was said, and answered.
	Injected struct {
		XML    string `json:"xml"`
		Answer string `json:"answer,omitempty" jsonschema:"it is kept from the other side, which has not asked"`
	}
	// Bend is something to do to connections.
	Bend struct {
		Session int    `json:"session,omitempty" jsonschema:"0 is the newest"`
		Do      string `json:"do" jsonschema:"cut, reset, half-close, drop-client, drop-server, reset-client, reset-server, stall, black-hole or pace"`
		Dir     string `json:"dir,omitempty" jsonschema:"of half-close, stall, black-hole and pace: c2s or s2c; both if it is not set"`
		Millis  int    `json:"ms,omitempty" jsonschema:"of stall: how long; 0: for good"`
		Rate    int    `json:"rate,omitempty" jsonschema:"of pace: bytes a second"`
		Chunk   int    `json:"chunk,omitempty" jsonschema:"of pace: bytes at a time"`
	}
	// Rules are those that hold.
	Rules struct {
		TOML     string   `json:"toml,omitempty" jsonschema:"as in a file of --rules (xmppscope help rules); empty takes all away"`
		Names    []string `json:"names,omitempty" jsonschema:"of the rules that hold"`
		Warnings []string `json:"warnings,omitempty" jsonschema:"what clients remember of what they do"`
	}
	// Done is an answer that has nothing to tell.
	Done struct {
		Done bool `json:"done"`
	}
	removal struct {
		ID int `json:"id" jsonschema:"of the breakpoint; 0 is all"`
	}
)

// ErrForbidden is that control was not allowed.
var ErrForbidden = errors.New("control was not allowed: start xmppscope with --allow-control, and use the token of control")

// maxBody bounds what a request may bring.
const maxBody = 2 << 20

// acts are the routes that do something. They want the token of control.
func acts() []route {
	return []route{
		act("held", "What is held now, and the breakpoints", func(c Control, _ context.Context, _ *struct{}) (Held, error) { return bounded(c.Held()), nil }),
		act("decide", "Decide about what is held", func(c Control, _ context.Context, d *Decision) (Done, error) { return Done{true}, c.Decide(*d) }),
		act("break", "Hold elements from now on; the answer comes when it holds in every session", func(c Control, ctx context.Context, b *Breakpoint) (Breakpoint, error) { return c.Break(ctx, *b) }),
		act("unbreak", "Take a breakpoint away", func(c Control, _ context.Context, r *removal) (Done, error) { return Done{c.Unbreak(r.ID)}, nil }),
		act("inject", "Say something in a session, between two elements", func(c Control, ctx context.Context, i *Injection) (Injected, error) { return c.Inject(ctx, *i) }),
		act("bend", "Do something to a session's connections", func(c Control, _ context.Context, b *Bend) (Done, error) { return Done{true}, c.Bend(*b) }),
		act("rules", "Have other rules hold from now on", func(c Control, ctx context.Context, r *Rules) (Rules, error) { return c.Rules(ctx, *r) }),
	}
}

// act is a route that is asked with JSON.
func act[In, Out any](id, summary string, do func(Control, context.Context, *In) (Out, error)) route {
	r := route{path: prefix + "/control/" + id, id: id, summary: summary, returns: reflect.TypeFor[Out](), takes: reflect.TypeFor[In](), waits: true}
	r.act = func(c Control, ctx context.Context, body io.Reader) (any, error) {
		in := new(In)
		d := json.NewDecoder(io.LimitReader(body, maxBody))
		d.DisallowUnknownFields()
		if err := d.Decode(in); err != nil && err != io.EOF {
			return nil, fmt.Errorf("what was sent cannot be read: %w: %w", err, ErrWrong)
		}
		out, err := do(c, ctx, in)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", err, ErrWrong)
		}
		return out, nil
	}
	return r
}

// serveAct does what a request asks for.
func (r *route) serveAct(w http.ResponseWriter, req *http.Request, m *Model, room chan struct{}) {
	if m.o.Control == nil || req.Context().Value(mayControl{}) == nil {
		refuseFor(w, ErrForbidden)
		return
	}
	if !enter(w, room) {
		return
	}
	defer leave(room)
	out, err := r.act(m.o.Control, req.Context(), req.Body)
	if err != nil {
		refuseFor(w, err)
		return
	}
	reply(w, http.StatusOK, out)
}

// mayControl is in the context of a request that has shown the token of control.
type mayControl struct{}

// bounded leaves out what would make an answer larger than a page.
func bounded(h Held) Held {
	room := maxPage / 4 // in JSON a < is six bytes
	h.Unheld = h.Unheld[:min(len(h.Unheld), maxLimit)]
	for i := range h.Held {
		e := &h.Held[i]
		if room -= len(e.XML) + len(e.Reason) + len(e.Name) + len(e.Space) + heldCost; room < 0 && i > 0 {
			h.More, h.Held = len(h.Held)-i, h.Held[:i]
			break
		}
	}
	return h
}

// heldCost is what a held element takes in an answer, besides what it holds.
const heldCost = 200
