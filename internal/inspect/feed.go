package inspect

import (
	"context"
	"fmt"
	"time"

	"xmppscope/session"
)

const (
	tick      = 50 * time.Millisecond // how often the Log is looked at
	Heartbeat = time.Second           // how often the screen is drawn without events, for ages and messages
	PullLimit = 4096                  // events in one update
	restRatio = 10                    // of waiting to drawing, where drawing takes long: the wire needs the CPUs too
	maxRest   = Heartbeat / 2
)

// Filter is one filter as the Feed gets it. Its number tells batches that were
// pulled for it from those of the filter before.
type Filter struct {
	Number int
	Keep   func(*session.Event) bool // nil keeps all
}

// Batch is what the Feed hands over in one update.
type Batch struct {
	Filter  int // its number
	Items   []Item
	Problem string // the filter has panicked, and what it said; "" if not
}

// Item is an event, its index in the Log, and whether the filter lets it through.
type Item struct {
	Index int
	Event *session.Event
	Shown bool
}

// Feed pulls events from the Log, applies the filter, and hands them over. A
// slow filter keeps nobody waiting but the Feed.
type Feed struct {
	Log     *session.Log
	Filters <-chan Filter
	// Deliver and Draw run something in the inspector's goroutine, and return when it is
	// done: what takes a batch, and what shows what has been taken so far.
	Deliver func(Batch)
	Draw    func()
}

// Run feeds until ctx is done. It takes what there is at every tick, also where the screen
// is drawn less often: what has left the Log's memory takes long to read.
func (f *Feed) Run(ctx context.Context) {
	wake := time.NewTimer(tick)
	defer wake.Stop()
	var keep Filter
	at, shown := 0, true
	last, rest := time.Now(), tick // the end of the last drawing, and how long to rest after it
	for ctx.Err() == nil {
		select {
		case keep = <-f.Filters:
			at = 0
		default:
		}
		var b Batch
		b, at = f.Pull(at, keep)
		now := time.Now()
		beat := now.Sub(last) >= Heartbeat
		if len(b.Items) > 0 || beat {
			f.Deliver(b)
			shown = false
		}
		if beat || !shown && now.Sub(last) >= rest {
			now = time.Now()
			f.Draw()
			last, shown = time.Now(), true
			rest = min(max(tick, restRatio*last.Sub(now)), maxRest)
		}
		if len(b.Items) >= PullLimit {
			continue // there is more
		}
		wake.Reset(tick)
		select {
		case keep = <-f.Filters:
			at = 0
		case <-wake.C:
		case <-ctx.Done():
		}
	}
}

// Pull reads events from index at on, up to the limit, and returns where to go on.
func (f *Feed) Pull(at int, keep Filter) (Batch, int) {
	b := Batch{Filter: keep.Number}
	for len(b.Items) < PullLimit {
		events, next := f.Log.Read(at)
		if len(events) == 0 {
			break
		}
		for i := range events {
			e := &events[i]
			b.Items = append(b.Items, Item{at + i, e, keep.passes(e, &b.Problem)})
		}
		at = next
	}
	return b, at
}

// passes asks the filter; one that panics lets the event through.
func (f *Filter) passes(e *session.Event, problem *string) (shown bool) {
	if f.Keep == nil {
		return true
	}
	defer func() {
		if p := recover(); p != nil {
			*problem, shown = fmt.Sprint(p), true
		}
	}()
	return f.Keep(e)
}
