package expect

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"xmppscope/decode/facts"
	"xmppscope/session"
)

// Scope says which sessions an expectation is about.
type Scope struct {
	which string // "", "all", "any", "first" or "last"
	id    int    // or this one
}

const scopeHelp = `"logins" (each session that has a step of a login), "any" (one of them), "first", "last", "all" or a number`

// mostSessions is the key of the one assertion that is about no single session.
const mostSessions = "sessions_at_most"

func scopeOf(value any) (Scope, bool) {
	switch v := value.(type) {
	case int64:
		return Scope{id: int(v)}, v > 0 && v < 1e9
	case string:
		switch v {
		case "logins":
			return Scope{}, true
		case "all", "any", "first", "last":
			return Scope{which: v}, true
		}
	}
	return Scope{}, false
}

// Status is what became of an assertion.
type Status uint8

// The statuses.
const (
	Fails Status = iota
	Holds
	Unknown // the recording cannot tell: a failure
	Skipped // the recording cannot tell, and the expectation is optional
)

var statusNames = [...]string{Fails: "fails", Holds: "holds", Unknown: "unknown", Skipped: "skipped"}

// String is the status as it stands in JSON.
func (s Status) String() string { return statusNames[s] }

// MarshalText makes a Status its name in JSON.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Result is one assertion, held against one session. Its texts may be printed:
// what came from the wire has been made safe.
type Result struct {
	Expectation string `json:"expectation,omitempty"` // its name
	Session     int    `json:"session,omitempty"`     // 0 if no session is what it speaks of
	Assertion   string `json:"assertion"`             // its key: "bound_within"
	Status      Status `json:"status"`
	Want        string `json:"want"`
	Got         string `json:"got"`
	Seq         uint64 `json:"seq,omitempty"`  // the event that it is about
	Step        string `json:"step,omitempty"` // id of its rung
	N           int    `json:"n,omitempty"`

	foreseen []uint64 // events of the failure that it speaks of
}

// Report is what became of all expectations, in the order of the file and then of
// the sessions.
type Report struct {
	Results []Result
	Started time.Time // when the first session began
}

// OK says whether every assertion holds, or was skipped.
func (r *Report) OK() bool {
	return !slices.ContainsFunc(r.Results, func(x Result) bool { return x.Status == Fails || x.Status == Unknown })
}

// Foreseen says whether a finding is about a failure that was expected: an
// assertion on the outcome holds, and speaks of this event.
func (r *Report) Foreseen(session int, seq uint64) bool {
	return slices.ContainsFunc(r.Results, func(x Result) bool {
		return x.Status == Holds && x.Session == session && slices.Contains(x.foreseen, seq)
	})
}

// Judge sees the events of all sessions, and gathers what the expectations ask
// for.
type Judge struct {
	file     *File
	ignored  []string
	sessions []*trial
	byID     map[int]*trial
	started  time.Time
}

// trial is one session.
type trial struct {
	id    int
	facts facts.Gatherer
	hits  map[*matcher]*hit
}

type hit struct {
	first session.Event
	n     int
}

// NewJudge begins to hold events against a file. Findings of the ignored rules do
// not count, whatever the file says.
func NewJudge(f *File, ignored []string) *Judge {
	return &Judge{file: f, ignored: ignored, byID: map[int]*trial{}}
}

// Add takes the next event, of any session.
func (j *Judge) Add(e *session.Event) {
	if !session.Numbered(e.Body) {
		return
	}
	if j.started.IsZero() {
		j.started = e.At
	}
	t := j.trial(e.Session)
	t.facts.Add(e)
	for i := range j.file.Expectations {
		for _, a := range j.file.Expectations[i].assertions {
			if a.match != nil && a.match.test(e) {
				t.hit(a.match, e)
			}
		}
	}
}

// trial finds a session, or begins it.
func (j *Judge) trial(id int) *trial {
	t := j.byID[id]
	if t == nil {
		t = &trial{id: id, hits: map[*matcher]*hit{}}
		j.byID[id] = t
		j.sessions = append(j.sessions, t)
	}
	return t
}

func (t *trial) hit(m *matcher, e *session.Event) {
	h := t.hits[m]
	if h == nil {
		h = &hit{first: session.Event{Seen: session.Seen{Seq: e.Seq, Body: e.Body}, Said: session.Said{Step: e.Step, Summary: e.Summary}}}
		t.hits[m] = h
	}
	h.n++
}

// Report judges what has been seen.
func (j *Judge) Report() Report {
	slices.SortStableFunc(j.sessions, func(a, b *trial) int { return cmp.Compare(a.id, b.id) })
	r := Report{Started: j.started}
	for i := range j.file.Expectations {
		r.Results = append(r.Results, j.hold(&j.file.Expectations[i])...)
	}
	return r
}

// hold holds the sessions that an expectation is about against it.
func (j *Judge) hold(x *Expectation) (out []Result) {
	chosen := j.choose(x.Sessions)
	if x.most != nil {
		out = append(out, counted(x, chosen))
	}
	ignored := slices.Concat(x.ignored, j.ignored)
	if x.Sessions.which == "any" && len(chosen) > 0 {
		return append(out, best(x, chosen, ignored)...)
	}
	for _, t := range chosen {
		out = append(out, t.judge(x, ignored)...)
	}
	if len(chosen) == 0 {
		out = append(out, absent(x)...)
	}
	return out
}

// counted judges how many sessions there are.
func counted(x *Expectation, chosen []*trial) Result {
	r := Result{Expectation: session.SafeLine(x.Name), Assertion: mostSessions, Status: Holds, Want: itoa(*x.most), Got: itoa(len(chosen))}
	if len(chosen) > *x.most {
		r.Status = Fails
	}
	return r
}

// best are the results of the session that meets most of an expectation.
func best(x *Expectation, chosen []*trial, ignored []string) (out []Result) {
	least := -1
	for _, t := range chosen {
		results, bad := t.judge(x, ignored), 0
		for i := range results {
			if results[i].Status == Fails || results[i].Status == Unknown {
				bad++
			}
		}
		if least < 0 || bad < least {
			out, least = results, bad
		}
	}
	return out
}

// choose gives the sessions that an expectation is about. One that only knocked at
// the door, as a port scan does, is no login.
func (j *Judge) choose(s Scope) (out []*trial) {
	for _, t := range j.sessions {
		l := t.facts.Login()
		isLogin := len(l.Rungs) > 0 || l.Cause != nil && l.Cause.Condition != "closed"
		if s.id == t.id || s.which == "all" || s.id == 0 && isLogin {
			out = append(out, t)
		}
	}
	if n := len(out); n > 0 {
		switch s.which {
		case "first":
			return out[:1]
		case "last":
			return out[n-1:]
		}
	}
	return out
}

// absent is the result where there is no session to judge.
func absent(x *Expectation) (out []Result) {
	for _, a := range x.assertions {
		r := Result{Expectation: x.Name, Assertion: a.key, Want: session.SafeLine(a.want), Status: Unknown, Got: x.Sessions.missing()}
		if x.Optional {
			r.Status = Skipped
		}
		out = append(out, r)
	}
	return out
}

// missing says that there is no session of this scope.
func (s Scope) missing() string {
	if s.id > 0 {
		return fmt.Sprintf("there is no session %d", s.id)
	}
	return "there is no session to judge"
}

func (t *trial) judge(x *Expectation, ignored []string) (out []Result) {
	login := t.facts.Login()
	for _, a := range x.assertions {
		e := &evidence{Login: &login, ignored: ignored}
		if h := t.hits[a.match]; a.match != nil && h != nil {
			e.hit, e.hits = &h.first, h.n
		}
		v := a.judge(e)
		r := Result{
			Expectation: session.SafeLine(x.Name), Session: t.id, Assertion: a.key, Status: v.status,
			Want: session.SafeLine(a.want), Got: session.SafeLine(v.got), Seq: v.seq, N: v.n, foreseen: v.foreseen,
		}
		if r.Status == Unknown && x.Optional {
			r.Status = Skipped
		}
		for i := range login.Rungs {
			if login.Rungs[i].N == v.n {
				r.Step = login.Rungs[i].ID
			}
		}
		out = append(out, r)
	}
	return out
}
