package main

import (
	"io"
	"maps"
	"slices"
	"sync"

	"xmppscope/session"
)

// outcomes is how the logins of a run went, for who has had no place to show them.
type outcomes struct {
	mu    sync.Mutex
	views map[int]*session.Overview
}

// follow takes all events of a run.
func (o *outcomes) follow(l *live) {
	if o == nil {
		return
	}
	o.views = map[int]*session.Overview{}
	f := &follower{doing: "looking at how the logins went", written: func() int64 { return 0 }, patient: true}
	l.start(f, func() error {
		return l.pull(f, func(events []session.Event) error {
			o.mu.Lock()
			defer o.mu.Unlock()
			for i := range events {
				e := &events[i]
				if e.Session == 0 {
					continue
				}
				view := o.views[e.Session]
				if view == nil {
					view = new(session.Overview)
					o.views[e.Session] = view
				}
				view.Apply(e)
			}
			return nil
		}, noIdle)
	})
}

// any says whether there was a session.
func (o *outcomes) any() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.views) > 0
}

// tell says on a line for each session how it went, and what to do next.
func (o *outcomes) tell(w io.Writer) (sessions int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(o.views)) {
		view := o.views[id]
		what := view.Verdict
		if what == "" {
			what = "no login was seen"
		}
		say(w, "session %d: %s", id, what)
		if view.Advice != "" {
			say(w, "  next: %s", view.Advice)
		}
	}
	return len(o.views)
}
