package session

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"
)

// extent is where a page lies in a file: its header, its records and its events, which take
// size bytes, and the room that is kept for them.
type extent struct{ at, size, records, room int64 }

// spoolFile holds the pages that do not fit into memory, or that a crash must not lose.
// Room is used again once its page has been given up: until then it is still read back
// after a crash, and passed over, since the recording has what was in it.
type spoolFile struct {
	path    string                    // "" for a file without a name
	file    atomic.Pointer[cacheFile] // made by the first write
	growing sync.Mutex                // held while it is made, or made larger or empty; taken before mu
	mu      sync.Mutex                // held for a moment only: the disk may hang
	end     int64                     // of what was written
	inUse   int                       // pages
	free    map[int64][]int64         // by how long it is: where there is room in front of the end
	problem error                     // it is not written any more; guarded by Spool.mu
}

// open makes the file. The caller holds growing.
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
		return nil, fmt.Errorf("session: what waits to be explained: %w", err)
	}
	f.file.Store(file)
	return file, nil
}

// write writes a page: in mem there is room for its header, which nobody else may use, and
// then n bytes of records. Direct has the disk fetch it, and waits for that.
func (f *spoolFile) write(head pageHeader, mem []byte, n int, events []Seen, direct bool) (extent, error) {
	var tail []byte
	for i := range events {
		var err error
		if tail, err = AppendJSON(tail, Event{Seen: events[i]}); err != nil {
			return extent{}, err
		}
		tail = append(tail, '\n')
	}
	records := mem[pageHead : pageHead+n]
	if f.path != "" { // else nobody will look for pages in it
		head.put(mem[:pageHead], records, tail)
	}
	file, at, err := f.place(int64(pageHead+n), int64(len(tail)), int64(len(mem)))
	if file == nil {
		return extent{}, err
	}
	if err == nil && len(tail) > 0 { // before the header that says that it is there
		_, err = file.WriteAt(tail, at.at+int64(pageHead+n))
	}
	switch {
	case err != nil:
	case direct && len(mem) == pageSizes[largest] && len(tail) == 0: // in whole blocks, which would go over a tail
		_, err = file.WriteDirect(mem[:aligned(int64(pageHead+n))], at.at)
	default:
		_, err = file.WriteAt(mem[:pageHead+n], at.at)
	}
	if err != nil {
		f.release(at)
		return extent{}, fmt.Errorf("session: what waits to be explained: %w", err)
	}
	return at, nil
}

// place finds room in the file for so many bytes of a page and of its events. When nothing was
// in it any more it begins anew, before another page gets room.
func (f *spoolFile) place(page, events, memory int64) (file *cacheFile, at extent, err error) {
	f.growing.Lock()
	defer f.growing.Unlock()
	if file, err = f.open(); err != nil {
		return nil, at, err
	}
	at, grows := f.take(page, events, memory)
	if at.at == 0 && grows {
		err = file.Truncate(0)
	}
	if err == nil && grows {
		err = file.Grow(at.room)
	}
	return file, at, err
}

// take finds room for so many bytes of a page and of its events. A page gets as much as
// its memory has, so that there are few sizes, and room can be used again.
func (f *spoolFile) take(page, events, memory int64) (at extent, grows bool) {
	at = extent{size: page + events, records: page - pageHead, room: aligned(max(memory, page+events))}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.inUse++
	if free := f.free[at.room]; len(free) > 0 {
		at.at, f.free[at.room] = free[len(free)-1], free[:len(free)-1]
		return at, false
	}
	at.at = f.end
	f.end += at.room
	return at, true
}

// read brings a page back, into mem.
func (f *spoolFile) read(at extent, mem []byte) (buf []byte, events []Seen, err error) {
	file := f.file.Load()
	buf = mem[pageHead : pageHead+at.records]
	if n, err := file.ReadDirect(mem[:aligned(pageHead+at.records)], at.at); n < pageHead+int(at.records) {
		return buf[:0], nil, fmt.Errorf("session: what waits to be explained: %w", err)
	}
	tail := make([]byte, at.size-at.records-pageHead)
	if len(tail) == 0 {
		return buf, nil, nil
	}
	if _, err := file.ReadAt(tail, at.at+pageHead+at.records); err != nil {
		return buf, nil, fmt.Errorf("session: what waits to be explained: %w", err)
	}
	for line := range bytes.Lines(tail) {
		e, err := DecodeJSON(bytes.TrimSuffix(line, []byte("\n")))
		if err != nil {
			return buf, events, err
		}
		events = append(events, e.Seen)
	}
	return buf, events, nil
}

// blank takes a page out of the file, and gives up its room.
func (f *spoolFile) blank(at extent) {
	f.file.Load().WriteAt(make([]byte, len(pageMagic)), at.at)
	f.release(at)
}

// release gives up a page's room.
func (f *spoolFile) release(at extent) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.inUse--; f.inUse == 0 {
		f.end, f.free = 0, nil
		return
	}
	if f.free == nil {
		f.free = map[int64][]int64{}
	}
	f.free[at.room] = append(f.free[at.room], at.at)
}

// close ends the file. Where it is to be left, it returns its name if there is something
// in it.
func (f *spoolFile) close(leave bool) string {
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
