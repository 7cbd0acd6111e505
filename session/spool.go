package session

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of a Spool that nobody has set.
const (
	spoolMemory = 24 << 20 // bytes of pages in memory
	spoolLimit  = 4 << 30  // bytes that wait, in memory and on disk
)

// SpoolOptions are bounds of a Spool; zero is the default.
type SpoolOptions struct {
	Memory int64 // bytes of pages in memory
	Limit  int64 // bytes that may wait, in memory and on disk (--backlog)
}

// Spool keeps what was seen of the sessions of a run until it has been explained: the
// bytes as they were read, and what happened beside them. The relay appends, and never
// waits; the explainer takes, when there is time.
//
// Pages lie in memory first, and when that is full in a private file. At the limit, and
// while the disk is slower than the wire and the memory full, the newest bytes are not
// kept: what is lost is counted to the byte. It may be used by any number of goroutines.
type Spool struct {
	o       SpoolOptions
	seen    atomic.Int64 // bytes appended so far
	waiting atomic.Int64 // bytes that wait to be taken

	mu     sync.Mutex
	ready  *sync.Cond // a trail holds something, or nothing more will come
	behind *sync.Cond // pages have to go to the file, or nothing more will come
	urgent []*Trail   // that hold something of a login
	calm   []*Trail   // that hold something else
	wanted int        // the session that somebody looks at
	open   int        // trails that are not over
	ended  bool       // no trail will be begun any more
	free   [len(pageSizes)][][]byte
	used   int64   // bytes of pages in memory
	full   []*page // in memory, oldest first: what goes to the file next
	file   *spoolFile
	why    string // what was lost last was lost because of this
	done   chan struct{}
}

// NewSpool makes the spool of a run. Close has to be called in the end.
func NewSpool(o SpoolOptions) *Spool {
	if o.Memory == 0 {
		o.Memory = spoolMemory
	}
	if o.Limit == 0 {
		o.Limit = spoolLimit
	}
	s := &Spool{o: o, done: make(chan struct{})}
	s.ready, s.behind = sync.NewCond(&s.mu), sync.NewCond(&s.mu)
	go s.writer()
	return s
}

// Begin makes the trail of the session with this number.
func (s *Spool) Begin(id int) *Trail {
	s.mu.Lock()
	s.open++
	s.mu.Unlock()
	return &Trail{spool: s, id: id, begun: time.Now()}
}

// End says that no trail will be begun any more.
func (s *Spool) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.ready.Broadcast()
}

// Close ends the spool and removes its file. What has not been taken is gone.
func (s *Spool) Close() {
	s.End()
	s.mu.Lock()
	s.open, s.urgent, s.calm = 0, nil, nil
	s.ready.Broadcast()
	close(s.done)
	s.behind.Broadcast()
	s.mu.Unlock()
}

// Seen is how many bytes have been appended so far: whether much flows shows in it.
func (s *Spool) Seen() int64 { return s.seen.Load() }

// Waiting is how many bytes wait to be taken.
func (s *Spool) Waiting() int64 { return s.waiting.Load() }

// Behind is how long the oldest of what waits has been waiting.
func (s *Spool) Behind() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var most time.Duration
	for _, list := range [][]*Trail{s.urgent, s.calm} {
		for _, t := range list {
			most = max(most, time.Since(t.begun)-time.Duration(t.since.Load()))
		}
	}
	return most
}

// Want says which session somebody looks at: it is explained before others.
func (s *Spool) Want(session int) {
	s.mu.Lock()
	s.wanted = session
	s.mu.Unlock()
}

// Next waits for a trail with something to take, of a login only if it is urgent. It
// returns nil when there will be none any more. Put gives the trail back.
func (s *Spool) Next(urgent bool) *Trail {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if t := takeFirst(&s.urgent); t != nil {
			return t
		}
		if !urgent {
			if i := slices.IndexFunc(s.calm, func(t *Trail) bool { return t.id == s.wanted }); i > 0 {
				s.calm[0], s.calm[i] = s.calm[i], s.calm[0]
			}
			if t := takeFirst(&s.calm); t != nil {
				return t
			}
		}
		if s.ended && s.open == 0 {
			return nil
		}
		s.ready.Wait()
	}
}

func takeFirst(list *[]*Trail) *Trail {
	if len(*list) == 0 {
		return nil
	}
	t := (*list)[0]
	(*list)[0] = nil
	if *list = (*list)[1:]; len(*list) == 0 {
		*list = nil
	}
	return t
}

// Put takes back what Next has given out.
func (s *Spool) Put(t *Trail) {
	t.mu.Lock()
	t.queued = len(t.pages) > 0 || t.closed && !t.over
	more, urgent := t.queued, !t.calm
	t.mu.Unlock()
	if more {
		s.queue(t, urgent)
	}
}

// queue has a trail given out by Next.
func (s *Spool) queue(t *Trail, urgent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if urgent {
		s.urgent = append(s.urgent, t)
	} else {
		s.calm = append(s.calm, t)
	}
	s.ready.Broadcast()
}

// finished notes that a trail is over.
func (s *Spool) finished(*Trail) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open--; s.open == 0 {
		s.ready.Broadcast()
	}
}

// waits notes that more bytes wait, or less.
func (s *Spool) waits(n int) {
	s.waiting.Add(int64(n))
	if n > 0 {
		s.seen.Add(int64(n))
	}
}

// Why bytes are lost.
const (
	lostToLimit = "more waits to be explained than --backlog allows"
	lostToDisk  = "the memory for what waits to be explained is full, and the disk is slower than the wire"
)

// isFull says whether so much waits that nothing more is kept.
func (s *Spool) isFull() bool {
	if s.waiting.Load() < s.o.Limit {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.why = lostToLimit
	return true
}

// room is memory for a page, nil where there is none and it is not needed at all costs.
// The page before may go to the file.
func (s *Spool) room(class int, before *page, must bool) []byte {
	size := int64(pageSizes[class])
	s.mu.Lock()
	defer s.mu.Unlock()
	if before != nil && !before.full {
		before.full = true
		s.full = append(s.full, before)
	}
	if s.used+size > s.o.Memory/2 {
		s.behind.Signal()
	}
	switch {
	case must:
	case s.used+size > s.o.Memory:
		s.why = lostToDisk
		if s.file != nil && s.file.problem != nil {
			s.why = s.file.problem.Error()
		}
		return nil
	}
	s.used += size
	return s.takeFree(class)
}

func (s *Spool) takeFree(class int) []byte {
	list := &s.free[class]
	if n := len(*list); n > 0 {
		buf := (*list)[n-1]
		*list = (*list)[:n-1]
		return buf
	}
	return make([]byte, 0, pageSizes[class])
}

// maxFree bounds the memory of each class that is kept for pages to come, in pages.
const maxFree = 64

// giveBack takes a page's memory. The caller holds mu.
func (s *Spool) giveBack(buf []byte) {
	s.used -= int64(cap(buf))
	class := slices.Index(pageSizes[:], cap(buf))
	if class >= 0 && len(s.free[class]) < maxFree {
		s.free[class] = append(s.free[class], buf[:0])
	}
}

// forget gives up a page. The caller holds its trail's mu.
func (s *Spool) forget(p *page) {
	if p.gone = true; p.writing {
		return // the writer will
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.buf != nil {
		s.giveBack(p.buf)
		p.buf, p.events = nil, nil
	}
	if p.at.size > 0 {
		s.file.release(p.at)
		p.at = extent{}
	}
}

// cause says why bytes were lost.
func (s *Spool) cause() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.why
}

// writer brings pages to the file while more than half of the memory is used.
func (s *Spool) writer() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		for s.used <= s.o.Memory/2 || len(s.full) == 0 || s.file != nil && s.file.problem != nil {
			select {
			case <-s.done:
				if s.file != nil {
					s.file.close()
				}
				return
			default:
				s.behind.Wait()
			}
		}
		p := s.full[0]
		s.full = s.full[1:]
		s.mu.Unlock()
		s.write(p)
		s.mu.Lock()
	}
}

// write brings a page to the file, if it is not gone or under way.
func (s *Spool) write(p *page) {
	t := p.trail
	t.mu.Lock()
	if p.gone || p.busy || p.buf == nil {
		t.mu.Unlock()
		return
	}
	p.writing = true
	buf, events := p.buf, p.events
	t.mu.Unlock()

	at, err := s.onDisk().write(buf, events)

	t.mu.Lock()
	defer t.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	p.writing, p.at = false, at
	if err != nil {
		s.file.problem = err
	}
	if p.gone || err == nil && !p.busy {
		s.giveBack(buf)
		p.buf, p.events = nil, nil
	}
	if p.gone && at.size > 0 {
		s.file.release(at)
		p.at = extent{}
	}
}

// load brings a page back into memory.
func (s *Spool) load(p *page) ([]byte, []Event) {
	file := s.onDisk()
	s.mu.Lock()
	class := 0
	for class < len(pageSizes)-1 && int64(pageSizes[class]) < p.at.records {
		class++
	}
	s.used += int64(pageSizes[class])
	buf := s.takeFree(class)
	s.mu.Unlock()
	buf, events, err := file.read(p.at, buf)
	if err != nil {
		s.mu.Lock()
		s.why = err.Error()
		s.mu.Unlock()
	}
	return buf, events
}

func (s *Spool) onDisk() *spoolFile {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		s.file = newSpoolFile()
	}
	return s.file
}
