package session

import (
	"context"
	"slices"
	"sync"
)

const (
	logWindow = 12 << 20 // bytes of events that a Log keeps in memory
	batch     = 256      // events of a block: the most that one Read returns

	// wireKept is how much of the bytes as TCP carried them is kept beside the recording
	// that has them too, in bytes: for exports of single sessions.
	wireKept = 64 << 20
)

// Log is the append-only record of a run: the explained events of all sessions,
// in the order in which they were explained. Any number of readers pull from it,
// each at its own pace; none slows another, and none misses an event.
//
// Memory is bounded: the newest events are a window in memory, older ones lie in
// a private file (0600, in the user's cache folder) that is gone when the Log is
// closed. What cannot be written there is given up, and readers who come too late
// get a LogLost event in its place.
type Log struct {
	mu     sync.Mutex
	full   sync.Cond     // the window is nearly full, or the log has ended
	room   sync.Cond     // the window has room again, or the log has ended
	change chan struct{} // closed at the next change; nil if nobody waits for it
	window []block       // all but the last are sealed
	first  int           // index of the window's first event
	next   int           // index of the next event
	bytes  int           // what the window costs
	limit  int           // what it may cost
	saved  int           // so many events are in all recordings
	wire   int           // bytes of WireBytes that were spilled
	closed bool
	spill  *spill
	done   chan struct{} // closed when the spiller has ended
}

// block is events that follow each other. It is what a reader gets a part of, and what
// goes to the file at once: a reader that is slow holds one block, not the window.
type block struct {
	first  int // index of the first
	events []Event
	cost   int
}

// NewLog makes an empty log.
func NewLog() *Log {
	return newLog(logWindow, func() (*cacheFile, error) { return newCacheFile("spill") })
}

func newLog(limit int, create func() (*cacheFile, error)) *Log {
	l := &Log{limit: limit, spill: newSpill(create), done: make(chan struct{})}
	l.full.L, l.room.L = &l.mu, &l.mu
	go l.spiller()
	return l
}

// Append adds an event. It waits while the window is full and the file is behind; the
// relay is never the caller (a Spool lies between).
func (l *Log) Append(e Event) { l.AppendAll([]Event{e}) }

// AppendAll adds events as Append does, and wakes the readers once.
func (l *Log) AppendAll(events []Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range events {
		for l.bytes >= l.limit && !l.closed {
			l.changed()
			l.room.Wait()
		}
		if l.closed {
			return
		}
		l.add(&events[i])
	}
	l.changed()
}

// add puts an event into the window.
func (l *Log) add(e *Event) {
	if n := len(l.window); n == 0 {
		l.window = append(l.window, block{first: l.next})
	} else if last := &l.window[n-1]; len(last.events) == batch || last.cost >= l.limit/64 { // it is sealed
		l.window = append(l.window, block{first: l.next, events: make([]Event, 0, len(last.events))})
	}
	b := &l.window[len(l.window)-1]
	b.events = append(b.events, *e)
	c := cost(e)
	b.cost += c
	l.bytes += c
	l.next++
	if l.spills() {
		l.full.Signal()
	}
}

// spills says whether the oldest block has to go. There is another one by then, or it
// is sealed.
func (l *Log) spills() bool { return l.bytes > l.limit-l.limit/4 }

// changed wakes all readers that wait. The caller holds mu.
func (l *Log) changed() {
	if l.change != nil {
		close(l.change)
		l.change = nil
	}
}

// Len is the number of events so far; they have the indexes 0 to Len-1.
func (l *Log) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next
}

// Ended says that nothing more will be appended.
func (l *Log) Ended() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// Problem is what went wrong with the file, or nil.
func (l *Log) Problem() error { return l.spill.failed() }

// Read returns events from index from on, without waiting, and the index to ask
// for next. It returns none at the end of the log. The events are shared: nobody may
// change them.
func (l *Log) Read(from int) ([]Event, int) {
	l.mu.Lock()
	events := l.inWindow(from)
	old := from < l.first
	l.mu.Unlock()
	if !old {
		return events, from + len(events)
	}
	events, next, err := l.spill.read(from)
	if err != nil {
		return []Event{l.lost(next-from, err)}, next
	}
	return events, next
}

// Saved says that the first n events are in all recordings. Of a long run the Log gives up
// the bytes of their WireBytes then (Truncated): they are most of what there is.
func (l *Log) Saved(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.saved = max(l.saved, n)
}

// lighten takes the bytes that need not be kept out of a block that goes to the file.
// Readers may have the events: the block becomes another.
func (l *Log) lighten(b block) block {
	if l.wire > wireKept && b.first+len(b.events) <= l.saved {
		b.events = slices.Clone(b.events)
		for i := range b.events {
			if e := &b.events[i]; isWire(e) {
				e.Raw, e.Truncated = nil, true
			}
		}
		return b
	}
	for i := range b.events {
		if e := &b.events[i]; isWire(e) {
			l.wire += len(e.Raw)
		}
	}
	return b
}

func isWire(e *Event) bool {
	_, ok := e.Body.(WireBytes)
	return ok
}

// inWindow returns events from index from on that the window has, up to the end of
// their block.
func (l *Log) inWindow(from int) []Event {
	if from < l.first || from >= l.next {
		return nil
	}
	i, found := slices.BinarySearchFunc(l.window, from, func(b block, index int) int { return b.first - index })
	if !found {
		i--
	}
	b := &l.window[i]
	return slices.Clip(b.events[from-b.first:])
}

// lost stands for events that cannot be had any more. Its time is that of the oldest
// event that is still in memory.
func (l *Log) lost(n int, why error) Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := Event{Seen: Seen{Body: LogLost{Events: int64(n)}}, Said: Said{Summary: why.Error()}}
	if len(l.window) > 0 {
		e.At = l.window[0].events[0].At
	}
	return e
}

// Since is Read, but waits for the first event. It returns none when the log has
// ended or ctx is done.
func (l *Log) Since(ctx context.Context, from int) ([]Event, int) {
	for {
		l.mu.Lock()
		if from < l.next {
			l.mu.Unlock()
			return l.Read(from)
		}
		if l.closed {
			l.mu.Unlock()
			return nil, from
		}
		if l.change == nil {
			l.change = make(chan struct{})
		}
		change := l.change
		l.mu.Unlock()
		select {
		case <-change:
		case <-ctx.Done():
			return nil, from
		}
	}
}

// End says that nothing more will be appended; what is there can still be read.
func (l *Log) End() {
	l.mu.Lock()
	l.closed = true
	l.changed()
	l.full.Broadcast()
	l.room.Broadcast()
	l.mu.Unlock()
	<-l.done
}

// Close ends the log and removes the file.
func (l *Log) Close() error {
	l.End()
	return l.spill.close()
}

// spiller moves the oldest blocks of a window that is nearly full to the file, in its
// own goroutine.
func (l *Log) spiller() {
	defer close(l.done)
	removeStrays()
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for !l.spills() && !l.closed {
			l.full.Wait()
		}
		if l.closed {
			return
		}
		oldest := l.lighten(l.window[0])
		l.mu.Unlock()
		l.spill.add(oldest.events)
		l.mu.Lock()
		l.window = slices.Delete(l.window, 0, 1)
		l.first += len(oldest.events)
		l.bytes -= oldest.cost
		l.room.Broadcast()
	}
}
