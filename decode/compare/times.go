package compare

import (
	"cmp"
	"slices"
	"time"

	"xmppscope/decode/facts"
	"xmppscope/session"
)

// Time is how long something took on each side, in nanoseconds; 0 if it did not
// come to that.
type Time struct {
	What string        `json:"what"`
	Step bool          `json:"step,omitempty"` // since the step before, else since the first event
	A    time.Duration `json:"a_ns"`
	B    time.Duration `json:"b_ns"`
}

// times are the milestones that both or either have reached, since the session's
// first event.
func times(a, b *facts.Login) (out []Time) {
	for _, m := range []struct {
		what string
		at   func(*facts.Login) time.Time
	}{
		{"TLS is up", func(l *facts.Login) time.Time { return l.Secured }},
		{"authenticated", func(l *facts.Login) time.Time { return l.Admitted }},
		{"bound", func(l *facts.Login) time.Time { return l.Bound }},
		{"logged in", func(l *facts.Login) time.Time { return l.In }},
		{"last event", func(l *facts.Login) time.Time { return l.Last }},
	} {
		t := Time{What: m.what, A: since(a, m.at(a)), B: since(b, m.at(b))}
		if t.A > 0 || t.B > 0 {
			out = append(out, t)
		}
	}
	return out
}

func since(l *facts.Login, at time.Time) time.Duration {
	if at.IsZero() {
		return 0
	}
	return at.Sub(l.Began)
}

// slowSteps is how many steps are named that took longer on one side.
const slowSteps = 3

// slowest are the steps of both sides that differ most in how long they took. Less
// than a millisecond is no difference.
func slowest(pairs []pair) (out []Time) {
	for _, p := range pairs {
		if p.a == nil || p.b == nil || p.a.Since == 0 || p.b.Since == 0 {
			continue
		}
		if t := (Time{What: session.SafeLine(p.a.Title), Step: true, A: p.a.Since, B: p.b.Since}); t.gap() >= time.Millisecond {
			out = append(out, t)
		}
	}
	slices.SortStableFunc(out, func(x, y Time) int { return cmp.Compare(y.gap(), x.gap()) })
	return out[:min(len(out), slowSteps)]
}

func (t *Time) gap() time.Duration { return (t.A - t.B).Abs() }
