package session

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of a Spool that nobody has set.
const (
	spoolMemory = 32 << 20 // bytes of pages in memory
	spoolLimit  = 4 << 30  // bytes that wait, in memory and on disk
)

// SpoolOptions are bounds of a Spool; zero is the default.
type SpoolOptions struct {
	Memory int64 // bytes of pages in memory; plaintext may take a quarter more
	Limit  int64 // bytes that may wait, in memory and on disk (--backlog)
	// Path is the file for what must survive a crash (UnexplainedExt): what has been
	// waiting for keepAfter to be explained and saved lies in it. It is gone after an
	// orderly end. "" is a file without a name, for what does not fit into memory.
	Path string
}

// keepAfter is when what was seen lies in a file that survives a crash, at the latest.
const keepAfter = 400 * time.Millisecond

// Spool keeps what was seen of the sessions of a run until it has been explained: the
// bytes as they were read, and what happened beside them. The relay appends, and never
// waits; the explainer takes, when there is time.
//
// Pages lie in memory first, and when that is full in a private file. At the limit, and
// while the disk is slower than the wire and the memory full, the newest bytes are not
// kept, those of TCP before the plaintext, which is what is explained: what is lost is
// counted to the byte. It may be used by any number of goroutines.
type Spool struct {
	o       SpoolOptions
	flowed  atomic.Int64 // what was appended so far (Flowed)
	waiting atomic.Int64 // bytes that wait to be taken
	saved   atomic.Int64 // events of the log that are in all files

	mu      sync.Mutex
	ready   *sync.Cond      // a trail holds something, or nothing more will come
	behind  *sync.Cond      // pages have to go to the file, or nothing more will come
	pressed *sync.Cond      // they have to go there faster than the disk takes them, or likewise
	urgent  []*Trail        // that hold something of a login
	calm    []*Trail        // that hold something else
	wanted  int             // the session that somebody looks at
	open    int             // trails that are not over
	trails  map[*Trail]bool // of which something may have to be kept
	ended   bool            // no trail will be begun any more
	closed  bool
	free    [len(pageSizes)][][]byte
	used    int64       // bytes of pages in memory; use changes it
	crowded atomic.Bool // it is more than they should take
	full    []*page     // in memory, oldest first: what goes to the file next
	stale   []stale     // in the file, and gone over into another trail
	file    *spoolFile
	why     lossCause // what was lost last was lost because of this
	done    chan struct{}
	writers sync.WaitGroup
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
	s.ready, s.behind, s.pressed = sync.NewCond(&s.mu), sync.NewCond(&s.mu), sync.NewCond(&s.mu)
	for range directWriters {
		s.writers.Go(func() { s.writer(s.behind, s.fits(), true) })
	}
	s.writers.Go(func() { s.writer(s.pressed, s.crowds(), false) })
	if s.keeps() {
		s.trails = map[*Trail]bool{}
		s.writers.Go(s.keeper)
	}
	return s
}

// keeps says whether what was seen has to survive a crash.
func (s *Spool) keeps() bool { return s.o.Path != "" }

// Saved says that the first n events of the log are in all files.
func (s *Spool) Saved(n int64) { s.saved.Store(n) }

// Begin makes the trail of the session with this number.
func (s *Spool) Begin(id int) *Trail {
	t := &Trail{spool: s, id: id, begun: time.Now()}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open++
	if s.keeps() {
		s.trails[t] = true
	}
	return t
}

// End says that no trail will be begun any more.
func (s *Spool) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.ready.Broadcast()
}

// Close ends the spool and removes its file. What has not been taken is gone.
func (s *Spool) Close() { s.close(false) }

// Leave ends the spool and leaves in its file what has not been explained and saved. It
// returns that file's name, "" if there is nothing in it.
func (s *Spool) Leave() string {
	if !s.keeps() {
		s.Close()
		return ""
	}
	s.stop()
	s.writers.Wait()
	s.keep(0)
	return s.close(true)
}

// stop has nothing given out any more, and no page written by itself.
func (s *Spool) stop() {
	s.End()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open, s.urgent, s.calm = 0, nil, nil
	s.ready.Broadcast()
	if !s.closed {
		s.closed = true
		close(s.done)
	}
	s.behind.Broadcast()
	s.pressed.Broadcast()
}

func (s *Spool) close(leave bool) string {
	s.stop()
	s.writers.Wait() // what is written has to be whole, and the file there
	s.mu.Lock()
	file := s.file
	s.mu.Unlock()
	if file == nil {
		return ""
	}
	return file.close(leave)
}

// recordWeight is how many bytes take as long to relay and to explain as there is effort
// with a record, however short it is.
const recordWeight = 1 << 10

// Flowed is how much plaintext has been appended so far: whether much flows shows in it, and
// whether that can be explained in time. It is in bytes, and each record counts as
// recordWeight more.
func (s *Spool) Flowed() int64 { return s.flowed.Load() }

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

// leave forgets a trail of which nothing has to be kept.
func (s *Spool) leave(t *Trail) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.trails, t)
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
func (s *Spool) waits(n int) { s.waiting.Add(int64(n)) }

// lossCause says why bytes were not kept. In a record it stands in place of the leg.
type lossCause = Leg

const (
	lostToLimit lossCause = iota
	lostToDisk
	lostToProblem
)

var lossCauses = [...]string{
	lostToLimit:   "more waits to be explained than --backlog allows",
	lostToDisk:    "the memory for what waits to be explained is full, and the disk is slower than the wire",
	lostToProblem: "the memory for what waits to be explained is full, and the file for it cannot be written",
}

// mayGo says that nothing more is appended to a page, so that it may go to the file. The
// caller holds mu.
func (s *Spool) mayGo(p *page) {
	if !p.full {
		p.full = true
		s.full = append(s.full, p)
	}
}

// putAway frees the memory of a page that has been read, at once if it lies in the file.
// The caller holds its trail's mu.
func (s *Spool) putAway(p *page) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !p.writing && p.synced == len(p.buf) {
		s.giveBack(p)
		return
	}
	p.full = false // it may have been in use when its turn came
	s.mayGo(p)
	s.press(0)
}

// press has pages brought to the file, if memory is short once so much more is taken. The
// caller holds mu.
func (s *Spool) press(more int64) {
	if s.used+more > s.fits() {
		s.behind.Signal()
	}
	if s.used+more > s.crowds() {
		s.pressed.Signal()
	}
}

// cause says why bytes were not kept.
func (s *Spool) cause() lossCause {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.why
}

// Problem is what is wrong with the file, or nil.
func (s *Spool) Problem() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	return s.file.problem
}

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
	s.mu.Lock()
	defer s.mu.Unlock()
	if class == largest && s.used+int64(pageSizes[class]) > s.crowds() {
		class-- // others need some as well
	}
	size := int64(pageSizes[class])
	if before != nil {
		s.mayGo(before)
	}
	s.press(size)
	switch {
	case must:
	case s.used+size > s.o.Memory+s.o.Memory/4: // the rest is for plaintext alone
		s.why = lostToDisk
		if s.file != nil && s.file.problem != nil {
			s.why = lostToProblem
		}
		return nil
	}
	s.use(size)
	return s.takeFree(class)
}

// use notes that pages take so much more memory. The caller holds mu.
func (s *Spool) use(n int64) {
	s.used += n
	s.crowded.Store(s.used > s.o.Memory)
}

func (s *Spool) takeFree(class int) []byte {
	list := &s.free[class]
	if n := len(*list); n > 0 {
		mem := (*list)[n-1]
		*list = (*list)[:n-1]
		return mem
	}
	return make([]byte, pageSizes[class])
}

// maxFree bounds the memory of each class that is kept for pages to come, in bytes. Of the
// largest as much is kept as pages may take: the system would have to find new memory.
const maxFree = 8 << 20

// giveBack takes a page's memory. The caller holds mu.
func (s *Spool) giveBack(p *page) {
	s.use(-int64(len(p.mem)))
	class := slices.Index(pageSizes[:], len(p.mem))
	kept := int64(len(s.free[class]) * len(p.mem))
	if kept < maxFree || class == largest && s.used+kept < s.o.Memory {
		s.free[class] = append(s.free[class], p.mem)
	}
	p.mem, p.buf, p.events = nil, nil, nil
}

// forget gives up a page. The caller holds its trail's mu.
func (s *Spool) forget(p *page) {
	if p.gone = true; p.writing {
		return // the writer will
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.mem != nil {
		s.giveBack(p)
	}
	s.giveUp(p)
}

// giveUp gives up a page's room in the file. The caller holds mu.
func (s *Spool) giveUp(p *page) {
	switch {
	case p.at.size == 0:
		return
	case p.moved && s.keeps():
		s.stale = append(s.stale, stale{p.at, time.Now()})
	default:
		s.file.release(p.at)
	}
	p.at = extent{}
}

// stale is the room of a page whose records are another session's since. It must not be found
// as a session of its own, and is not taken out before those lie in the file.
type stale struct {
	at    extent
	since time.Time
}

// takeStale takes those since when so much time has passed.
func (s *Spool) takeStale(since time.Duration) (due []stale) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for n < len(s.stale) && time.Since(s.stale[n].since) >= since {
		n++
	}
	due, s.stale = s.stale[:n:n], s.stale[n:]
	return due
}

// fits is how much stays in memory: little, which the caches of the CPU hold too. The rest is
// for what comes while the writers wait for a CPU, or for the disk.
func (s *Spool) fits() int64 { return s.o.Memory / 16 }

// crowds is how much in memory shows that the disk is slower than the wire.
func (s *Spool) crowds() int64 { return s.o.Memory / 4 * 3 }

// directWriters is how many pages the disk fetches at a time: their writers have to wait for
// it, and for a CPU.
const directWriters = 4

// writer brings pages to the file while more is in memory than that. Some writers have the disk
// fetch them; where it is slower than the wire, and the memory is filling, one has the system's
// cache take them as well.
func (s *Spool) writer(called *sync.Cond, most int64, direct bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		for !s.closed && (s.used <= most || len(s.full) == 0 || s.file != nil && s.file.problem != nil) {
			called.Wait()
		}
		if s.closed {
			return
		}
		p := s.full[0]
		s.full = s.full[1:]
		s.mu.Unlock()
		s.write(p, true, direct)
		s.mu.Lock()
	}
}

// keeper brings to the file what a crash must not lose.
func (s *Spool) keeper() {
	tick := time.NewTicker(keepAfter / 2)
	defer tick.Stop()
	for {
		select {
		case <-s.done:
			return
		case <-tick.C:
			s.keep(keepAfter / 2)
		}
	}
}

// keep brings to the file what has been waiting for so long, and forgets what is saved.
func (s *Spool) keep(since time.Duration) {
	due := s.takeStale(since)
	s.mu.Lock()
	trails := make([]*Trail, 0, len(s.trails))
	for t := range s.trails {
		trails = append(trails, t)
	}
	s.mu.Unlock()
	for _, t := range trails {
		t.mu.Lock()
		t.release()
		var pages []*page
		for _, list := range [][]*page{t.kept, t.pages} {
			for _, p := range list {
				if p.buf != nil && p.synced < len(p.buf) && time.Since(p.begun) >= since {
					pages = append(pages, p)
				}
			}
		}
		done := t.over && len(t.kept) == 0
		t.mu.Unlock()
		for _, p := range pages {
			s.write(p, false, false)
		}
		if done {
			s.mu.Lock()
			delete(s.trails, t)
			s.mu.Unlock()
		}
	}
	for _, stale := range due {
		s.onDisk().blank(stale.at)
	}
}

// write brings a page to the file, if it is not gone, and frees its memory. To keep is to
// write what it holds so far, and to leave it in memory. What has to survive a crash goes
// to the file in the order in which it came, also while somebody reads it: else an older page
// could wait for long, and not be there when newer ones are.
func (s *Spool) write(p *page, free, direct bool) {
	file := s.onDisk()
	t := p.trail
	t.mu.Lock()
	if p.writing {
		p.leaves = p.leaves || free
		t.mu.Unlock()
		return
	}
	if p.gone || p.buf == nil || free && p.busy && !s.keeps() {
		t.mu.Unlock()
		return
	}
	p.writing = true
	mem, buf, events, before := p.mem, p.buf, p.events, p.at
	head := pageHeader{Session: int32(t.id), Number: p.number, Begun: t.begun.UnixNano(), Begins: [2]int64{p.begins[C2S], p.begins[S2C]}}
	t.mu.Unlock()

	var err error
	at := before
	if p.synced < len(buf) {
		at, err = file.write(head, mem, len(buf), events, direct)
	}

	t.mu.Lock()
	defer t.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	free = free || p.leaves
	p.writing, p.leaves = false, false
	switch {
	case err != nil:
		file.problem = err
	case at != before:
		if before.size > 0 {
			file.release(before)
		}
		p.at, p.synced = at, len(buf)
	}
	switch {
	case p.gone, free && err == nil && !p.busy && p.synced == len(p.buf):
		s.giveBack(p)
	case free && err == nil && !p.busy: // more had come before its turn did
		s.full = slices.Insert(s.full, 0, p)
	}
	if p.gone {
		s.giveUp(p)
	}
}

// load brings a page back into memory.
func (s *Spool) load(p *page) (mem, buf []byte, events []Seen) {
	file := s.onDisk()
	s.mu.Lock()
	class := 0
	for class < largest && int64(pageSizes[class]) < pageHead+p.at.records {
		class++
	}
	s.use(int64(pageSizes[class]))
	mem = s.takeFree(class)
	s.mu.Unlock()
	buf, events, err := file.read(p.at, mem)
	if err != nil { // what is missing is told as a page that ends too soon
		s.mu.Lock()
		s.file.problem = err
		s.mu.Unlock()
	}
	return mem, buf, events
}

func (s *Spool) onDisk() *spoolFile {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		s.file = &spoolFile{path: s.o.Path}
	}
	return s.file
}
