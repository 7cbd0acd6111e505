package session

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
)

// extent is where a page lies in a file: its records, and behind them its events.
type extent struct{ at, size, records int64 }

// spoolFile holds the pages that do not fit into memory. Space is used again when all
// pages before have been given up; where the system can, a page gives its space back at
// once.
type spoolFile struct {
	file    atomic.Pointer[os.File] // made by the first write; nobody else writes
	mu      sync.Mutex              // held for a moment only: the disk may hang
	end     int64                   // of what was written
	inUse   int                     // pages
	problem error                   // it is not written any more; guarded by Spool.mu
}

func newSpoolFile() *spoolFile { return new(spoolFile) }

// open makes the file.
func (f *spoolFile) open() (*os.File, error) {
	if file := f.file.Load(); file != nil {
		return file, nil
	}
	file, err := os.CreateTemp("", "xmppscope-backlog-*") // made 0600
	if err != nil {
		return nil, fmt.Errorf("session: backlog: %w", err)
	}
	if runtime.GOOS != "windows" {
		os.Remove(file.Name()) // it lives on until it is closed, and no longer
	}
	f.file.Store(file)
	return file, nil
}

// write appends a page: its records, then its events as JSON.
func (f *spoolFile) write(buf []byte, events []Event) (extent, error) {
	var tail []byte
	for i := range events {
		var err error
		if tail, err = AppendJSON(tail, events[i]); err != nil {
			return extent{}, err
		}
		tail = append(tail, '\n')
	}
	file, err := f.open()
	if err != nil {
		return extent{}, err
	}
	f.mu.Lock()
	at := extent{f.end, int64(len(buf) + len(tail)), int64(len(buf))}
	f.end, f.inUse = at.at+at.size, f.inUse+1
	f.mu.Unlock()
	if _, err = file.WriteAt(buf, at.at); err == nil && len(tail) > 0 {
		_, err = file.WriteAt(tail, at.at+at.records)
	}
	if err != nil {
		f.release(at)
		return extent{}, fmt.Errorf("session: backlog: %w", err)
	}
	return at, nil
}

// read brings a page back, into buf.
func (f *spoolFile) read(at extent, buf []byte) ([]byte, []Event, error) {
	file := f.file.Load()
	if _, err := file.ReadAt(buf[:at.records], at.at); err != nil {
		return buf, nil, fmt.Errorf("session: backlog: %w", err)
	}
	buf = buf[:at.records]
	if at.size == at.records {
		return buf, nil, nil
	}
	tail := make([]byte, at.size-at.records)
	if _, err := file.ReadAt(tail, at.at+at.records); err != nil {
		return buf, nil, fmt.Errorf("session: backlog: %w", err)
	}
	var events []Event
	for line := range bytes.Lines(tail) {
		e, err := DecodeJSON(bytes.TrimSuffix(line, []byte("\n")))
		if err != nil {
			return buf, events, err
		}
		events = append(events, e)
	}
	return buf, events, nil
}

// release gives up a page.
func (f *spoolFile) release(at extent) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.inUse--; f.inUse == 0 {
		f.end = 0
	}
}

func (f *spoolFile) close() {
	if file := f.file.Load(); file != nil {
		file.Close()
		os.Remove(file.Name()) // already gone but on Windows
	}
}
