package session

import (
	"sync"
	"sync/atomic"
	"time"
)

// Trail is what was seen of one session and has not been explained. One goroutine at a
// time takes from it, the one that Spool.Next has given it to; any number append.
type Trail struct {
	// User is the taker's own; Spool leaves it alone.
	User any

	spool *Spool
	id    int
	begun time.Time

	mu       sync.Mutex
	pages    []*page  // oldest first; the newest is appended to
	kept     []*page  // have been taken, and are not saved yet
	next     uint32   // number of the next page
	at       [3]int64 // by direction: how much plaintext there was before the next record
	class    int      // of the next page
	lost     [3]int64 // plaintext by direction that was not kept and not told yet
	lostWire [3][3]int64
	last     time.Duration
	since    atomic.Int64 // when the oldest that waits was seen, since begun; -1 if nothing waits
	closed   bool
	over     bool   // and all was taken
	queued   bool   // Spool.Next gives it out, or has
	calm     bool   // the login is over
	takes    int32  // of which connection the next record is; the taker's own
	joint    *joint // of a session that has several connections, or may have; nil: it has one
}

// StreamBytes is plaintext of a direction as it was read, not cut into elements yet. It is
// not numbered, and never leaves the Spool.
type StreamBytes struct{}

// Name is the kind of event.
func (StreamBytes) Name() string { return "stream:bytes" }

// StreamMark is a place in a direction whose state somebody wants to know, to go on from
// there. It is not numbered, and never leaves the Spool.
type StreamMark struct{}

// Name is the kind of event.
func (StreamMark) Name() string { return "stream:mark" }

// ID is the session's number.
func (t *Trail) ID() int { return t.id }

// Begun is when the session began.
func (t *Trail) Begun() time.Time { return t.begun }

// Bytes appends plaintext of a direction as it was read.
func (t *Trail) Bytes(dir Dir, p []byte) {
	t = t.lock()
	t.lost[dir] += int64(len(p) - t.keep(t.now(), recordBytes, dir.From(), dir, p, &t.lost[dir]))
	t.unlock()
}

// Wire appends bytes of a leg as TCP carries them.
func (t *Trail) Wire(leg Leg, dir Dir, p []byte) {
	t = t.lock()
	lost := &t.lostWire[leg][dir]
	*lost += int64(len(p) - t.keep(t.now(), recordWire, leg, dir, p, lost))
	t.unlock()
}

// Event appends an event as seen. It takes over e.Raw, and says when it happened. There
// are few, and they are kept beyond the limit.
func (t *Trail) Event(e Seen) {
	t = t.lock()
	t.put(t.now(), e)
	t.unlock()
}

func (t *Trail) put(at time.Duration, e Seen) {
	p := t.page(maxRecordHead, true)
	e.Session, e.At, e.Conn = t.id, t.begun.Add(at), t.joint.writes()
	p.buf = appendRecord(p.buf, recordEvent, e.Leg, e.Dir, at, int64(len(p.events)))
	p.events = append(p.events, e)
}

// Mark asks for the state of a direction behind the bytes that were appended so far: it is
// taken as StreamMark.
func (t *Trail) Mark(dir Dir) {
	t = t.lock()
	p := t.page(maxRecordHead, true)
	p.buf = appendRecord(p.buf, recordMark, dir.From(), dir, t.now(), 0)
	t.unlock()
}

// Calm says that the login is over: what comes now may be explained when there is time.
func (t *Trail) Calm() {
	t = t.lock()
	t.calm = true
	t.mu.Unlock()
}

// Close says that nothing more will come.
func (t *Trail) Close() {
	t.Release()
	t = t.lock()
	t.closed = t.joint == nil || t.joint.leave()
	t.unlock()
}

// unlock gives up mu, and has the trail explained.
func (t *Trail) unlock() {
	if t.joint.isAwaited() {
		t.mu.Unlock()
		return
	}
	tell := !t.queued
	if t.queued = true; tell {
		t.since.Store(int64(t.last))
	}
	urgent := !t.calm
	t.mu.Unlock()
	if tell {
		t.spool.queue(t, urgent)
	}
}

// now is the time since the session began. It never goes back.
func (t *Trail) now() time.Duration {
	t.last = max(t.last, time.Since(t.begun))
	return t.last
}

// keep appends a payload, in as many records as it takes, and says how much of it there
// was room for. What could not be kept before is told first.
func (t *Trail) keep(at time.Duration, kind byte, leg Leg, dir Dir, b []byte, lost *int64) (kept int) {
	for kept < len(b) {
		if t.spool.isFull() || kind == recordWire && t.spool.crowded.Load() {
			return kept
		}
		p := t.page(2*maxRecordHead+min(len(b)-kept, 64), false)
		if p == nil {
			return kept
		}
		if *lost > 0 {
			p.buf = t.appendLost(p.buf, kind+recordLost-recordBytes, leg, dir, lost)
		}
		n := min(len(b)-kept, cap(p.buf)-len(p.buf)-maxRecordHead)
		p.buf = appendRecord(p.buf, kind, leg, dir, at, int64(n))
		p.buf = append(p.buf, b[kept:kept+n]...)
		kept += n
		t.spool.waits(n)
		if kind == recordBytes {
			t.at[dir] += int64(n)
			t.spool.flowed.Add(int64(n) + recordWeight)
		}
	}
	return kept
}

// appendLost tells what could not be kept.
func (t *Trail) appendLost(buf []byte, kind byte, leg Leg, dir Dir, lost *int64) []byte {
	if kind == recordLost {
		leg = t.spool.cause()
		t.at[dir] += *lost
	}
	buf = appendRecord(buf, kind, leg, dir, t.now(), *lost)
	*lost = 0
	return buf
}

// page is the newest page, with room for so many bytes; nil at the limit, unless the
// bytes must be kept.
func (t *Trail) page(room int, must bool) *page {
	var last *page
	if n := len(t.pages); n > 0 {
		last = t.pages[n-1]
		if last.buf != nil && cap(last.buf)-len(last.buf) >= room {
			return last
		}
		t.class = min(t.class+1, largest)
	}
	mem := t.spool.room(t.class, last, must)
	if mem == nil {
		return nil
	}
	p := &page{trail: t, number: t.next, begins: t.at, begun: time.Now(), mem: mem, buf: mem[pageHead:pageHead]}
	t.next++
	t.pages = append(t.pages, p)
	if conn := t.joint.writes(); conn > 0 { // a page can be read without those before it
		p.buf = appendRecord(p.buf, recordConn, NoLeg, NoDir, t.now(), int64(conn))
	}
	return p
}

// maxTake bounds what is taken from a trail before others have their turn.
const maxTake = 64 << 10

// Take hands what was seen next to f, oldest first, some tens of kilobytes of it.
// Plaintext comes as StreamBytes, what is missing of it as LogLost. Raw is borrowed until
// f returns.
func (t *Trail) Take(f func(Seen)) {
	for took := 0; took < maxTake; {
		p, buf, events := t.reading()
		if p == nil {
			return
		}
		for took < maxTake && p.taken < len(buf) {
			r, size := readRecord(buf[p.taken:])
			if size == 0 { // somebody has written to our file
				p.taken = len(buf)
				break
			}
			t.since.Store(int64(r.at))
			if r.kind == recordConn {
				t.takes = int32(r.n)
			} else {
				f(t.event(&r, events))
			}
			p.taken += size
			took += size
			if r.payload != nil {
				t.spool.waits(-len(r.payload))
			}
		}
		t.hasRead(p, len(buf))
	}
}

// reading is the oldest page with something to take, and what it holds now.
func (t *Trail) reading() (*page, []byte, []Seen) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		if len(t.pages) == 0 {
			t.tellLost()
		}
		if len(t.pages) == 0 {
			if t.closed && !t.over {
				t.over = true
				t.spool.finished(t)
			}
			return nil, nil, nil
		}
		p := t.pages[0]
		p.busy = true
		if p.buf == nil { // only this goroutine brings it back
			t.mu.Unlock()
			mem, buf, events := t.spool.load(p)
			t.mu.Lock()
			p.mem, p.buf, p.events = mem, buf, events
		}
		if p.taken < len(p.buf) {
			return p, p.buf, p.events
		}
		t.drop(p)
	}
}

// tellLost tells what is missing at the end: nothing has come behind it.
func (t *Trail) tellLost() {
	if t.closed {
		t.tellMissing()
	}
}

// tellMissing tells what is missing of the connection that was written last.
func (t *Trail) tellMissing() {
	tell := func(kind byte, leg Leg, dir Dir, n *int64) {
		if *n > 0 {
			p := t.page(maxRecordHead, true)
			p.buf = t.appendLost(p.buf, kind, leg, dir, n)
		}
	}
	for dir := C2S; dir <= S2C; dir++ {
		tell(recordLost, dir.From(), dir, &t.lost[dir])
		for leg := ClientLeg; leg <= ServerLeg; leg++ {
			tell(recordWireLost, leg, dir, &t.lostWire[leg][dir])
		}
	}
}

// hasRead ends the reading of a page for now.
func (t *Trail) hasRead(p *page, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p.busy = false
	if p.taken >= n && n == len(p.buf) {
		t.drop(p)
	}
}

// drop forgets the oldest page, all of which was taken. The newest goes too: a session
// that says nothing holds no memory.
func (t *Trail) drop(p *page) {
	t.pages = t.pages[1:]
	if len(t.pages) == 0 {
		t.pages, t.class = nil, 0
	}
	if t.spool.keeps() {
		p.ends = t.at
		if len(t.pages) > 0 {
			p.ends = t.pages[0].begins
		}
		t.kept = append(t.kept, p)
		t.spool.putAway(p)
		return
	}
	t.spool.forget(p)
}

// Settle says how far what was taken has become events: up to where in the plaintext of
// each direction, and that the newest of them is event number n of the log. What lies
// before is not needed any more once Spool.Saved has come so far.
func (t *Trail) Settle(c2s, s2c int64, n int) {
	if !t.spool.keeps() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.kept {
		if p.ends[C2S] > c2s || p.ends[S2C] > s2c {
			break
		}
		if p.needed == 0 {
			p.needed = int64(n)
		}
	}
	t.release()
}

// release forgets the pages that are saved. The caller holds mu.
func (t *Trail) release() {
	saved := t.spool.saved.Load()
	n := 0
	for n < len(t.kept) && t.kept[n].needed > 0 && t.kept[n].needed <= saved {
		t.spool.forget(t.kept[n])
		n++
	}
	if t.kept = t.kept[n:]; len(t.kept) == 0 {
		t.kept = nil
	}
}

// event is a record as an event as seen.
func (t *Trail) event(r *record, events []Seen) Seen {
	e := Seen{Session: t.id, At: t.begun.Add(r.at), Leg: r.leg, Dir: r.dir, Conn: t.takes, Raw: r.payload, Size: r.n}
	switch r.kind {
	case recordBytes:
		e.Body = StreamBytes{}
	case recordWire:
		e.Body = WireBytes{}
	case recordWireLost:
		e.Body, e.Truncated = WireBytes{}, true
	case recordMark:
		e.Body = StreamMark{}
	case recordLost:
		e.Leg, e.Body, e.Size = r.dir.From(), r.lost(r.n), 0
	case recordEvent:
		if r.n < int64(len(events)) {
			return events[r.n]
		}
	}
	return e
}

// Over says whether the trail was closed and all of it has been taken.
func (t *Trail) Over() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.over
}
