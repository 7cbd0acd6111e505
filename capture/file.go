package capture

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"xmppscope/capture/pseudonym"
	"xmppscope/internal/uncached"
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
	*output  // at hand
	format   Format
	o        Options
	names    *pseudonym.Names // nil without Options.Pseudonymise
	mu       sync.Mutex
	timer    *time.Timer // runs Flush; nil where that is for nobody
	waiting  bool        // the timer runs
	counter  atomic.Pointer[atomic.Int64]
	err      error  // the first failure: nothing is written after it
	lateName string // what the file is to be called when it is whole, "" if it is called so already

	// Of a recording that goes on in further files.
	base      string // the path as it was given
	number    int    // of the file at hand
	rotate    Rotate
	overwrite bool
	underway  map[int]*underway
}

// Create starts a recording in the format of path's extension. A file that is
// there already and not empty is refused unless overwrite is set; that the path
// is none that is being read is for the caller to see to (SameFile).
func Create(path string, overwrite bool, o Options) (*File, error) {
	f, err := newFile(path, overwrite, o)
	if err != nil {
		return nil, err
	}
	file, err := openPrivate(path, overwrite)
	if err != nil {
		return nil, err
	}
	return f.begin(path, file)
}

// CreateWhole is Create for what is of use only when it is whole, such as an
// export: the file has its name from Close on, and what had that name before stays
// until then, or for good after Discard. Where that cannot be done, as with a device,
// it is Create.
func CreateWhole(path string, overwrite bool, o Options) (*File, error) {
	f, err := newFile(path, overwrite, o)
	if err != nil {
		return nil, err
	}
	if err := mayReplace(path, overwrite); err != nil {
		return nil, err
	}
	name, real := replaceable(path)
	if !real {
		return Create(path, overwrite, o)
	}
	file, err := openUnfinished(name)
	if err != nil {
		return Create(path, overwrite, o) // which knows what is wrong, if it is
	}
	f.lateName = name
	if f, err = f.begin(path, file); err != nil {
		os.Remove(file.Name())
	}
	return f, err
}

// Attach starts a recording on a file that is open, such as standard output; path
// names it, and its format.
func Attach(file *os.File, path string, o Options) (*File, error) {
	f, err := newFile(path, false, o)
	if err != nil {
		return nil, err
	}
	return f.begin(path, file)
}

// newFile settles what is to be written.
func newFile(path string, overwrite bool, o Options) (*File, error) {
	named := path
	if o.Ext != "" {
		named = o.Ext
	}
	format, err := ForPath(named)
	if err != nil {
		return nil, err
	}
	f := &File{base: path, overwrite: overwrite, format: format, o: o, underway: map[int]*underway{}}
	f.o.Redact = f.o.Redact || f.o.Pseudonymise
	switch {
	case f.o.Redact && f.o.Reveal:
		return nil, fmt.Errorf("capture: %q cannot have secrets both in the clear and blanked", path)
	case f.o.Redact && format.Ext == ".keylog":
		return nil, fmt.Errorf("capture: %q would hold keys and nothing else: there is nothing to blank them in", path)
	}
	if f.o.Pseudonymise {
		f.names = pseudonym.New()
	}
	return f, nil
}

// begin starts the recording in a file.
func (f *File) begin(path string, file *os.File) (*File, error) {
	out, err := f.start(path, file)
	if err != nil {
		return nil, err
	}
	f.use(out)
	return f, nil
}

// start writes the format's beginning to a file.
func (f *File) start(path string, file *os.File) (*output, error) {
	out := &output{path: path, file: file, begun: time.Now()}
	var sink io.Writer = &countedFile{file, &out.written}
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		out.disk = &diskFile{file: uncached.New(file), written: &out.written}
		sink = out.disk
	}
	w, err := f.format.New(sink, f.o)
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("capture: cannot write %q: %w", path, err)
	}
	out.writer = w
	out.flusher, _ = w.(Flusher)
	return out, nil
}

// use makes a file the one at hand.
func (f *File) use(out *output) {
	f.output = out
	f.counter.Store(&out.written)
	if f.flusher != nil && f.timer == nil && f.lateName == "" { // else nobody looks before it is whole
		f.timer = time.AfterFunc(time.Hour, func() { f.Flush() })
		f.timer.Stop()
	}
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
func (f *File) Wire() bool { return f.format.Holds(session.WireBytes{}, f.o.Redact) }

// Packets says whether the file wants wire:packet.
func (f *File) Packets() bool { return f.format.Holds(session.WirePacket{}, f.o.Redact) }

// Secrets says whether the file holds secrets in the clear: because its format
// does by nature, or because they were to be revealed.
func (f *File) Secrets() bool { return f.format.Secrets && !f.o.Redact || f.o.Reveal }

// Written is how many bytes the system has taken for the file at hand. Unlike all
// else it does not wait for a Write that hangs.
func (f *File) Written() int64 { return f.counter.Load().Load() }

// Write records an event. After a failure every call returns that failure.
func (f *File) Write(e session.Event) error { return f.WriteAll([]session.Event{e}) }

// WriteAll records events as Write does, with fewer calls of the system.
func (f *File) WriteAll(events []session.Event) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := 0; i < len(events) && f.err == nil; i++ {
		if f.disk != nil && i+1 < len(events) {
			f.disk.hold()
		}
		f.write(events[i])
	}
	f.fail(f.release())
	return f.err
}

// write records an event. The caller holds mu.
func (f *File) write(e session.Event) {
	if !f.format.Holds(e.Body, f.o.Redact) {
		return
	}
	if f.names != nil {
		e = f.names.Event(e)
	}
	f.fail(f.writer.Write(e))
	f.carry(&e)
	if f.err == nil && f.due() {
		f.err = f.next()
	}
	if f.timer != nil && !f.waiting {
		f.waiting = true
		f.timer.Reset(flushAfter)
	}
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
		if err == nil && f.lateName != "" {
			err = f.rename(f.lateName)
		}
	} else {
		f.file.Close() // it fails for the same reason
	}
	if err != nil && f.lateName != "" {
		os.Remove(f.file.Name())
	}
	f.err = fmt.Errorf("capture: %q: %w", f.path, os.ErrClosed)
	return err
}

// Discard ends the recording without it: what was begun is taken away, if it has not
// got its name yet.
func (f *File) Discard() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if errors.Is(f.err, os.ErrClosed) {
		return
	}
	if f.timer != nil {
		f.timer.Stop()
	}
	f.file.Close()
	if f.lateName != "" {
		os.Remove(f.file.Name())
	}
	f.err = fmt.Errorf("capture: %q: %w", f.path, os.ErrClosed)
}

func (f *File) fail(err error) {
	if err != nil && f.err == nil {
		f.err = fmt.Errorf("capture: cannot write %q: %w", f.path, err)
	}
}
