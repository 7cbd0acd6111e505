package session

import (
	"bytes"
	"sync"
	"time"
)

// Bounds of a Queue, chosen so that a stalled explainer costs tens of megabytes
// and no more.
const (
	queueRaw    = 16 << 20 // bytes of Raw that may wait
	queueWire   = 16 << 20 // the same for events that are not numbered
	queueEvents = 30_000   // events that may wait
	queueMerge  = 1_000    // from so many on, floods of tiny events are merged
	keepRaw     = 512      // what is kept of an element's bytes when there is no room: its tag
	mergedRaw   = 32 << 10 // bytes of merged events
)

// Queue carries the events of one session from the relay to the explainer. Push
// never blocks: when the reader falls behind, floods of white space are merged,
// then events lose their Raw but for its beginning, and only then are events lost;
// either loss is itself an event with a count. The
// queue gives out the session's Seq numbers.
type Queue struct {
	mu      sync.Mutex
	ready   chan struct{} // has one token when the reader should look
	events  []Event
	raw     [2]int // bytes of Raw in events: of those not numbered, of those numbered
	seq     uint64
	session int
	closed  bool
	lostRaw LogLost // raws lost and not yet reported
	maxRaw  [2]int  // as raw
	maxLen  int
	mergeAt int
}

// NewQueue makes the queue of the session with this number.
func NewQueue(session int) *Queue {
	return &Queue{ready: make(chan struct{}, 1), session: session,
		maxRaw: [2]int{queueWire, queueRaw}, maxLen: queueEvents, mergeAt: queueMerge}
}

// Push appends an event and stamps it with the session's number, the next Seq
// and, if it has none, the time. It takes over e.Raw.
func (q *Queue) Push(e Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	e.Session = q.session
	if e.At.IsZero() {
		e.At = time.Now()
	}
	if len(q.events) >= q.mergeAt && q.merge(e) {
		return
	}
	if len(q.events) >= q.maxLen {
		q.lose(e)
		return
	}
	if k := class(e.Body); len(e.Raw) > 0 && q.raw[k]+len(e.Raw) > q.maxRaw[k] {
		kept := 0
		if k == 1 {
			kept = min(len(e.Raw), keepRaw) // so that it still has its name and its rung
		}
		q.lostRaw.Raws++
		q.lostRaw.Bytes += int64(len(e.Raw) - kept)
		e.Raw, e.Truncated = bytes.Clone(e.Raw[:kept]), true
	} else {
		q.reportLostRaw(e.At)
	}
	q.append(e)
}

// class is the index of the budget that an event's bytes are taken from: what
// goes to packet captures only must not crowd out the elements.
func class(b Body) int {
	if Numbered(b) {
		return 1
	}
	return 0
}

// merge adds a tiny event to the one before it of the same kind, and says whether
// it did: a flood of white space must not cost events that matter.
func (q *Queue) merge(e Event) bool {
	last := &q.events[len(q.events)-1]
	switch e.Body.(type) {
	case StreamWhitespace, StreamRaw:
	default:
		return false
	}
	if last.Kind() != e.Kind() || last.Dir != e.Dir || last.Truncated || e.Truncated || len(last.Raw)+len(e.Raw) > mergedRaw {
		return false
	}
	last.Raw = append(last.Raw, e.Raw...)
	last.Size += e.Size
	q.raw[1] += len(e.Raw)
	return true
}

func (q *Queue) append(e Event) {
	if Numbered(e.Body) {
		q.seq++
		e.Seq = q.seq
	}
	q.raw[class(e.Body)] += len(e.Raw)
	q.events = append(q.events, e)
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// lose counts e in the loss event at the queue's end.
func (q *Queue) lose(e Event) {
	last := &q.events[len(q.events)-1]
	lost, ok := last.Body.(LogLost)
	if !ok {
		q.append(Event{Session: q.session, At: e.At, Body: LogLost{Events: 1, Bytes: int64(len(e.Raw))}})
		return
	}
	lost.Events++
	lost.Bytes += int64(len(e.Raw))
	last.Body = lost
}

func (q *Queue) reportLostRaw(at time.Time) {
	if q.lostRaw.Raws > 0 {
		q.append(Event{Session: q.session, At: at, Body: q.lostRaw})
		q.lostRaw = LogLost{}
	}
}

// Close says that nothing more will come.
func (q *Queue) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.reportLostRaw(time.Now())
		q.closed = true
		close(q.ready)
	}
}

// Pull waits for events and returns all that are there, oldest first. It returns
// nil when the queue is closed and empty.
func (q *Queue) Pull() []Event {
	for {
		q.mu.Lock()
		if len(q.events) > 0 {
			out := q.events
			q.events, q.raw = nil, [2]int{}
			q.mu.Unlock()
			return out
		}
		closed := q.closed
		q.mu.Unlock()
		if closed {
			return nil
		}
		<-q.ready
	}
}
