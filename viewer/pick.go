package viewer

import (
	"context"
	"iter"
	"slices"

	"xmppscope/session"
)

// pick is a part of the Log for a job to read. It is a copy, so that a goroutine can read
// while the inspector goes on.
type pick struct {
	log      *session.Log
	from, to int   // indexes; events from from on and below to
	session  int   // of this session only; 0 takes all
	indexes  []int // these only, in rising order; nil takes all
}

// whole is every event so far.
func (u *ui) whole() pick { return pick{log: u.options.Log, to: u.model.applied} }

// ofSession is every event of a session so far.
func (u *ui) ofSession(c *conversation) pick {
	return pick{log: u.options.Log, from: c.begin, to: c.end, session: c.ID}
}

// ofMarked is the marked events.
func (u *ui) ofMarked() pick {
	indexes := []int{}
	for index := range u.marks {
		indexes = append(indexes, index)
	}
	slices.Sort(indexes)
	return pick{log: u.options.Log, to: u.model.applied, indexes: indexes}
}

// ofFilter is the events that the filter in use lets through. It goes by what is
// known already: the filter itself belongs to the feed.
func (u *ui) ofFilter() pick {
	indexes := []int{}
	for _, c := range u.model.sessions {
		for _, e := range c.all {
			if !e.has(isRestart) {
				indexes = append(indexes, e.index())
			}
		}
	}
	slices.Sort(indexes)
	return pick{log: u.options.Log, to: u.model.applied, indexes: indexes}
}

// events reads the Log until ctx is done. What was lost comes as its LogLost.
func (p pick) events(ctx context.Context) iter.Seq[session.Event] {
	return func(yield func(session.Event) bool) {
		wanted := p.indexes
		for at := p.from; at < p.to && ctx.Err() == nil; {
			if p.indexes != nil {
				if len(wanted) == 0 {
					return
				}
				at = wanted[0]
			}
			events, next := p.log.Read(at)
			if len(events) == 0 {
				return
			}
			for i := range events {
				index := at + i
				if index >= p.to {
					return
				}
				if p.indexes != nil {
					if len(wanted) == 0 {
						return
					}
					if wanted[0] != index {
						continue
					}
					wanted = wanted[1:]
				}
				if e := events[i]; p.session == 0 || e.Session == p.session {
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

// first collects at most limit events, and says whether there were more.
func (p pick) first(ctx context.Context, limit int) (out []session.Event, more bool) {
	for e := range p.events(ctx) {
		if len(out) == limit {
			return out, true
		}
		out = append(out, e)
	}
	return out, false
}
