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

// take takes the next event of a run: it is for live.watch.
func (o *outcomes) take(e *session.Event) {
	if e.Session == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.views == nil {
		o.views = map[int]*session.Overview{}
	}
	view := o.views[e.Session]
	if view == nil {
		view = new(session.Overview)
		o.views[e.Session] = view
	}
	view.Apply(e)
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
