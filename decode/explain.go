package decode

import (
	"fmt"
	"slices"
	"strings"

	"xmppscope/session"
)

// Session explains the events of one session, in order. It is made once for each
// session and used by one goroutine; or by two, if one calls Parse and the other
// Parsed.Explain. Between two events it holds what it knows of the session and
// nothing else: there may be thousands that are idle.
type Session struct {
	parse parsing // what Parse needs to know, and nobody else

	state State
	steps ladder
	rules Explainers
	cut   map[session.Dir]string // raw bytes continue a credential that was cut off, until this comes; nil as a rule
	lines lines                  // of a client that speaks another protocol
	known known                  // secrets that the session has shown
	turns bool                   // <proceed/> was seen, and what came of it not yet
}

// NewSession makes a Session that lets these rules speak, in this order. The book
// is shared by all sessions of a run.
func NewSession(rules []Rule, book *session.Book) *Session { return Prepare(rules).NewSession(book) }

// NewSession makes a Session that lets the rules speak. The book is shared by all
// sessions of a run.
func (p *Prepared) NewSession(book *session.Book) *Session {
	return &Session{state: State{Secrets: book, Run: new(Run)}, rules: p.Explainers()}
}

// KnowPasswords lets rules check what is computed from an account's password. The
// function is called when a login is explained; what it returns is not kept.
func (d *Session) KnowPasswords(find func(user, domain string) (password string, ok bool)) {
	d.state.Passwords = find
}

// Rebinds says that xmppscope binds logins anew where it can (--rebind).
func (d *Session) Rebinds() { d.state.Rebinds = true }

// Explain returns the event with its name, step, notes, secrets and summary. It
// does not change e, and whatever the wire held, it does not fail.
func (d *Session) Explain(seen session.Seen) session.Event {
	k := desks.Get().(*desk)
	k.one = d.Parse(session.Event{Seen: seen}, &k.trees)
	k.one.explain(k)
	e := k.one.event
	k.one = Parsed{}
	k.trees.Reset()
	desks.Put(k)
	return e
}

func (d *Session) explain(s *Seen, p *Parsed, k *desk) {
	e := s.Event
	d.begin(p)
	s.classify()
	d.pair(s)
	d.learn(s, p)
	e.Step = d.steps.place(s)
	d.remember(s)
	e.Notes = append(k.notes[:0], e.Notes...)
	for _, f := range p.faults {
		e.Notes = append(e.Notes, session.Note{Rule: f.Rule, Severity: session.Error, Text: f.Text, Ref: f.Ref, Span: f.Span})
	}
	if !e.Beside { // else nothing has happened to the session
		d.rules.ask(s, func(r *Rule, notes []session.Note) { d.add(e, r, notes) })
	}
	k.notes = e.Notes
	e.Notes = slices.Clip(append([]session.Note(nil), k.notes...))
	clear(k.notes)
	d.hideUnread(s, len(p.faults) > 0 || e.Truncated || s.Root == nil)
	d.hideKnown(s)
	e.Summary = summarise(s)
	if e.Beside {
		e.Summary = fmt.Sprintf("connection %d of the session: %s", max(e.Conn, 1), e.Summary)
	}
	e.Done = true
}

// begin learns where the recording begins.
func (d *Session) begin(p *Parsed) {
	switch b := p.event.Body.(type) {
	case session.TCPOpened:
		d.state.Captured = d.state.Captured || b.Captured
		d.state.Follows = d.state.Follows || b.Taken
	case session.RelayDoor:
		d.state.Follows = d.state.Follows || b.Target != ""
	}
	d.state.Joined, d.state.Assumed = p.joined, p.assumed
}

// pair finds the request that an iq, or a body of BOSH, answers.
func (d *Session) pair(s *Seen) {
	if r := d.state.answered(s); r != nil {
		s.Request = r
		s.Event.Answers, s.Event.RTT = r.Seq, s.Event.At.Sub(r.At)
		return
	}
	if s.Stanza() != "iq" {
		return
	}
	switch s.Root.Attr("type") {
	case "result", "error":
		s.Request, s.Misnamed = d.state.pairs.answer(s.Event.Dir, s.Root.Attr("id"), s.Root.Attr("from"))
		if r := s.Request; r != nil {
			s.Event.Answers, s.Event.RTT = r.Seq, s.Event.At.Sub(r.At)
		}
	}
}

// remember keeps a request until its answer comes.
func (d *Session) remember(s *Seen) {
	if s.Stanza() != "iq" {
		return
	}
	switch s.Root.Attr("type") {
	case "get", "set":
		r := &Request{Seq: s.Event.Seq, At: s.Event.At, Dir: s.Event.Dir, ID: Keep(s.Root.Attr("id")), To: Keep(s.Root.Attr("to"), d.state.Domain(), d.state.JID)}
		if c := s.Root.First(); c != nil {
			r.Payload = session.Name{Space: Keep(c.Name.Space), Local: Keep(c.Name.Local)}
		}
		if s.Event.Step != nil {
			r.Step = s.Event.Step.ID
		}
		d.state.pairs.ask(r)
	}
}

// learn brings the state up to date with what the event says.
func (d *Session) learn(s *Seen, p *Parsed) {
	st, e := &d.state, s.Event
	if e.Beside {
		return
	}
	switch b := e.Body.(type) {
	case session.TLSEstablished:
		st.Secure[e.Leg], st.TLS[e.Leg] = true, &b.TLSFacts
		st.features = nil
		d.turns = false
	case session.BOSHBody:
		if b.SID != "" && e.Dir == session.C2S {
			x := st.exchanges()
			x.sid = Keep(b.SID, x.sid)
		}
	case session.RelayEdited:
		st.Rebound = st.Rebound || !b.Passed && e.Dir == session.C2S
		if !b.Passed {
			d.learnOurs(e)
		}
	case session.RelaySent:
		d.learnOurs(e)
	case session.StreamOpened:
		if d.turns { // a recording of the plaintext alone: only TLS can have come between
			st.Secure[session.ServerLeg], d.turns = true, false
		}
		if s.Root != nil {
			st.Header[e.Dir] = headerOf(s.Root, st.Header[e.Dir])
		}
	case session.StreamElement:
		if p.features != nil {
			st.features = p.features
		}
		if s.Root != nil {
			st.learnElement(s)
			d.turns = d.turns || e.Dir == session.S2C && s.Root.Name.Space == NSTLS && s.Root.Name.Local == "proceed"
		}
	}
}

// learnOurs learns from what xmppscope has said in somebody's place: what a server offers is
// what the client got, and our requests have answers.
func (d *Session) learnOurs(e *session.Event) {
	scope, guessed := d.parse.scopeFor(e.Dir, text(e))
	root, _ := Parse(e.Raw, scope)
	switch {
	case root == nil:
	case root.Name.Space == NSStreams && root.Name.Local == "features" && e.Dir == session.S2C:
		d.state.features = &offer{text: strings.Clone(text(e)), scope: scope, guess: guessed}
	case root.Name.Local == "iq" && (root.Attr("type") == "get" || root.Attr("type") == "set"):
		r := &Request{Seq: e.Seq, At: e.At, Dir: e.Dir, ID: Keep(root.Attr("id")), To: Keep(root.Attr("to"))}
		if c := root.First(); c != nil {
			r.Payload = session.Name{Space: Keep(c.Name.Space), Local: Keep(c.Name.Local)}
		}
		d.state.pairs.ask(r)
	}
}

// Sent is how many stanzas of a direction have been sent since stream management counts
// them, and whether it is known.
func (d *Session) Sent(dir session.Dir) (uint32, bool) {
	if a := d.state.Acks; a != nil {
		return a.Sent[dir], a.Known(dir)
	}
	return 0, false
}

// ContentOf is the content namespace of a stream, by its header (RFC 6120 §4.8.2). In HTTP, where
// other elements stand for that, it is a client's.
func ContentOf(header *session.Element) string {
	if space := header.Name.Space; space == NSFraming || space == NSBOSH {
		return NSClient
	}
	return header.Attr("xmlns")
}

func headerOf(root *session.Element, before *Header) *Header {
	kept := func(name string) string { return Keep(root.Attr(name), "1.0") }
	h := &Header{To: kept("to"), From: kept("from"), ID: kept("id"), Version: kept("version"), Count: 1}
	for _, a := range root.Attrs {
		if a.Name.Prefix == "xml" && a.Name.Local == "lang" {
			h.Lang = Keep(a.Value, "en")
		}
	}
	h.Content = Keep(ContentOf(root), NSClient, NSServer)
	switch root.Name.Space {
	case NSFraming:
		h.Framing = WebSocket
	case NSBOSH:
		h.Framing = BOSH
		h.ID, h.Version = Keep(root.Attr("authid")), Keep(attrIn(root, NSXBOSH, "version"), "1.0")
	}
	if before != nil {
		h.Count = before.Count + 1
	}
	return h
}

func (st *State) learnElement(s *Seen) {
	root := s.Root
	if s.IsStanza() {
		st.features.shelve()
	}
	if s.Event.Dir == session.C2S {
		switch {
		case root.Name.Space == NSSASL && root.Name.Local == "auth",
			root.Name.Space == NSSASL2 && root.Name.Local == "authenticate":
			st.Mechanism, st.Rebound = Keep(root.Attr("mechanism")), false
		}
		return
	}
	switch root.Name.Space {
	case NSSASL, NSSASL2:
		switch root.Name.Local {
		case "success":
			st.Authenticated = true
			if id := root.Child("", "authorization-identifier"); id != nil && root.Child(NSBind2, "bound") != nil {
				st.JID = Keep(id.Text())
			}
		case "failure":
			st.Failures++
		}
	}
	if s.Request != nil && root.Attr("type") == "result" {
		switch s.Request.Step {
		case "bind-request":
			if b := root.Child(NSBind, "bind"); b != nil && b.Child("", "jid") != nil {
				st.JID = Keep(b.Child("", "jid").Text())
			}
		case "iqauth-set":
			st.Authenticated = true
		}
	}
}

// add puts a rule's notes on the event.
func (d *Session) add(e *session.Event, r *Rule, notes []session.Note) {
	var secrets []session.Secret
	for i := range notes {
		n := &notes[i]
		e.Notes = append(e.Notes, r.sign(*n))
		if n.Secret == "" {
			continue
		}
		mark := d.state.Secrets.Mark(n.Secret, n.Value)
		e.Notes[len(e.Notes)-1].Mark = mark
		if n.Span.Len() > 0 {
			secrets = append(secrets, session.Secret{Kind: n.Secret, Span: n.Span, Mark: mark})
		}
	}
	if len(secrets) > 0 {
		e.AddSecrets(secrets...)
	}
}
