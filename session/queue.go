package session

import (
	"sync"
	"time"
)

// Bounds of a Queue, chosen so that a stalled explainer costs tens of megabytes
// and no more.
const (
	queueRaw    = 32 << 20 // bytes of Raw that may wait
	queueEvents = 200_000  // events that may wait
)

// Queue carries the events of one session from the relay to the explainer. Push
// never blocks: when the reader falls behind, events lose their Raw first, and
// only then are events lost; either loss is itself an event with a count. The
// queue gives out the session's Seq numbers.
type Queue struct {
	mu      sync.Mutex
	ready   chan struct{} // has one token when the reader should look
	events  []Event
	raw     int // bytes of Raw in events
	seq     uint64
	session int
	closed  bool
	lostRaw LogLost // raws lost and not yet reported
	maxRaw  int
	maxLen  int
}

// NewQueue makes the queue of the session with this number.
func NewQueue(session int) *Queue {
	return &Queue{ready: make(chan struct{}, 1), session: session, maxRaw: queueRaw, maxLen: queueEvents}
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
	if len(q.events) >= q.maxLen {
		q.lose(e)
		return
	}
	if len(e.Raw) > 0 && q.raw+len(e.Raw) > q.maxRaw {
		q.lostRaw.Raws++
		q.lostRaw.Bytes += int64(len(e.Raw))
		e.Raw, e.Truncated = nil, true
	} else {
		q.reportLostRaw(e.At)
	}
	q.append(e)
}

func (q *Queue) append(e Event) {
	if Numbered(e.Body) {
		q.seq++
		e.Seq = q.seq
	}
	q.raw += len(e.Raw)
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
			q.events, q.raw = nil, 0
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
