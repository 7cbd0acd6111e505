// Package uncached is files of which large pieces do not stay in the system's cache, since
// nobody will look at them soon. In the cache they would take memory that the system has to
// find first, which can cost more than to write them; and when too much of it waits for the
// disk, whoever writes is made to wait too. Where system or file system cannot do it, all
// goes through the cache as ever.
package uncached

import (
	"os"
	"sync"
	"unsafe"
)

const (
	// large is from how many bytes on a piece is written and read on its own. What is smaller
	// is likely to be followed by what goes to the same page of the cache.
	large = 64 << 10

	// Block is what must divide address, place and length of a piece for WriteDirect and
	// ReadDirect to go past the cache: what disks do.
	Block = 4 << 10
)

// File is such a file. It may be used by any number of goroutines.
type File struct {
	*os.File

	once   sync.Once
	direct *os.File // the same file, opened so that its pieces do not go through the cache; nil where that cannot be
}

// New makes a File of an open one, which Close closes.
func New(f *os.File) *File { return &File{File: f} }

// WriteAt is os.File.WriteAt. A large piece goes on to the disk, and the memory that it takes
// in the cache is free again when it has got there; nobody waits for that.
func (f *File) WriteAt(p []byte, at int64) (int, error) {
	if len(p) < large {
		return f.File.WriteAt(p, at)
	}
	return writePassing(f.File, p, at)
}

// ReadAt is os.File.ReadAt. A large piece that was not in the cache is not there afterwards.
func (f *File) ReadAt(p []byte, at int64) (int, error) {
	if len(p) < large {
		return f.File.ReadAt(p, at)
	}
	return readPassing(f.File, p, at)
}

// WriteDirect is WriteAt that has the disk fetch the piece from p. It takes a fraction of the
// CPU time, and as long as the disk does. A piece that is not in whole blocks is written as
// WriteAt does.
func (f *File) WriteDirect(p []byte, at int64) (int, error) {
	if d := f.past(p, at); d != nil {
		if n, err := d.WriteAt(p, at); err == nil {
			return n, nil
		}
	} // what is wrong with the file itself, WriteAt says
	return f.WriteAt(p, at)
}

// ReadDirect is ReadAt that has the disk put the piece into p, likewise.
func (f *File) ReadDirect(p []byte, at int64) (int, error) {
	if d := f.past(p, at); d != nil {
		if n, err := d.ReadAt(p, at); err == nil {
			return n, nil
		}
	}
	return f.ReadAt(p, at)
}

// past is the file for a piece that can go past the cache, or nil.
func (f *File) past(p []byte, at int64) *os.File {
	if len(p) < large || len(p)%Block != 0 || at%Block != 0 || uintptr(unsafe.Pointer(&p[0]))%Block != 0 {
		return nil
	}
	f.once.Do(func() { f.direct = openDirect(f.File) })
	return f.direct
}

// Close closes the file.
func (f *File) Close() error {
	f.once.Do(func() {}) // what is closed is not opened once more
	if f.direct != nil {
		f.direct.Close()
	}
	return f.File.Close()
}
