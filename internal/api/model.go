// Package api lets programs look at what xmppscope has seen: over HTTP (Server), described
// by an OpenAPI document, and as tools of the Model Context Protocol (Assistant).
//
// Both stand on a Model, which reads a session.Log when it is asked and never otherwise,
// and hands out nothing but what may be shown: secrets are blanked unless they were to be
// revealed. What reaches the wire goes by a Control, which there is where that was allowed.
package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"xmppscope/capture"
	"xmppscope/decode/compare"
	"xmppscope/decode/tale"
	"xmppscope/session"
)

// Options say what a Model shows.
type Options struct {
	// Control is the way back to the wire; nil: nothing can be changed.
	Control Control
	// Remote lets an assistant take hold of what passes in a running xmppscope; nil does not.
	Remote *Remote
	Log    *session.Log
	Tool   string // "xmppscope 0.1.0"
	Title  string // what is looked at: "a running proxy", "login.pcapng"
	// Sources says what is looked at in lines, with the numbers of its sessions; may be nil.
	Sources func() []string
	Live    bool // sessions come in while it runs
	Reveal  bool // secrets in the clear
	Pretty  session.Pretty
	// CompileFilter makes filters of expressions; nil is session.CompileFilter.
	CompileFilter func(expr string) (func(*session.Event) bool, error)
	Look          func(session int) // says which session is looked at, so that it is explained first; may be nil
}

// Model is what is known of a Log's sessions. It may be used by several goroutines.
type Model struct {
	o Options

	mu       sync.Mutex
	applied  int // how many events of the Log the sessions know of
	sessions map[int]*conversation
	order    []*conversation // as they began
}

// conversation is one session.
type conversation struct {
	tale.Tale
	begin, end int    // indexes in the Log of its first event, and behind its last
	verdict    uint64 // Seq of the event that bears the newest verdict
}

// NewModel makes a model of a log.
func NewModel(o Options) *Model {
	if o.CompileFilter == nil {
		o.CompileFilter = session.CompileFilter
	}
	return &Model{o: o, sessions: map[int]*conversation{}}
}

// Errors of what was asked for.
var (
	// ErrNone is wrapped where there is nothing of that name or number.
	ErrNone = errors.New("nothing was found")
	// ErrWrong is wrapped where what was asked for cannot be understood.
	ErrWrong = errors.New("it cannot be understood")
	// ErrSecret is wrapped where only secrets were asked for, which are not revealed.
	ErrSecret = errors.New("it would be secrets alone")
)

// catchUp reads what the Log has and the sessions do not know yet. The caller holds mu.
func (m *Model) catchUp(ctx context.Context) error {
	for ctx.Err() == nil {
		events, next := m.o.Log.Read(m.applied)
		if len(events) == 0 {
			return nil
		}
		for i := range events {
			if e := &events[i]; e.Session > 0 {
				m.apply(m.applied+i, e)
			}
		}
		m.applied = next
	}
	return ctx.Err()
}

func (m *Model) apply(index int, e *session.Event) {
	c := m.sessions[e.Session]
	if c == nil {
		c = &conversation{begin: index}
		c.ID = e.Session
		m.sessions[e.Session] = c
		m.order = append(m.order, c)
	}
	c.end = index + 1
	c.Add(e)
	for i := range e.Notes {
		if n := &e.Notes[i]; n.Rule == session.RuleVerdict && n.Name == session.FieldVerdict {
			c.verdict = e.Seq
		}
	}
}

// with calls do with a session as it is now; do must not keep it. Number 0 is the newest.
func (m *Model) with(ctx context.Context, id int, do func(*conversation)) error {
	if m.o.Look != nil && id > 0 {
		m.o.Look(id)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.catchUp(ctx); err != nil {
		return err
	}
	c := m.sessions[id]
	if id == 0 && len(m.order) > 0 {
		c = m.order[len(m.order)-1]
	}
	if c == nil {
		return fmt.Errorf("%w: there is no session %d, there are %d", ErrNone, id, len(m.order))
	}
	do(c)
	return nil
}

// Status is what is looked at, and how much of it there is.
type Status struct {
	Tool     string   `json:"tool" jsonschema:"who answers, and its version"`
	Title    string   `json:"title" jsonschema:"what is looked at"`
	Sources  []string `json:"sources" jsonschema:"what is looked at, a line each, as far as it is made of several"`
	Live     bool     `json:"live" jsonschema:"sessions come in while it runs"`
	Ended    bool     `json:"ended" jsonschema:"nothing more will come"`
	Revealed bool     `json:"revealed" jsonschema:"secrets are in the clear"`
	Sessions int      `json:"sessions" jsonschema:"how many there are so far"`
	Events   int      `json:"events" jsonschema:"how many there are so far, of all sessions"`
}

// Status says what is looked at.
func (m *Model) Status(ctx context.Context) (Status, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	err := m.catchUp(ctx)
	sources := []string{}
	if m.o.Sources != nil {
		sources = append(sources, m.o.Sources()...)
	}
	return Status{m.o.Tool, m.o.Title, sources, m.o.Live, m.o.Log.Ended(), m.o.Reveal, len(m.order), m.applied}, err
}

// Session is a session in short.
type Session struct {
	ID        int       `json:"id" jsonschema:"its number, from 1 on"`
	State     string    `json:"state" jsonschema:"connecting, logging in, logged in, failed or encrypted"`
	Outcome   string    `json:"outcome" jsonschema:"how the login stands, in a few words"`
	Who       string    `json:"who,omitempty" jsonschema:"the account, as far as it is known"`
	Domain    string    `json:"domain,omitempty"`
	Client    string    `json:"client,omitempty" jsonschema:"the client's address"`
	Server    string    `json:"server,omitempty" jsonschema:"the server's address"`
	Mechanism string    `json:"mechanism,omitempty" jsonschema:"the SASL mechanism"`
	Began     time.Time `json:"began"`
	Last      time.Time `json:"last" jsonschema:"when its newest event was"`
	Ended     bool      `json:"ended" jsonschema:"the client's connection is gone"`
	Worst     string    `json:"worst" jsonschema:"the highest severity of its findings"`
	Events    int       `json:"events"`
	Stanzas   int       `json:"stanzas"`
	Trips     int       `json:"round_trips" jsonschema:"of the login"`
}

func (c *conversation) session() Session {
	return Session{
		ID: c.ID, State: c.State.String(), Outcome: session.SafeLine(c.Outcome()), Who: session.SafeLine(c.Who()), Domain: session.SafeLine(c.Domain),
		Client: c.Client, Server: c.Server, Mechanism: session.SafeLine(c.Mechanism), Began: c.Began, Last: c.Last, Ended: c.Ended,
		Worst: c.Worst.String(), Events: c.Events, Stanzas: c.Stanzas, Trips: c.Trips,
	}
}

// Sessions is a part of the list of sessions.
type Sessions struct {
	Sessions []Session `json:"sessions" jsonschema:"in the order in which they began"`
	Total    int       `json:"total" jsonschema:"how many there are that were asked for"`
}

// Sessions lists the sessions in a state ("" for any), at most limit from the one at offset
// on. If newest is set the list begins with the newest one.
func (m *Model) Sessions(ctx context.Context, state string, newest bool, offset, limit int) (Sessions, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := Sessions{Sessions: []Session{}}
	if err := m.catchUp(ctx); err != nil {
		return out, err
	}
	for i := range m.order {
		c := m.order[i]
		if newest {
			c = m.order[len(m.order)-1-i]
		}
		if state != "" && c.State.String() != state {
			continue
		}
		if out.Total >= offset && len(out.Sessions) < limit {
			out.Sessions = append(out.Sessions, c.session())
		}
		out.Total++
	}
	return out, nil
}

// Session is one session in short.
func (m *Model) Session(ctx context.Context, id int) (out Session, err error) {
	err = m.with(ctx, id, func(c *conversation) { out = c.session() })
	return out, err
}

// Verdict is the judgement on a login.
type Verdict struct {
	Session int    `json:"session"`
	State   string `json:"state"`
	Outcome string `json:"outcome"`
	Verdict string `json:"verdict,omitempty" jsonschema:"what happened, in a sentence; absent as long as nothing is decided"`
	Advice  string `json:"advice,omitempty" jsonschema:"what to do next"`
	Seq     uint64 `json:"seq,omitempty" jsonschema:"of the event that the verdict stands on"`
}

// Verdict is the judgement on a session's login.
func (m *Model) Verdict(ctx context.Context, id int) (out Verdict, err error) {
	err = m.with(ctx, id, func(c *conversation) {
		out = Verdict{c.ID, c.State.String(), session.SafeLine(c.Outcome()), session.SafeLine(c.Overview.Verdict), session.SafeLine(c.Advice), c.verdict}
	})
	return out, err
}

// Story is how a login went.
type Story struct {
	Session
	Text     string    `json:"text" jsonschema:"the whole story in ten lines, as one could send it to a colleague"`
	Verdict  string    `json:"verdict,omitempty"`
	Advice   string    `json:"advice,omitempty" jsonschema:"what to do next"`
	Attempts []Attempt `json:"attempts" jsonschema:"to authenticate"`
	Cause    *Refusal  `json:"cause,omitempty" jsonschema:"the first error that nothing good came after"`
	Then     []Refusal `json:"then" jsonschema:"errors that followed from it"`
	Phases   []Phase   `json:"phases" jsonschema:"how long each stretch of the login took"`
}

// Attempt is one try to authenticate.
type Attempt struct {
	Mechanism string   `json:"mechanism,omitempty"`
	Seq       uint64   `json:"seq"`
	Accepted  bool     `json:"accepted"`
	Refusal   *Refusal `json:"refusal,omitempty"`
}

// Refusal is how something was refused.
type Refusal struct {
	Kind      string `json:"kind,omitempty" jsonschema:"of the step, such as sasl-failure"`
	Condition string `json:"condition,omitempty"`
	By        string `json:"by" jsonschema:"client, server or xmppscope"`
	Text      string `json:"text,omitempty" jsonschema:"the refuser's own words"`
	Seq       uint64 `json:"seq"`
	Step      int    `json:"step,omitempty" jsonschema:"the number of the step"`
}

// Phase is a stretch of a login.
type Phase struct {
	Name string  `json:"name"`
	MS   float64 `json:"ms" jsonschema:"milliseconds"`
}

func refusalOf(r *session.Refusal) *Refusal {
	if r == nil {
		return nil
	}
	return &Refusal{r.Kind, session.SafeLine(r.Condition), r.By, session.SafeLine(r.Text), r.Seq, r.N}
}

// Story is how a session's login went; number 0 is the newest session.
func (m *Model) Story(ctx context.Context, id int) (out Story, err error) {
	err = m.with(ctx, id, func(c *conversation) { out = c.story() })
	return out, err
}

// LastFailure is the story of the newest login that failed.
func (m *Model) LastFailure(ctx context.Context) (out Story, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.catchUp(ctx); err != nil {
		return out, err
	}
	for i := len(m.order) - 1; i >= 0; i-- {
		if c := m.order[i]; c.State == session.Failed {
			return c.story(), nil
		}
	}
	return out, fmt.Errorf("%w: no login has failed, of %s", ErrNone, session.Plural(len(m.order), "session"))
}

func (c *conversation) story() Story {
	var text strings.Builder
	c.Write(&text)
	out := Story{Session: c.session(), Text: text.String(), Verdict: session.SafeLine(c.Overview.Verdict), Advice: session.SafeLine(c.Advice), Cause: refusalOf(c.Cause), Attempts: []Attempt{}, Then: []Refusal{}, Phases: []Phase{}}
	for i := range c.Attempts {
		a := &c.Attempts[i]
		out.Attempts = append(out.Attempts, Attempt{session.SafeLine(a.Mechanism), a.Seq, a.Accepted, refusalOf(a.Refusal)})
	}
	for i := range c.Then {
		out.Then = append(out.Then, *refusalOf(&c.Then[i]))
	}
	for _, p := range c.Phases() {
		out.Phases = append(out.Phases, Phase{p.Name, float64(p.Took) / float64(time.Millisecond)})
	}
	return out
}

// Findings is what was found wrong in a session.
type Findings struct {
	Findings []tale.Finding `json:"findings" jsonschema:"in the order in which they were found"`
	More     int            `json:"more" jsonschema:"how many there are beyond the limit"`
}

// Findings are those of a session, at most limit; of severity info only if all is set.
func (m *Model) Findings(ctx context.Context, id int, all bool, limit int) (Findings, error) {
	out := Findings{Findings: []tale.Finding{}}
	if err := m.with(ctx, id, func(c *conversation) { id = c.ID }); err != nil { // 0 is the newest
		return out, err
	}
	err := m.each(ctx, id, func(e *session.Event) error {
		e = m.shown(e)
		for i := range e.Notes {
			n := &e.Notes[i]
			if n.Rule == session.RuleVerdict || n.Severity == session.Info && !all {
				continue
			}
			if len(out.Findings) == limit {
				out.More++
				continue
			}
			out.Findings = append(out.Findings, tale.FindingOf(e, n))
		}
		return nil
	})
	return out, err
}

// each calls do with the events of a session so far, or of all if the number is 0, in order.
func (m *Model) each(ctx context.Context, id int, do func(*session.Event) error) error {
	at, end := 0, m.o.Log.Len()
	if id > 0 {
		if err := m.with(ctx, id, func(c *conversation) { at, end = c.begin, c.end }); err != nil {
			return err
		}
	}
	for at < end && ctx.Err() == nil {
		events, next := m.o.Log.Read(at)
		if len(events) == 0 {
			break
		}
		for i := range events {
			e := &events[i]
			if at+i >= end || id > 0 && e.Session != id {
				continue
			}
			if err := do(e); err != nil {
				return err
			}
		}
		at = next
	}
	return ctx.Err()
}

// shown is an event as it may be shown.
func (m *Model) shown(e *session.Event) *session.Event {
	shown := session.Shown(e, m.o.Reveal)
	return &shown
}

// Wanted says which events are asked for. The zero value is all.
type Wanted struct {
	Session int    // 0: of all
	Filter  string // an expression, see session.FilterHelp
	Search  string // a text
}

func (m *Model) matcher(w Wanted) (func(*session.Event) bool, error) {
	var filter, search func(*session.Event) bool
	if w.Filter != "" {
		var err error
		if filter, err = m.o.CompileFilter(w.Filter); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrWrong, err)
		}
	}
	if w.Search != "" {
		search = session.NewSearch(w.Search, m.o.Reveal).In
	}
	return func(e *session.Event) bool {
		return session.Numbered(e.Body) && (w.Session == 0 || e.Session == w.Session) &&
			(filter == nil || filter(e)) && (search == nil || search(e))
	}, nil
}

// Events calls do with the events that are wanted, as JSON objects without a line feed,
// from an index on; each line is good until do returns. It ends where do says so, and
// returns the index to go on from. It waits for events to come if follow is set. Between
// batches of events it calls idle, which may be nil.
func (m *Model) Events(ctx context.Context, w Wanted, from int, follow bool, do func(line []byte) (more bool), idle func()) (next int, err error) {
	match, err := m.matcher(w)
	if err != nil {
		return from, err
	}
	if m.o.Look != nil && w.Session > 0 {
		m.o.Look(w.Session)
	}
	var line []byte
	for at := max(from, 0); ctx.Err() == nil; {
		events, next := m.o.Log.Read(at)
		if len(events) == 0 {
			if idle != nil {
				idle()
			}
			if !follow {
				return at, nil
			}
			if events, next = m.o.Log.Since(ctx, at); len(events) == 0 {
				return at, ctx.Err()
			}
		}
		for i := range events {
			if !match(&events[i]) {
				continue
			}
			if line, err = session.AppendJSON(line[:0], *m.shown(&events[i])); err != nil {
				return at, err
			}
			if !do(line) {
				return min(at+i+1, next), nil
			}
		}
		at = next
	}
	return from, ctx.Err()
}

// maxCompared bounds the events of a session that are compared: a login lies at its
// beginning.
const maxCompared = 20_000

var errEnough = errors.New("that is enough")

// Diff compares two sessions.
func (m *Model) Diff(ctx context.Context, a, b int) (compare.Result, error) {
	var of [2][]session.Event
	for i, id := range []int{a, b} {
		if id < 1 {
			return compare.Result{}, fmt.Errorf("a session has a number from 1 on, not %d: %w", id, ErrWrong)
		}
		err := m.each(ctx, id, func(e *session.Event) error {
			if of[i] = append(of[i], *e); len(of[i]) == maxCompared {
				return errEnough
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			return compare.Result{}, err
		}
	}
	r := compare.Sessions(of[0], of[1], compare.Options{})
	return r, nil
}

// Format finds the format of captures with this extension.
func (m *Model) Format(ext string) (capture.Format, error) {
	format, err := capture.ForPath("." + strings.TrimPrefix(ext, "."))
	switch {
	case err != nil:
		return format, fmt.Errorf("%w: %w", ErrWrong, err)
	case format.Ext == ".keylog" && !m.o.Reveal:
		return format, fmt.Errorf("a key log holds keys and nothing else: %w", ErrSecret)
	}
	return format, nil
}

// Capture writes a session, or all if the number is 0, as a capture. Without Reveal its
// secrets are blanked in every format.
func (m *Model) Capture(ctx context.Context, id int, format capture.Format, to io.Writer) error {
	w, err := format.New(to, capture.Options{
		Tool: m.o.Tool, Created: time.Now(), Reveal: m.o.Reveal, Redact: !m.o.Reveal, Packets: true, Pretty: m.o.Pretty,
	})
	if err != nil {
		return err
	}
	err = m.each(ctx, id, func(e *session.Event) error {
		if !format.Holds(e.Body, !m.o.Reveal) {
			return nil
		}
		return w.Write(*e)
	})
	if c, ok := w.(capture.Closer); ok && err == nil {
		err = c.Close()
	}
	return err
}
