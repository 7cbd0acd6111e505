package capture

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"xmppscope/internal/ownership"
	"xmppscope/internal/uncached"
)

// output is one file that is being written.
type output struct {
	path    string // as the user knows it
	file    *os.File
	disk    *diskFile // what the writer writes to; nil if that is no regular file
	writer  Writer
	flusher Flusher // writer, if it is one
	begun   time.Time
	written atomic.Int64

	repeated int64 // bytes in it that repeat what was in the file before
}

// end writes the format's end and closes the file.
func (o *output) end() error {
	var err error
	if c, ok := o.writer.(Closer); ok {
		err = c.Close()
	}
	err = errors.Join(err, o.release())
	if err = errors.Join(err, o.file.Close()); err != nil {
		return fmt.Errorf("capture: cannot write %q: %w", o.path, err)
	}
	return nil
}

// release hands to the system what was held.
func (o *output) release() error {
	if o.disk == nil {
		return nil
	}
	return o.disk.release()
}

// size is how much has been written.
func (o *output) size() int64 {
	if o.disk == nil {
		return o.written.Load()
	}
	return o.disk.size()
}

// rename gives a closed file its name.
func (o *output) rename(to string) error {
	if err := os.Rename(o.file.Name(), to); err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	return nil
}

// name gives an open file its name, and goes on writing it. Some systems rename no
// open file.
func (o *output) name() error {
	if err := errors.Join(o.release(), o.file.Sync(), o.file.Close()); err != nil {
		return fmt.Errorf("capture: cannot write %q: %w", o.path, err)
	}
	if err := o.rename(o.path); err != nil {
		return err
	}
	file, err := os.OpenFile(o.path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	o.file, o.disk.file = file, uncached.New(file)
	return nil
}

// unfinished is behind the name of a file that gets its name when it is fit to be
// opened. Whatever happens before, there is nothing with that name that is not.
const unfinished = ".unfinished"

// openUnfinished makes the file that is to be called path. One that a run has left
// behind that was killed is taken away.
func openUnfinished(path string) (*os.File, error) {
	path += unfinished
	if err := ownership.Writable(path); err != nil {
		return nil, notOurs(err)
	}
	os.Remove(path)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	return f, nil
}

// replaceable gives the file behind path, through links. It is not real if the path
// is something else than a regular file or nothing at all.
func replaceable(path string) (name string, real bool) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, true
	}
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			info, err = os.Stat(path)
		}
	}
	return path, err == nil && info.Mode().IsRegular()
}

// mayReplace refuses a file that others have a hold on, and one that is there and not
// empty, unless overwrite is set.
func mayReplace(path string, overwrite bool) error {
	if err := ownership.Writable(path); err != nil {
		return notOurs(err)
	}
	info, err := os.Stat(path)
	if err == nil && info.Mode().IsRegular() && info.Size() > 0 && !overwrite {
		return fmt.Errorf("capture: %q exists and is not empty: choose another name, or say --overwrite", path)
	}
	return nil
}

// notOurs is an error of package ownership, or of the system, with what to do next.
func notOurs(err error) error {
	if path := new(fs.PathError); errors.As(err, &path) {
		return fmt.Errorf("capture: %w", err)
	}
	return fmt.Errorf("capture: %w: choose another name", err)
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

// openPrivate opens a file for writing that nobody else has a hold on or can read,
// and empties it only once that is so.
func openPrivate(path string, overwrite bool) (*os.File, error) {
	f, err := ownership.Open(path, 0o600)
	if err != nil {
		return nil, notOurs(err)
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() {
		if err := mayReplace(path, overwrite); err != nil {
			f.Close()
			return nil, err
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
// one write can be overwritten by the next. What could be written in part only, as on
// a full disk, is taken back: the file ends with what was written last, and its tail.
type diskFile struct {
	file    storage
	written *atomic.Int64
	at      int64
	tail    []byte // behind at

	holding bool        // what is written is held until release
	held    []heldWrite // in order
	heldAll []byte      // the bytes of all of them
	heldLen int         // those, and the tails
}

// heldWrite is a write that is held: the next n bytes, and the tail behind them.
type heldWrite struct {
	n    int
	tail []byte
}

// mostHeld bounds what is held.
const mostHeld = 1 << 20

// hold keeps back what is written, so that many writes become one.
func (d *diskFile) hold() { d.holding = true }

// release hands what was held to the system: at once, or if there is no room for all,
// one write after the other as far as they fit.
func (d *diskFile) release() error {
	d.holding = false
	if len(d.held) == 0 {
		return nil
	}
	err := d.put(d.heldAll, d.held[len(d.held)-1].tail)
	if err != nil && len(d.held) > 1 {
		rest := d.heldAll
		for _, w := range d.held {
			if err = d.put(rest[:w.n], w.tail); err != nil {
				break
			}
			rest = rest[w.n:]
		}
	}
	clear(d.held)
	d.held, d.heldAll, d.heldLen = d.held[:0], reuse(d.heldAll)[:0], 0
	return err
}

// size is how much has been written, with what is held.
func (d *diskFile) size() int64 { return d.at + int64(len(d.heldAll)) }

func (d *diskFile) Write(b []byte) (int, error) {
	if err := d.write(b, nil); err != nil {
		return 0, err
	}
	return len(b), nil
}

// WriteTail cuts off what a longer tail before has left behind.
func (d *diskFile) WriteTail(b, tail []byte) error { return d.write(b, tail) }

func (d *diskFile) write(b, tail []byte) error {
	if !d.holding {
		return d.put(b, tail)
	}
	d.held = append(d.held, heldWrite{len(b), slices.Clone(tail)})
	d.heldAll = append(d.heldAll, b...)
	if d.heldLen += len(b) + len(tail); d.heldLen < mostHeld {
		return nil
	}
	err := d.release()
	d.hold()
	return err
}

func (d *diskFile) put(b, tail []byte) error {
	joined := b
	if len(tail) > 0 { // in one write: we may be killed at any time
		joined = slices.Concat(b, tail)
	}
	_, err := d.file.WriteAt(joined, d.at)
	if err == nil && len(joined) < len(d.tail) {
		err = d.file.Truncate(d.at + int64(len(joined)))
	}
	if err != nil {
		return errors.Join(err, d.restore())
	}
	d.at += int64(len(b))
	d.written.Store(d.at)
	d.tail = append(d.tail[:0], tail...)
	return nil
}

// restore puts back what a write that has failed was to replace. There was room for it.
func (d *diskFile) restore() error {
	if err := d.file.Truncate(d.at + int64(len(d.tail))); err != nil {
		return err
	}
	_, err := d.file.WriteAt(d.tail, d.at)
	return err
}

// Rewrite writes a new file beside the old one and then gives it the old one's
// name. Where that cannot be done the old contents, which are whole, stay.
func (d *diskFile) Rewrite(write func(io.ReaderAt, io.Writer) error) error {
	if err := d.release(); err != nil {
		return err
	}
	path, err := filepath.EvalSymlinks(d.file.Name())
	if err != nil {
		return nil
	}
	f, err := openUnfinished(path)
	if err != nil {
		return nil
	}
	buffered := bufio.NewWriterSize(f, 1<<16)
	err = errors.Join(write(d.file, buffered), buffered.Flush(), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return nil
}
