package session

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
)

// spillStride is how many events share one remembered file offset.
const spillStride = 32

// spill is the private file that holds what a Log's window no longer does: one
// event a line, in the JSON form, secrets in the clear (hence 0600).
type spill struct {
	mu      sync.Mutex
	file    *os.File
	base    int     // index of the first event
	count   int     // events in the file
	size    int64   // bytes in the file
	offsets []int64 // of every spillStride-th event
}

func newSpill(base int) (*spill, error) {
	f, err := os.CreateTemp("", "xmppscope-spill-*") // made 0600
	if err != nil {
		return nil, fmt.Errorf("session: spill file: %w", err)
	}
	if runtime.GOOS != "windows" {
		os.Remove(f.Name()) // it lives on until it is closed, and no longer, whatever becomes of us
	}
	return &spill{file: f, base: base}, nil
}

// write appends events; after an error the file is not used again for writing.
func (s *spill) write(events []Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var buf []byte
	at := s.size
	var offsets []int64
	for i := range events {
		if (s.count+i)%spillStride == 0 {
			offsets = append(offsets, at+int64(len(buf)))
		}
		var err error
		if buf, err = AppendJSON(buf, events[i]); err != nil {
			return err
		}
		buf = append(buf, '\n')
	}
	if _, err := s.file.WriteAt(buf, at); err != nil {
		return fmt.Errorf("session: spill file: %w", err)
	}
	s.offsets = append(s.offsets, offsets...)
	s.count += len(events)
	s.size += int64(len(buf))
	return nil
}

// read returns the events with indexes from to to-1, or as many as there are.
func (s *spill) read(from, to int) ([]Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := from - s.base
	if i < 0 || i >= s.count {
		return nil, errors.New("session: spill file: no such event")
	}
	at := s.offsets[i/spillStride]
	r := bufio.NewReaderSize(io.NewSectionReader(s.file, at, s.size-at), 1<<16)
	var out []Event
	for k := i / spillStride * spillStride; k < s.count && k < to-s.base; k++ {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return out, fmt.Errorf("session: spill file: %w", err)
		}
		if k < i {
			continue
		}
		e, err := DecodeJSON(line)
		if err != nil {
			return out, err
		}
		out = append(out, e)
	}
	return out, nil
}

func (s *spill) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.file.Close()
	os.Remove(s.file.Name()) // already gone but on Windows
	return err
}
