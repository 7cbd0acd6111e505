package session

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"
)

// extent is where a page lies in a file: behind its header its records, and its events.
type extent struct{ at, size, records int64 }

// spoolFile holds the pages that do not fit into memory, or that a crash must not lose.
// Space is used again when all pages have been given up: one that was is still read back
// after a crash, and passed over, since the recording has what was in it.
type spoolFile struct {
	path    string                    // "" for a file without a name
	file    atomic.Pointer[cacheFile] // made by the first write
	writing sync.Mutex                // held while a page is written
	mu      sync.Mutex                // held for a moment only: the disk may hang
	end     int64                     // of what was written
	inUse   int                       // pages
	problem error                     // it is not written any more; guarded by Spool.mu
}

// open makes the file.
func (f *spoolFile) open() (*cacheFile, error) {
	if file := f.file.Load(); file != nil {
		return file, nil
	}
	var file *cacheFile
	var err error
	if f.path != "" {
		file, err = newFileAt(f.path)
	} else {
		file, err = newCacheFile("backlog")
	}
	if err != nil {
		return nil, fmt.Errorf("session: backlog: %w", err)
	}
	f.file.Store(file)
	return file, nil
}

// write appends a page.
func (f *spoolFile) write(head pageHeader, records []byte, events []Event) (extent, error) {
	var tail []byte
	for i := range events {
		var err error
		if tail, err = AppendJSON(tail, events[i]); err != nil {
			return extent{}, err
		}
		tail = append(tail, '\n')
	}
	f.writing.Lock()
	defer f.writing.Unlock()
	file, err := f.open()
	if err != nil {
		return extent{}, err
	}
	packed := packPage(head, records, tail)
	f.mu.Lock()
	at := extent{f.end, int64(len(packed)), int64(len(records))}
	f.end, f.inUse = at.at+aligned(at.size), f.inUse+1
	f.mu.Unlock()
	if at.at == 0 {
		err = file.Truncate(0)
	}
	if err == nil {
		err = file.Grow(at.size)
	}
	if err == nil {
		_, err = file.WriteAt(packed, at.at)
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
	if _, err := file.ReadAt(buf[:at.records], at.at+pageHead); err != nil {
		return buf, nil, fmt.Errorf("session: backlog: %w", err)
	}
	buf = buf[:at.records]
	tail := make([]byte, at.size-at.records-pageHead)
	if len(tail) == 0 {
		return buf, nil, nil
	}
	if _, err := file.ReadAt(tail, at.at+pageHead+at.records); err != nil {
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

// close ends the file. Where it is to be left, it returns its name if there is something
// in it.
func (f *spoolFile) close(leave bool) string {
	f.writing.Lock()
	defer f.writing.Unlock()
	file := f.file.Load()
	if file == nil {
		return ""
	}
	f.mu.Lock()
	inUse := f.inUse
	f.mu.Unlock()
	if leave && inUse > 0 && f.path != "" {
		file.File.Close()
		return f.path
	}
	file.Close()
	return ""
}
