package session

import (
	"context"
	"sync"
)

// logWindow is how many bytes of events a Log keeps in memory before it spills.
const logWindow = 32 << 20

// Log is the append-only record of a run: the explained events of all sessions,
// in the order in which they were explained. Any number of readers pull from it,
// each at its own pace; none slows another, and none misses an event.
//
// Memory is bounded: the newest events are a window in memory, older ones lie in
// a private file (0600, in the user's temporary folder) that is gone when the
// Log is closed. If that file cannot be written the oldest events are given up,
// and readers who come too late get a LogLost event in their place.
type Log struct {
	mu      sync.Mutex
	change  chan struct{} // closed and replaced at each change
	first   int           // index of window[0]
	window  []Event
	bytes   int // cost of window
	limit   int
	closed  bool
	spill   *spill
	gaveUp  int // events below this index are lost
	problem error
	done    chan struct{} // closed when the spiller has ended
}

// NewLog makes an empty log.
func NewLog() *Log { return newLog(logWindow) }

func newLog(limit int) *Log {
	l := &Log{change: make(chan struct{}), limit: limit, done: make(chan struct{})}
	go l.spiller()
	return l
}

// Append adds an event. It waits while the window is full and the spill file is
// behind; the relay is never the caller (a Queue lies between).
func (l *Log) Append(e Event) {
	l.mu.Lock()
	for l.bytes > 2*l.limit && !l.closed {
		l.wait()
	}
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.window = append(l.window, e)
	l.bytes += cost(&e)
	l.changed()
}

// changed wakes everyone who waits. The caller holds mu.
func (l *Log) changed() {
	close(l.change)
	l.change = make(chan struct{})
}

// wait gives up mu until something has changed.
func (l *Log) wait() {
	c := l.change
	l.mu.Unlock()
	<-c
	l.mu.Lock()
}

// Len is the number of events so far; they have the indexes 0 to Len-1.
func (l *Log) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first + len(l.window)
}

// Changed returns a channel that is closed when something is appended next, or
// the log ends.
func (l *Log) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.change
}

// Ended says that nothing more will be appended.
func (l *Log) Ended() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// Problem is what went wrong with the spill file, or nil.
func (l *Log) Problem() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.problem
}

// batch bounds what one Read returns.
const batch = 256

// Read returns events from index from on, without waiting, and the index to ask
// for next. It returns none at the end of the log.
func (l *Log) Read(from int) ([]Event, int) {
	l.mu.Lock()
	if from >= l.first {
		i := from - l.first
		if i >= len(l.window) {
			l.mu.Unlock()
			return nil, from
		}
		out := l.window[i:min(i+batch, len(l.window)):min(i+batch, len(l.window))]
		l.mu.Unlock()
		return out, from + len(out)
	}
	if from < l.gaveUp {
		lost := LogLost{Events: int64(l.gaveUp - from)}
		at := l.window[0].At
		to := l.gaveUp
		l.mu.Unlock()
		return []Event{{At: at, Body: lost, Summary: "older events were given up"}}, to
	}
	s, to := l.spill, min(from+batch, l.first)
	l.mu.Unlock()
	out, err := s.read(from, to)
	if err != nil || len(out) == 0 {
		return []Event{{Body: LogLost{Events: int64(to - from)}, Summary: "older events cannot be read back"}}, to
	}
	return out, from + len(out)
}

// Since is Read, but waits for the first event. It returns none when the log has
// ended or ctx is done.
func (l *Log) Since(ctx context.Context, from int) ([]Event, int) {
	for {
		changed, ended := l.Changed(), l.Ended()
		if out, next := l.Read(from); len(out) > 0 {
			return out, next
		}
		if ended {
			return nil, from
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, from
		}
	}
}

// End says that nothing more will be appended; what is there can still be read.
func (l *Log) End() {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		l.changed()
	}
	l.mu.Unlock()
	<-l.done
}

// Close ends the log and removes the spill file.
func (l *Log) Close() error {
	l.End()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.spill == nil {
		return nil
	}
	return l.spill.close()
}

// spiller moves the oldest half of a full window to the file, in its own
// goroutine.
func (l *Log) spiller() {
	defer close(l.done)
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for l.bytes <= l.limit {
			if l.closed {
				return
			}
			l.wait()
		}
		n, size := 0, 0
		for n < len(l.window)-1 && size < l.limit/2 {
			size += cost(&l.window[n])
			n++
		}
		if n == 0 {
			if l.closed {
				return
			}
			l.wait()
			continue
		}
		old := l.window[:n:n]
		at := l.first
		if l.problem == nil {
			s := l.spill
			l.mu.Unlock()
			var err error
			if s == nil {
				s, err = newSpill(at)
			}
			if err == nil {
				err = s.write(old)
			}
			l.mu.Lock()
			l.spill, l.problem = s, err
		}
		if l.problem != nil {
			l.gaveUp = at + n
		}
		l.window = append(make([]Event, 0, len(l.window)-n), l.window[n:]...)
		l.first, l.bytes = at+n, l.bytes-size
		l.changed()
	}
}
