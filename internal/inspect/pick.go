package inspect

import (
	"context"
	"iter"
	"slices"

	"xmppscope/session"
)

// Pick is a part of the Log for a job to read. It is a copy, so that a goroutine can read
// while the inspector goes on.
type Pick struct {
	Log      *session.Log
	From, To int   // indexes; events from From on and below To
	Session  int   // of this session only; 0 takes all
	Indexes  []int // these only, in rising order; nil takes all
}

// Pick is every event so far.
func (m *Model) Pick(log *session.Log) Pick { return Pick{Log: log, To: m.Applied} }

// Of is the part of a Pick that belongs to a session.
func (p Pick) Of(c *Conversation) Pick {
	p.From, p.To, p.Session = c.Begin, c.End, c.ID
	return p
}

// At is the events of a Pick with these indexes, in any order.
func (p Pick) At(indexes []int) Pick {
	p.Indexes = slices.Sorted(slices.Values(indexes))
	if p.Indexes == nil {
		p.Indexes = []int{}
	}
	return p
}

// Kept are the indexes of the events that the filter in use lets through.
func (m *Model) Kept() []int {
	var indexes []int
	for _, c := range m.Sessions {
		for _, e := range c.All.From(0) {
			if !e.Has(Restart) {
				indexes = append(indexes, e.Index())
			}
		}
	}
	return indexes
}

// Events reads the Log until ctx is done. What was lost comes as its LogLost.
func (p Pick) Events(ctx context.Context) iter.Seq[session.Event] {
	return func(yield func(session.Event) bool) {
		wanted := p.Indexes
		for at := p.From; at < p.To && ctx.Err() == nil; {
			if p.Indexes != nil {
				if len(wanted) == 0 {
					return
				}
				at = wanted[0]
			}
			events, next := p.Log.Read(at)
			if len(events) == 0 {
				return
			}
			for i := range events {
				index := at + i
				if index >= p.To {
					return
				}
				if p.Indexes != nil {
					if len(wanted) == 0 {
						return
					}
					if wanted[0] != index {
						continue
					}
					wanted = wanted[1:]
				}
				if e := events[i]; p.Session == 0 || e.Session == p.Session {
					if !yield(e) {
						return
					}
				}
			}
			for len(wanted) > 0 && wanted[0] < next { // among what was lost
				wanted = wanted[1:]
			}
			at = next
		}
	}
}

// First collects at most limit events, and says whether there were more.
func (p Pick) First(ctx context.Context, limit int) (out []session.Event, more bool) {
	for e := range p.Events(ctx) {
		if len(out) == limit {
			return out, true
		}
		out = append(out, e)
	}
	return out, false
}
