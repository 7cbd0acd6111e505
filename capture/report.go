package capture

import (
	"cmp"
	"slices"
	"time"

	"xmppscope/session"
)

// Bounds of what a report keeps of one session. More is counted, not shown.
const (
	maxRungs    = 300
	maxFindings = 200
)

// report gathers what the top of a document says about one session: who, how it
// went, the ladder, how long each phase took, what was found. It grows with the
// login, not with the stanzas after it.
type report struct {
	session.Overview
	rungs    []rung
	more     int // rungs beyond maxRungs
	findings []finding
	unlisted int // findings beyond maxFindings
	legs     [3]legReport
	events   int
	news     bool // the event at hand has brought a new finding
}

// rung is a step of the ladder as a picture shows it.
type rung struct {
	session.Step
	Session int
	Seq     uint64 // of its first event
	Dir     session.Dir
	At      time.Time // of its first event
	Summary string
	Worst   session.Severity
	Failed  bool
	TLS     [3]string // version by leg, on the rung of the handshakes
}

// finding is a note that matters, and where it was first said.
type finding struct {
	Severity session.Severity
	Rule     string
	Text     string
	Ref      string
	Session  int
	Seq      uint64
	Step     *session.Step
	Count    int
}

// legReport is what is known of one connection.
type legReport struct {
	At      time.Time
	Opened  session.TCPOpened
	TLS     *session.TLSFacts
	Problem string // why TLS failed, "" if it did not
	Hint    string
	closed  bool
}

// apply brings the report up to date; secrets have been blanked if they are to be.
func (r *report) apply(e *session.Event) {
	if !session.Numbered(e.Body) {
		return
	}
	r.events++
	r.news = false
	for i := range e.Notes {
		if n := &e.Notes[i]; n.Severity >= session.Notice || n.Rule == session.RuleUser && n.Name == session.FieldNote {
			r.find(e, n)
		}
	}
	if r.more == 0 && e.Step != nil && len(r.rungs) >= maxRungs && e.Step.N > r.rungs[len(r.rungs)-1].N {
		r.more = 1
	}
	if r.more > 0 && e.Step != nil { // the overview would keep them all
		r.more = max(r.more, e.Step.N-r.rungs[len(r.rungs)-1].N)
		short := *e
		short.Step = nil
		r.Apply(&short)
	} else {
		r.Apply(e)
		r.stepped(e)
	}
	r.connected(e)
}

func (r *report) stepped(e *session.Event) {
	if e.Step == nil {
		return
	}
	if n := len(r.rungs); n == 0 || r.rungs[n-1].N < e.Step.N {
		r.rungs = append(r.rungs, rung{Step: *e.Step, Session: e.Session, Seq: e.Seq, Dir: e.Dir, At: e.At, Summary: e.Summary})
	}
	for i := len(r.rungs) - 1; i >= 0; i-- {
		g := &r.rungs[i]
		if g.N != e.Step.N {
			continue
		}
		g.Worst = max(g.Worst, e.Worst())
		if f, ok := e.Body.(session.TLSEstablished); ok {
			g.TLS[e.Leg] = f.Version
		}
		break
	}
	for i := range r.Steps {
		r.rungs[i].Failed = r.Steps[i].Failed
	}
}

func (r *report) connected(e *session.Event) {
	if e.Beside {
		return
	}
	l := &r.legs[e.Leg]
	switch b := e.Body.(type) {
	case session.TCPOpened:
		l.At, l.Opened = e.At, b
	case session.TLSEstablished:
		l.TLS = &b.TLSFacts
	case session.TLSFailed:
		l.TLS, l.Problem, l.Hint = &b.TLSFacts, b.Reason, b.Hint
	case session.TCPClosed:
		l.closed = true
	}
}

// over says that both connections are gone: little more will be said.
func (r *report) over() bool {
	client, server := &r.legs[session.ClientLeg], &r.legs[session.ServerLeg]
	return client.closed && (server.closed || server.At.IsZero())
}

// find adds a note to the findings, or counts it where it was said before. The
// verdict is shown elsewhere.
func (r *report) find(e *session.Event, n *session.Note) {
	if n.Rule == session.RuleVerdict {
		return
	}
	text := n.Text
	switch {
	case n.Rule == session.RuleUser:
		text = n.Value
	case n.Name != "":
		text = fieldText(n)
	}
	for i := range r.findings {
		if f := &r.findings[i]; f.Rule == n.Rule && f.Text == text {
			f.Count++
			return
		}
	}
	if len(r.findings) >= maxFindings {
		r.unlisted++
		return
	}
	r.news = true
	r.findings = append(r.findings, finding{n.Severity, n.Rule, text, n.Ref, e.Session, e.Seq, e.Step, 1})
}

// Kind is how bad a finding is, or that it is the note of a person.
func (f *finding) Kind() string {
	if f.Rule == session.RuleUser {
		return "note"
	}
	return f.Severity.String()
}

// fieldText is a decoded field in one sentence.
func fieldText(n *session.Note) string {
	out := n.Name + " = " + n.Value
	if n.Text != "" {
		out += ": " + n.Text
	}
	return out
}

// worstFirst gives the findings, the worst first, those alike in the order in
// which they were made.
func (r *report) worstFirst() []finding {
	out := slices.Clone(r.findings)
	slices.SortStableFunc(out, func(a, b finding) int { return cmp.Compare(b.Severity, a.Severity) })
	return out
}

// verdict is how the session went, in one sentence, whatever is known.
func (r *report) verdict() string {
	switch {
	case r.Verdict != "":
		return r.Verdict
	case r.Reason != "":
		return r.State.String() + ": " + r.Reason
	}
	return r.State.String()
}
