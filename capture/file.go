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
	"sync/atomic"
	"time"

	"xmppscope/session"
)

// flushAfter is how long a packet may wait for the explanation that goes beside
// it (see Flusher) before it is written without.
const flushAfter = 50 * time.Millisecond

// File is a recording on disk, mode 0600, or on its way to another program. Each
// event is handed to the system by the time Write returns, so that kill -9 takes
// at most what had not been written yet; a packet format may keep a packet back
// for 50 ms and TLS handshakes until they have ended, and what stands on top of a
// report follows within 50 ms. It may be used by several goroutines.
type File struct {
	path    string
	format  Format
	o       Options
	names   *Pseudonyms // nil without Options.Pseudonymise
	mu      sync.Mutex
	file    *os.File
	writer  Writer
	flusher Flusher     // writer, if it is one
	timer   *time.Timer // runs Flush
	waiting bool        // the timer runs
	written atomic.Int64
	err     error // the first failure: nothing is written after it

	// Of a recording that goes on in further files.
	base      string // the path as it was given
	number    int    // of the file at hand
	rotate    Rotate
	overwrite bool
	begun     time.Time // when the file at hand was
	underway  map[int]*underway
}

// Create starts a recording in the format of path's extension. A file that is
// there already and not empty is refused unless overwrite is set; that the path
// is none that is being read is for the caller to see to (SameFile).
func Create(path string, overwrite bool, o Options) (*File, error) {
	f := &File{base: path, overwrite: overwrite, o: o}
	return f.unless(f.begin(path))
}

func (f *File) unless(err error) (*File, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Attach starts a recording on a file that is open, such as standard output; path
// names it, and its format.
func Attach(file *os.File, path string, o Options) (*File, error) {
	f := &File{base: path, o: o}
	if err := f.options(path); err != nil {
		return nil, err
	}
	return f.unless(f.start(file))
}

// options settles what is to be written.
func (f *File) options(path string) error {
	format, err := ForPath(path)
	if err != nil {
		return err
	}
	f.path, f.format = path, format
	f.o.Redact = f.o.Redact || f.o.Pseudonymise
	switch {
	case f.o.Redact && f.o.Reveal:
		return fmt.Errorf("capture: %q cannot have secrets both in the clear and blanked", path)
	case f.o.Redact && format.Ext == ".keylog":
		return fmt.Errorf("capture: %q would hold keys and nothing else: there is nothing to blank them in", path)
	}
	if f.o.Pseudonymise && f.names == nil {
		f.names = NewPseudonyms()
	}
	return nil
}

// begin makes a file and starts a recording in it.
func (f *File) begin(path string) error {
	if err := f.options(path); err != nil {
		return err
	}
	file, err := openPrivate(path, f.overwrite)
	if err != nil {
		return err
	}
	return f.start(file)
}

func (f *File) start(file *os.File) error {
	f.file, f.begun = file, time.Now()
	f.written.Store(0)
	var sink io.Writer = &countedFile{file, &f.written}
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		sink = &diskFile{file: file, written: &f.written}
	}
	w, err := f.format.New(sink, f.o)
	if err != nil {
		file.Close()
		return fmt.Errorf("capture: cannot write %q: %w", f.path, err)
	}
	f.writer = w
	if f.flusher, _ = w.(Flusher); f.flusher != nil && f.timer == nil {
		f.timer = time.AfterFunc(time.Hour, func() { f.Flush() })
		f.timer.Stop()
	}
	if f.underway == nil {
		f.underway = map[int]*underway{}
	}
	return nil
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

// Path is the name of the file at hand.
func (f *File) Path() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.path
}

// Format is the file's format.
func (f *File) Format() Format { return f.format }

// Wire says whether the file wants wire:bytes and tls:secret.
func (f *File) Wire() bool { return f.format.Wire && !f.o.Redact }

// Packets says whether the file wants wire:packet.
func (f *File) Packets() bool { return f.format.Packets && !f.o.Redact }

// wants says whether events of a kind have a place in the file.
func (f *File) wants(b session.Body) bool {
	if _, captured := b.(session.WirePacket); captured {
		return f.Packets()
	}
	return f.Wire() || session.Numbered(b)
}

// Secrets says whether the file holds secrets in the clear: because its format
// does by nature, or because they were to be revealed.
func (f *File) Secrets() bool { return f.format.Secrets && !f.o.Redact || f.o.Reveal }

// Written is how many bytes the system has taken for the file at hand. Unlike all
// else it does not wait for a Write that hangs.
func (f *File) Written() int64 { return f.written.Load() }

// Write records an event. After a failure every call returns that failure.
func (f *File) Write(e session.Event) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	if !f.wants(e.Body) {
		return nil
	}
	if f.names != nil {
		e = f.names.Event(e)
	}
	f.fail(f.writer.Write(e))
	f.carry(&e)
	if f.err == nil && f.due() {
		f.err = f.next()
	}
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
	err := f.err
	if err == nil {
		err = f.end()
	} else {
		f.file.Close() // it fails for the same reason
	}
	f.err = fmt.Errorf("capture: %q: %w", f.path, os.ErrClosed)
	return err
}

func (f *File) fail(err error) {
	if err != nil && f.err == nil {
		f.err = fmt.Errorf("capture: cannot write %q: %w", f.path, err)
	}
}

// storage is what diskFile needs of an *os.File.
type storage interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
	Name() string
}

// countedFile counts what a file that is no regular one has taken.
type countedFile struct {
	file    *os.File
	written *atomic.Int64
}

func (c *countedFile) Write(b []byte) (int, error) {
	n, err := c.file.Write(b)
	c.written.Add(int64(n))
	return n, err
}

// diskFile writes a regular file at an offset of its own, so that the tail of
// one write can be overwritten by the next.
type diskFile struct {
	file    storage
	written *atomic.Int64
	at      int64
	size    int64 // of the file, tail included
}

func (d *diskFile) Write(b []byte) (int, error) {
	n, err := d.file.WriteAt(b, d.at)
	d.at += int64(n)
	d.size = max(d.size, d.at)
	d.written.Store(d.at)
	return n, err
}

// WriteTail cuts off what a longer tail before has left behind.
func (d *diskFile) WriteTail(b, tail []byte) error {
	joined := append(append(make([]byte, 0, len(b)+len(tail)), b...), tail...)
	_, err := d.file.WriteAt(joined, d.at)
	end := d.at + int64(len(joined))
	d.at += int64(len(b))
	d.written.Store(d.at)
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
