package capture

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"xmppscope/session"
)

// flushAfter is how long a packet may wait for the explanation that goes beside
// it (see Flusher) before it is written without.
const flushAfter = 50 * time.Millisecond

// File is a recording on disk, mode 0600. Each event is handed to the system by
// the time Write returns, so that kill -9 takes at most what had not been
// written yet; a packet format may keep a packet back for 50 ms and TLS
// handshakes until they have ended. It may be used by several goroutines.
type File struct {
	path    string
	format  Format
	reveal  bool
	mu      sync.Mutex
	file    *os.File
	writer  Writer
	flusher Flusher     // writer, if it is one
	timer   *time.Timer // runs Flush; nil without flusher
	waiting bool        // the timer runs
	err     error       // the first failure: nothing is written after it
}

// Create starts a recording in the format of path's extension. A file that is
// there already and not empty is refused unless overwrite is set; that the path
// is none that is being read is for the caller to see to (SameFile).
func Create(path string, overwrite bool, o Options) (*File, error) {
	format, err := ForPath(path)
	if err != nil {
		return nil, err
	}
	f, err := openPrivate(path, overwrite)
	if err != nil {
		return nil, err
	}
	var sink io.Writer = f
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		sink = &diskFile{file: f}
	}
	w, err := format.New(sink, o)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("capture: cannot write %q: %w", path, err)
	}
	out := &File{path: path, format: format, reveal: o.Reveal, file: f, writer: w}
	if flusher, ok := w.(Flusher); ok {
		out.flusher = flusher
		out.timer = time.AfterFunc(flushAfter, func() { out.Flush() })
		out.timer.Stop()
	}
	return out, nil
}

// SameFile says whether path is one of the others under whatever name: by a
// link, or by another way to write it. It is for a caller that reads the others
// while it writes path, which Create with overwrite would empty first. Files
// that are not there are nobody's.
func SameFile(path string, others ...string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(others, func(other string) bool {
		o, err := os.Stat(other)
		return err == nil && os.SameFile(info, o)
	})
}

// openPrivate opens a file for writing that nobody else can read, and empties
// it only once that is so.
func openPrivate(path string, overwrite bool) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() {
		if info.Size() > 0 && !overwrite {
			f.Close()
			return nil, fmt.Errorf("capture: %q exists and is not empty: choose another name, or say --overwrite", path)
		}
		if err = f.Chmod(0o600); err == nil {
			err = f.Truncate(0)
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("capture: %w", err)
	}
	return f, nil
}

// Path is the file's name as it was given.
func (f *File) Path() string { return f.path }

// Format is the file's format.
func (f *File) Format() Format { return f.format }

// Secrets says whether the file holds secrets in the clear: because its format
// does by nature, or because they were to be revealed.
func (f *File) Secrets() bool { return f.format.Secrets || f.reveal }

// Write records an event. After a failure every call returns that failure.
func (f *File) Write(e session.Event) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	if !f.format.Wire && !session.Numbered(e.Body) {
		return nil
	}
	f.fail(f.writer.Write(e))
	if f.flusher != nil && !f.waiting {
		f.waiting = true
		f.timer.Reset(flushAfter)
	}
	return f.err
}

// Flush writes out what waits for a later event.
func (f *File) Flush() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = false
	if f.err == nil && f.flusher != nil {
		f.fail(f.flusher.Flush())
	}
	return f.err
}

// Close writes the format's end and closes the file. Only the first call does.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if errors.Is(f.err, os.ErrClosed) {
		return nil
	}
	if f.timer != nil {
		f.timer.Stop()
	}
	if c, ok := f.writer.(Closer); ok && f.err == nil {
		f.fail(c.Close())
	}
	f.fail(f.file.Close())
	err := f.err
	f.err = fmt.Errorf("capture: %q: %w", f.path, os.ErrClosed)
	return err
}

func (f *File) fail(err error) {
	if err != nil && f.err == nil {
		f.err = fmt.Errorf("capture: cannot write %q: %w", f.path, err)
	}
}

// diskFile writes a regular file at an offset of its own, so that the tail of
// one write can be overwritten by the next.
type diskFile struct {
	file *os.File
	at   int64
	size int64 // of the file, tail included
}

func (d *diskFile) Write(b []byte) (int, error) {
	n, err := d.file.WriteAt(b, d.at)
	d.at += int64(n)
	d.size = max(d.size, d.at)
	return n, err
}

// WriteTail cuts off what a longer tail before has left behind.
func (d *diskFile) WriteTail(b, tail []byte) error {
	joined := append(append(make([]byte, 0, len(b)+len(tail)), b...), tail...)
	_, err := d.file.WriteAt(joined, d.at)
	end := d.at + int64(len(joined))
	d.at += int64(len(b))
	if err == nil && end < d.size {
		err = d.file.Truncate(end)
	}
	d.size = end
	return err
}

// Rewrite writes a new file beside the old one and then gives it the old one's
// name. Where that cannot be done the old contents, which are whole, stay.
func (d *diskFile) Rewrite(write func(io.ReaderAt, io.Writer) error) error {
	path, err := filepath.EvalSymlinks(d.file.Name())
	if err != nil {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".xmppscope-*") // made 0600
	if err != nil {
		return nil
	}
	buffered := bufio.NewWriterSize(f, 1<<16)
	err = errors.Join(write(d.file, buffered), buffered.Flush(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return nil
}
