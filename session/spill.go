package session

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
)

// spill is the file for the events of a Log that its window no longer holds: in the
// binary form, secrets in the clear. One goroutine adds, any may read. What cannot be
// written is given up.
type spill struct {
	create func() (*cacheFile, error)
	writer binaryWriter
	buf    []byte // the block that is being written

	mu      sync.Mutex
	file    *cacheFile // nil until there is something to write
	places  []place
	end     place    // behind the last
	words   []string // the table of writer, as far as what is in the file needs it
	problem error    // why events were given up, the first time
	recent  block    // what was read last: who looks at one event looks at its neighbours
}

// place is where a block of events lies. It reaches to the next one; if that begins
// at the same byte, its events were given up.
type place struct {
	first int   // index of its first event
	at    int64 // in the file
}

func newSpill(create func() (*cacheFile, error)) *spill {
	return &spill{create: create, writer: binaryWriter{table: newStringTable()}}
}

// bufferRoom is how much of a buffer is kept for the next block.
const bufferRoom = 1 << 20

// add takes the next events. They are read back together.
func (s *spill) add(events []Event) {
	err := s.write(events)
	s.mu.Lock()
	defer s.mu.Unlock()
	here := s.end
	s.end.first += len(events)
	if err == nil {
		s.end.at += int64(len(s.buf))
		s.words = s.writer.table.list
	} else if s.problem == nil {
		s.problem = err
	}
	if n := len(s.places); n == 0 || err == nil || s.places[n-1].at < here.at { // else they are lost with those before
		s.places = append(s.places, here)
	}
	if cap(s.buf) > bufferRoom {
		s.buf = nil
	}
}

// write writes events behind those that the file has.
func (s *spill) write(events []Event) (err error) {
	s.buf = s.buf[:0]
	for i := range events {
		if s.buf, err = s.writer.append(s.buf, &events[i]); err != nil {
			return err
		}
	}
	if s.file == nil {
		f, err := s.create()
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.file = f
		s.mu.Unlock()
	}
	if err := s.file.Grow(int64(len(s.buf))); err != nil {
		return err
	}
	if _, err := s.file.WriteAt(s.buf, s.end.at); err != nil {
		return fmt.Errorf("session: spill file: %w", err)
	}
	return nil
}

// read returns the event with this index and those behind it in its block, and the
// index that follows. The error says why they are lost, all up to there.
func (s *spill) read(from int) ([]Event, int, error) {
	s.mu.Lock()
	i := sort.Search(len(s.places), func(i int) bool { return s.places[i].first > from })
	here, next := s.places[i-1], s.end
	if i < len(s.places) {
		next = s.places[i]
	}
	file, words, problem, recent := s.file, s.words, s.problem, s.recent
	s.mu.Unlock()
	if here.at == next.at {
		return nil, next.first, fmt.Errorf("older events were given up: %s", inPassing(problem))
	}
	if recent.first != here.first || recent.events == nil {
		recent = block{first: here.first}
		var err error
		if recent.events, err = readBlock(file, here, next, words); err != nil {
			return nil, next.first, fmt.Errorf("older events cannot be read back: %s", inPassing(err))
		}
		s.mu.Lock()
		s.recent = recent
		s.mu.Unlock()
	}
	return slices.Clip(recent.events[from-here.first:]), next.first, nil
}

// inPassing is an error as a part of another sentence.
func inPassing(err error) string { return strings.TrimPrefix(err.Error(), "session: ") }

// blockRooms are buffers for what is read.
var blockRooms = sync.Pool{New: func() any { return new([]byte) }}

func readBlock(file *cacheFile, from, to place, words []string) ([]Event, error) {
	room := blockRooms.Get().(*[]byte)
	p := slices.Grow((*room)[:0], int(to.at-from.at))[:to.at-from.at]
	defer func() {
		if cap(p) <= bufferRoom {
			*room = p
			blockRooms.Put(room)
		}
	}()
	if _, err := file.ReadAt(p, from.at); err != nil {
		return nil, err
	}
	events := make([]Event, to.first-from.first)
	for at, i := 0, 0; i < len(events); i++ {
		n, err := readBinary(p[at:], words, &events[i])
		if err != nil {
			return nil, err
		}
		at += n
	}
	return events, nil
}

// failed is why events were given up, or nil.
func (s *spill) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.problem
}

// close removes the file.
func (s *spill) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
