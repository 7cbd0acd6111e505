package viewer

import (
	"context"
	"fmt"
	"time"

	"xmppscope/session"
)

const (
	tick      = 50 * time.Millisecond // how often the Log is looked at
	heartbeat = time.Second           // how often the screen is drawn without events, for ages and messages
	pullLimit = 4096                  // events in one update
	restRatio = 10                    // of waiting to drawing, where drawing takes long: the wire needs the CPUs too
	maxRest   = heartbeat / 2
)

// filter is one filter as the feed gets it. Its number tells batches that were
// pulled for it from those of the filter before.
type filter struct {
	number int
	keep   func(*session.Event) bool // nil keeps all
}

// batch is what the feed hands over in one update.
type batch struct {
	filter  int // its number
	items   []item
	problem string // the filter has panicked, and what it said; "" if not
}

type item struct {
	index int
	event *session.Event
	shown bool
}

// feed pulls events from the Log, applies the filter, and hands them over. A
// slow filter keeps nobody waiting but the feed.
type feed struct {
	log     *session.Log
	filters <-chan filter
	deliver func(batch) // runs in the inspector's goroutine, draws, and returns when that is done
}

// run feeds until ctx is done.
func (f *feed) run(ctx context.Context) {
	wake := time.NewTimer(tick)
	defer wake.Stop()
	var keep filter
	at, last := 0, time.Now()
	for ctx.Err() == nil {
		select {
		case keep = <-f.filters:
			at = 0
		default:
		}
		var b batch
		b, at = f.pull(at, keep)
		rest := tick
		if now := time.Now(); len(b.items) > 0 || now.Sub(last) >= heartbeat {
			f.deliver(b)
			last = time.Now()
			rest = min(max(tick, restRatio*last.Sub(now)), maxRest)
		}
		if len(b.items) >= pullLimit {
			continue // there is more
		}
		wake.Reset(rest)
		select {
		case keep = <-f.filters:
			at = 0
		case <-wake.C:
		case <-ctx.Done():
		}
	}
}

// pull reads events from index at on, up to the limit, and returns where to go on.
func (f *feed) pull(at int, keep filter) (batch, int) {
	b := batch{filter: keep.number}
	for len(b.items) < pullLimit {
		events, next := f.log.Read(at)
		if len(events) == 0 {
			break
		}
		for i := range events {
			e := &events[i]
			b.items = append(b.items, item{at + i, e, keep.passes(e, &b.problem)})
		}
		at = next
	}
	return b, at
}

// passes asks the filter; one that panics lets the event through.
func (f *filter) passes(e *session.Event, problem *string) (shown bool) {
	if f.keep == nil {
		return true
	}
	defer func() {
		if p := recover(); p != nil {
			*problem, shown = fmt.Sprint(p), true
		}
	}()
	return f.keep(e)
}
