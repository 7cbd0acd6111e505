package decode

import (
	"fmt"
	"math/bits"
	"slices"
	"time"

	"xmppscope/session"
)

// Session explains the events of one session, in order. It is made once for each
// session and used by one goroutine; or by two, if one calls Parse and the other
// Parsed.Explain.
type Session struct {
	parse parsing // what Parse needs to know, and nobody else
	trees Trees   // of Explain
	room  Parsed  // of Explain

	state State
	pairs pairs
	steps ladder
	rules []running
	index *index
	todo  []uint64       // the rules that have yet to see the event, as index finds them
	seen  Seen           // of the event that is explained
	notes []session.Note // room for its notes, and for those of later events
	cut   [3]string      // by direction: raw bytes continue a credential that was cut off, until this comes
	lines lines          // of a client that speaks another protocol
	known known          // secrets that the session has shown
	turns bool           // <proceed/> was seen, and what came of it not yet
}

// running is a rule in a session; what is asked of each event lies close together.
type running struct {
	test func(*Seen) bool
	exp  Explainer
	rule *Rule
}

// NewSession makes a Session that lets these rules speak, in this order. The book
// is shared by all sessions of a run.
func NewSession(rules []Rule, book *session.Book) *Session {
	d := &Session{state: State{Secrets: book, Run: new(Run)}, index: newIndex(rules)}
	for i := range rules {
		d.rules = append(d.rules, running{rules[i].Match.test, rules[i].New(), &rules[i]})
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
	d.room = d.Parse(e, &d.trees)
	d.room.Explain()
	d.trees.Reset()
	return d.room.event
}

func (d *Session) explain(s *Seen, p *Parsed) {
	e := s.Event
	d.begin(p)
	s.classify()
	d.pair(s)
	d.learn(s)
	e.Step = d.steps.place(s)
	d.remember(s)
	room := d.noteRoom()
	e.Notes = append(room, e.Notes...)
	for _, f := range p.faults {
		e.Notes = append(e.Notes, session.Note{Rule: f.Rule, Severity: session.Error, Text: f.Text, Ref: f.Ref, Span: f.Span})
	}
	d.todo = d.index.find(s.keys, d.todo)
	for !d.run(s) {
	}
	switch n := len(e.Notes); {
	case n == 0:
		e.Notes = nil
	case n <= cap(room): // else append has found room elsewhere
		d.notes = d.notes[:len(d.notes)+n]
		e.Notes = slices.Clip(e.Notes)
	}
	d.hideUnread(s, len(p.faults) > 0 || e.Truncated || s.Root == nil)
	d.hideKnown(s)
	e.Summary = summarise(s)
}

// Bounds of the array that the notes of some events share.
const (
	minNotes = 16
	maxNotes = 128
)

// noteRoom is room for the notes of an event.
func (d *Session) noteRoom() []session.Note {
	if cap(d.notes)-len(d.notes) < minNotes {
		d.notes = make([]session.Note, 0, min(max(2*cap(d.notes), 2*minNotes), maxNotes))
	}
	return d.notes[len(d.notes):]
}

// begin learns where the recording begins.
func (d *Session) begin(p *Parsed) {
	if b, ok := p.event.Body.(session.TCPOpened); ok {
		d.state.Captured = d.state.Captured || b.Captured
	}
	d.state.Joined, d.state.Assumed = p.joined, p.assumed
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

// run lets the rules speak that have not seen the event yet. One that panics is
// reported where it did, and run is false: the others are to go on.
func (d *Session) run(s *Seen) (done bool) {
	var r *running
	defer func() {
		if v := recover(); v != nil {
			s.Event.Notes = append(s.Event.Notes, session.Note{Rule: r.rule.ID, Severity: session.Warning,
				Text: fmt.Sprintf("this rule failed here, which is a fault of xmppscope: %v", v)})
		}
	}()
	for w := range d.todo {
		for d.todo[w] != 0 {
			r = &d.rules[w*64+bits.TrailingZeros64(d.todo[w])]
			d.todo[w] &= d.todo[w] - 1
			if r.test == nil || r.test(s) {
				d.add(s.Event, r.rule, r.exp.Explain(s))
			}
		}
	}
	return true
}

// add puts a rule's notes on the event.
func (d *Session) add(e *session.Event, r *Rule, notes []session.Note) {
	var secrets []session.Secret
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
				secrets = append(secrets, session.Secret{Kind: n.Secret, Span: n.Span, Mark: out.Mark})
			}
		}
	}
	if len(secrets) > 0 {
		e.AddSecrets(secrets...)
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
