package decode

import (
	"fmt"
	"slices"
	"time"

	"xmppscope/session"
)

// Session explains the events of one session, in order. It is made once for each
// session and used by one goroutine.
type Session struct {
	state State
	scope [3]Scope // by direction: what the newest stream header declares
	pairs pairs
	steps ladder
	rules []running
	trees forest
	seen  Seen           // of the event that is explained
	event session.Event  // that event
	notes []session.Note // room for its notes, used again for the next
	cut   [3]string      // by direction: raw bytes continue a credential that was cut off, until this comes
	begun bool           // the beginning was seen: a connection, or a stream header
	turns bool           // <proceed/> was seen, and what came of it not yet
}

type running struct {
	rule Rule
	exp  Explainer
}

// NewSession makes a Session that lets these rules speak, in this order. The book
// is shared by all sessions of a run.
func NewSession(rules []Rule, book *session.Book) *Session {
	d := &Session{state: State{Secrets: book, Run: new(Run)}}
	for _, r := range rules {
		d.rules = append(d.rules, running{r, r.New()})
	}
	return d
}

// KnowPasswords lets rules check what is computed from an account's password. The
// function is called when a login is explained; what it returns is not kept.
func (d *Session) KnowPasswords(find func(user, domain string) (password string, ok bool)) {
	d.state.Passwords = find
}

// Explain returns the event with its name, step, notes, secrets and summary. It
// does not change e, and whatever the wire held, it does not fail.
func (d *Session) Explain(e session.Event) session.Event {
	if !session.Numbered(e.Body) {
		return e
	}
	d.event, d.seen = e, Seen{Event: &d.event, State: &d.state}
	d.explain(&d.seen)
	return d.event
}

func (d *Session) explain(s *Seen) {
	e := s.Event
	d.begin(e)
	faults := d.parse(s)
	s.classify()
	d.pair(s)
	d.learn(s)
	e.Step = d.steps.place(s)
	d.remember(s)
	before := e.Notes
	e.Notes = append(d.notes[:0], before...)
	for _, f := range faults {
		e.Notes = append(e.Notes, session.Note{Rule: f.Rule, Severity: session.Error, Text: f.Text, Ref: f.Ref, Span: f.Span})
	}
	for next := 0; next < len(d.rules); {
		next = d.run(s, next)
	}
	d.notes = e.Notes
	if e.Notes = before; len(d.notes) > len(before) {
		e.Notes = append(make([]session.Note, 0, len(d.notes)), d.notes...)
	}
	d.hideUnread(s, len(faults) > 0 || e.Truncated || s.Root == nil)
	e.Summary = summarise(s)
}

// begin notices whether the recording has the beginning of the session.
func (d *Session) begin(e *session.Event) {
	switch b := e.Body.(type) {
	case session.TCPOpened:
		d.begun = !b.Joined
		d.state.Captured = d.state.Captured || b.Captured
	case session.TLSEstablished, session.StreamOpened:
		d.begun = true
	case session.StreamElement, session.StreamClosed:
		d.state.Joined = d.state.Joined || !d.begun
		d.begun = true
	}
}

// usual are the prefixes of a header that was sent before the recording began.
var usual = append(baseScope[:len(baseScope):len(baseScope)], binding{"stream", NSStreams}, binding{"db", NSDialback})

// scopeFor is what the newest header of a direction declares.
func (d *Session) scopeFor(dir session.Dir) Scope {
	if d.state.Joined && d.scope[dir] == nil {
		return usual
	}
	return d.scope[dir]
}

// parse names the event and builds its tree.
func (d *Session) parse(s *Seen) []Fault {
	e := s.Event
	var faults []Fault
	switch e.Body.(type) {
	case session.StreamOpened:
		s.Root, faults = d.trees.parseTag(string(e.Raw), nil)
		d.scope[e.Dir] = ScopeOf(e.Raw)
		e.Name = "stream"
	case session.StreamElement:
		s.Root, faults = d.trees.parse(string(e.Raw), d.scopeFor(e.Dir))
		if d.state.Joined && d.scope[e.Dir] == nil {
			faults = slices.DeleteFunc(faults, func(f Fault) bool { return f.Rule == "X06" }) // declared before we listened
		}
		if e.Truncated && len(faults) > 0 {
			faults = faults[:len(faults)-1] // that it ends too soon is our doing
		}
	case session.StreamClosed:
		e.Name, e.Space = "stream", NSStreams
	case session.StreamRaw:
		if len(e.Raw) > 2 && e.Raw[0] == '<' && (e.Raw[1] == '!' || e.Raw[1] == '?') {
			p := d.trees.parser(string(e.Raw), nil)
			p.markup()
			faults = p.faults
		}
	}
	if s.Root != nil {
		e.Name, e.Space = s.Root.Name.Local, s.Root.Name.Space
	}
	return faults
}

// pair finds the request that an iq answers.
func (d *Session) pair(s *Seen) {
	if !s.IsStanza() || s.Root.Name.Local != "iq" {
		return
	}
	switch s.Root.Attr("type") {
	case "result", "error":
		if r := d.pairs.answered(s.Event.Dir, s.Root.Attr("id"), s.Root.Attr("from")); r != nil {
			s.Request = r
			s.Event.Answers, s.Event.RTT = r.Seq, s.Event.At.Sub(r.At)
		}
	}
}

// remember keeps a request until its answer comes.
func (d *Session) remember(s *Seen) {
	if !s.IsStanza() || s.Root.Name.Local != "iq" {
		return
	}
	switch s.Root.Attr("type") {
	case "get", "set":
		r := &Request{Seq: s.Event.Seq, At: s.Event.At, Dir: s.Event.Dir, To: s.Root.Attr("to")}
		if c := s.Root.First(); c != nil {
			r.Payload = c.Name
		}
		if s.Event.Step != nil {
			r.Step = s.Event.Step.ID
		}
		d.pairs.asked(s.Root.Attr("id"), r)
	}
}

// learn brings the state up to date with what the event says.
func (d *Session) learn(s *Seen) {
	st, e := &d.state, s.Event
	switch b := e.Body.(type) {
	case session.TLSEstablished:
		st.Secure[e.Leg], st.TLS[e.Leg] = true, &b.TLSFacts
		st.Features = nil
		d.turns = false
	case session.StreamOpened:
		if d.turns { // a recording of the plaintext alone: only TLS can have come between
			st.Secure[session.ServerLeg], d.turns = true, false
		}
		if s.Root != nil {
			st.Header[e.Dir] = headerOf(s.Root, st.Header[e.Dir])
		}
	case session.StreamElement:
		if s.Root != nil {
			st.learnElement(s)
			d.turns = d.turns || e.Dir == session.S2C && s.Root.Name.Space == NSTLS && s.Root.Name.Local == "proceed"
		}
	}
}

func headerOf(root *session.Element, before *Header) *Header {
	h := &Header{To: root.Attr("to"), From: root.Attr("from"), ID: root.Attr("id"), Version: root.Attr("version"), Count: 1}
	for _, a := range root.Attrs {
		switch {
		case a.Name.Prefix == "xml" && a.Name.Local == "lang":
			h.Lang = a.Value
		case a.Name.Prefix == "" && a.Name.Local == "xmlns":
			h.Content = a.Value
		}
	}
	if before != nil {
		h.Count = before.Count + 1
	}
	return h
}

func (st *State) learnElement(s *Seen) {
	root := s.Root
	if s.Event.Dir == session.C2S {
		switch {
		case root.Name.Space == NSSASL && root.Name.Local == "auth",
			root.Name.Space == NSSASL2 && root.Name.Local == "authenticate":
			st.Mechanism = root.Attr("mechanism")
		}
		return
	}
	switch root.Name.Space {
	case NSStreams:
		if root.Name.Local == "features" {
			st.Features = root
		}
	case NSSASL, NSSASL2:
		switch root.Name.Local {
		case "success":
			st.Authenticated = true
			if id := root.Child("", "authorization-identifier"); id != nil && root.Child(NSBind2, "bound") != nil {
				st.JID = id.Text()
			}
		case "failure":
			st.Failures++
		}
	}
	if s.Request != nil && root.Attr("type") == "result" {
		switch s.Request.Step {
		case "bind-request":
			if b := root.Child(NSBind, "bind"); b != nil && b.Child("", "jid") != nil {
				st.JID = b.Child("", "jid").Text()
			}
		case "iqauth-set":
			st.Authenticated = true
		}
	}
}

// run lets the rules speak, from one on, and returns the one to go on with. A rule
// that panics is reported where it did, and the next one goes on.
func (d *Session) run(s *Seen, from int) (next int) {
	next = from
	defer func() {
		if v := recover(); v != nil {
			s.Event.Notes = append(s.Event.Notes, session.Note{Rule: d.rules[next].rule.ID, Severity: session.Warning,
				Text: fmt.Sprintf("this rule failed here, which is a fault of xmppscope: %v", v)})
			next++
		}
	}()
	for ; next < len(d.rules); next++ {
		if r := &d.rules[next]; r.rule.Match == nil || r.rule.Match(s) {
			d.add(s.Event, &r.rule, r.exp.Explain(s))
		}
	}
	return next
}

// add puts a rule's notes on the event.
func (d *Session) add(e *session.Event, r *Rule, notes []session.Note) {
	for i := range notes {
		n := &notes[i]
		e.Notes = append(e.Notes, *n)
		out := &e.Notes[len(e.Notes)-1]
		if n.Rule == "" {
			out.Rule = r.ID
		}
		if n.Ref == "" {
			out.Ref = r.Ref
		}
		if n.Secret != "" {
			out.Mark = d.state.Secrets.Mark(n.Secret, n.Value)
			if n.Span.Len() > 0 {
				e.AddSecrets(session.Secret{Kind: n.Secret, Span: n.Span, Mark: out.Mark})
			}
		}
	}
}

// Since is how long ago a request was sent, as seen from its answer, rounded for
// a person.
func Since(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return d.Round(time.Microsecond).String()
	case d < time.Second:
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(time.Millisecond).String()
}
