// Package compare sets two logins side by side: aligned by the steps of the
// ladder, with what each step settled, and one sentence on what made the
// difference. It tells plain data (Result); Render lays it out for a person.
package compare

import (
	"cmp"

	"xmppscope/decode/facts"
	"xmppscope/session"
)

// Options says what is compared beyond what can decide a login.
type Options struct {
	IDs bool // ids, nonces, salts, fingerprints, full JIDs and addresses count as differences too
	// OneRun says that both logins come from one recording, so that equal placeholders
	// stand for equal secrets.
	OneRun bool
	// A and B are what the sides are called; "A" and "B" if they are empty.
	A, B string
}

// Result is what came of a comparison. Its texts may be printed: what came from
// the wire has been made safe, and no secret is among them.
type Result struct {
	Same     bool   `json:"same"`     // nothing differs that could matter
	Sentence string `json:"sentence"` // what made the difference, or that nothing did
	A        Side   `json:"a"`
	B        Side   `json:"b"`
	Rows     []Row  `json:"steps"`
	// Other are differences that belong to no step, such as findings between stanzas.
	Other  []Difference `json:"other,omitempty"`
	Times  []Time       `json:"times,omitempty"` // never make a difference
	Beyond int          `json:"beyond,omitempty"`
	// Ignored counts the differences in ids, nonces and addresses that were not asked
	// for.
	Ignored int `json:"ignored,omitempty"`
}

// Side is one of the two logins in short.
type Side struct {
	Name      string `json:"name,omitempty"` // what the caller calls it
	Session   int    `json:"session"`
	Domain    string `json:"domain,omitempty"`
	JID       string `json:"jid,omitempty"`
	State     string `json:"state"` // "logged in", "failed", "logging in", "connecting"
	Mechanism string `json:"mechanism,omitempty"`
	Condition string `json:"condition,omitempty"` // of what ended it
	Step      string `json:"step,omitempty"`      // id of the step where it ended
	N         int    `json:"n,omitempty"`
	Verdict   string `json:"verdict,omitempty"`
	Trips     int    `json:"round_trips"`
	Events    int    `json:"events"`
}

// Mark says how a row stands to the other login.
type Mark string

// The marks of rows.
const (
	Same    Mark = "same"
	Changed Mark = "changed" // both have the step, and something in it differs
	OnlyA   Mark = "only-a"
	OnlyB   Mark = "only-b"
)

// Row is one step of either login, or of both.
type Row struct {
	Mark        Mark         `json:"mark"`
	Kind        string       `json:"kind"` // of the step, without a number: "features"
	Phase       string       `json:"phase"`
	Title       string       `json:"title"`
	A           *Place       `json:"a,omitempty"`
	B           *Place       `json:"b,omitempty"`
	About       string       `json:"about,omitempty"` // for a step that one side lacks: the mechanism or condition
	Cause       bool         `json:"cause,omitempty"` // where the login that failed came to its end
	Differences []Difference `json:"differences,omitempty"`
}

// Place is where a step stands in its session.
type Place struct {
	N   int    `json:"n"`
	ID  string `json:"id"`
	Seq uint64 `json:"seq"`
}

// Weight says how much a difference matters.
type Weight string

// The weights, in rising order.
const (
	Detail Weight = "detail" // shown when asked, and never makes two logins different
	Change Weight = "change"
	Cause  Weight = "cause" // the sentence blames it
)

// Difference is one thing that is not the same on both sides. Of a list, A and B
// hold what the other side lacks.
type Difference struct {
	What string   `json:"what"`
	A    []string `json:"a"`
	B    []string `json:"b"`
	List bool     `json:"list,omitempty"`
	// Finding says that A or B holds the sentence of a finding that the other side
	// does not have.
	Finding bool   `json:"finding,omitempty"`
	Weight  Weight `json:"weight"`
}

// Sessions compares the explained events of two sessions.
func Sessions(a, b []session.Event, o Options) Result {
	la, lb := facts.Of(a), facts.Of(b)
	return Logins(&la, &lb, o)
}

// comparison is what the parts of a comparison need to know.
type comparison struct {
	Options
	oneWire bool // both were captured on one wire, so there are no two legs
	ignored int
}

// Logins compares what was gathered of two sessions.
func Logins(a, b *facts.Login, o Options) Result {
	c := &comparison{Options: o, oneWire: a.Captured && b.Captured}
	r := Result{A: sideOf(a, o.A), B: sideOf(b, o.B), Beyond: a.Beyond + b.Beyond}
	pairs := align(a.Rungs, b.Rungs)
	for _, p := range pairs {
		r.Rows = append(r.Rows, c.rowOf(p))
	}
	downgrade(r.Rows)
	r.Other = c.elsewhere(a, b)
	r.Times = append(times(a, b), slowest(pairs)...)
	r.Ignored = c.ignored
	r.Same = len(r.changes()) == 0
	said := explain(a, b, &r)
	r.Sentence = session.SafeLine(said.text)
	r.blame(said.blamed)
	return r
}

func sideOf(l *facts.Login, name string) Side {
	s := Side{
		Name: session.SafeLine(name), Session: l.ID, Domain: session.SafeLine(l.Domain), JID: session.SafeLine(l.JID),
		State: l.State.String(), Mechanism: session.SafeLine(l.Mechanism),
		Verdict: session.SafeLine(cmp.Or(l.Verdict, l.Reason)), Trips: l.Trips, Events: l.Events,
	}
	if c := l.Cause; c != nil {
		s.Condition, s.Step, s.N = session.SafeLine(c.Condition), c.ID, c.N
	}
	return s
}

// changes are the rows and differences that count, in order.
func (r *Result) changes() (out []change) {
	for i := range r.Rows {
		row := &r.Rows[i]
		if row.Mark == OnlyA || row.Mark == OnlyB {
			out = append(out, change{at: i, row: row})
			continue
		}
		for j := range row.Differences {
			if d := &row.Differences[j]; d.Weight != Detail {
				out = append(out, change{i, row, d})
			}
		}
	}
	for i := range r.Other {
		if d := &r.Other[i]; d.Weight != Detail {
			out = append(out, change{0, nil, d})
		}
	}
	return out
}

// change is a difference with its row; without a difference, the row is one that
// a side lacks.
type change struct {
	at   int // of the row
	row  *Row
	diff *Difference
}

// blame marks the first difference that the sentence speaks of.
func (r *Result) blame(what []string) {
	for _, name := range what {
		for _, c := range r.changes() {
			if c.diff != nil && plainName(c.diff.What) == name {
				c.diff.Weight = Cause
				return
			}
		}
	}
	r.blameEnd()
}

// blameEnd marks the step at which the one login ended that failed.
func (r *Result) blameEnd() {
	inA, inB := r.A.State == session.LoggedIn.String(), r.B.State == session.LoggedIn.String()
	for i := range r.Rows {
		row := &r.Rows[i]
		if inB && !inA && row.A != nil && row.A.N == r.A.N || inA && !inB && row.B != nil && row.B.N == r.B.N {
			row.Cause = true
		}
	}
}
