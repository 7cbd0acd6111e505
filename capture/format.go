// Package capture keeps sessions in files, and reads them back.
//
// A format is one file of this package: a Format value that adds itself to the
// list. Its writer takes events as they happen, those of all sessions
// interleaved, and every prefix of what it has written can be read up to the
// last whole event. Its reader, where it has one, gives the same events back.
//
//	.jsonl   the events themselves, one JSON object a line (jsonl.go)
//	.xml     one well-formed document with times, steps and explanations (xml.go)
//	.html    a report for a browser: verdict, ladder, findings (html.go)
//	.md      a section to paste into an issue (markdown.go)
//	.txt     the ladder for a person's eyes, 80 columns wide (laddertext.go)
//	.pcapng  both legs as TCP carried them, TLS keys, the plaintext (pcapng.go)
//	.pcap    the plaintext as TCP connections, and the events (pcap.go)
//	.keylog  the TLS keys alone (keylog.go)
//
// Of a session that others have captured, .pcapng has their packets in place of the
// legs, and .pcap has them alone. The last three hold secrets by nature, unless Options.Redact is set. The others
// blank them unless Options.Reveal is. Options.Pseudonymise hides names and texts
// as well. File puts any on disk with mode 0600, in one file or in several.
package capture

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"xmppscope/session"
)

// Writer takes the events of all sessions, interleaved, each session's in order,
// wire:bytes and tls:secret included. What a call has to say is handed to the
// underlying writer in one write, if at all: see Flusher.
type Writer interface {
	Write(session.Event) error
}

// Closer is a Writer whose file has an end: a footer, an end tag, a last FIN.
// Close does not close the underlying writer.
type Closer interface {
	Close() error
}

// Flusher is a Writer that may wait for the next event before it writes
// something out. Flush writes what it can; nothing but what must wait for the
// end of a TLS handshake stays behind.
type Flusher interface {
	Flush() error
}

// TailWriter is an underlying writer that can take something back: WriteTail
// writes b and then tail, and the next call writes over that tail. With it a
// format that ends with a footer is whole after each event.
type TailWriter interface {
	WriteTail(b, tail []byte) error
}

// Rewriter is an underlying writer that can be written anew: Rewrite hands what
// is there to write, and puts what that writes in its place. If it fails the old
// contents stay.
type Rewriter interface {
	Rewrite(write func(old io.ReaderAt, w io.Writer) error) error
}

// Options says what a recording is to hold.
type Options struct {
	Ext     string    // of the format, such as ".md"; "" for that of the path
	Tool    string    // who writes it: "xmppscope 0.1.0"
	Created time.Time // when this file was begun, a recording or an export; zero for not told
	Reveal  bool      // secrets in the clear, where the format has a choice
	// Redact blanks secrets where the format would hold them by nature, and leaves
	// out keys and what was encrypted with them.
	Redact bool
	// Pseudonymise replaces names, addresses and texts (see package pseudonym); it implies
	// Redact.
	Pseudonymise bool
	Full         bool // every event whole, where a report would list the later ones in short
	// Packets says that sessions may come that others have captured, with their
	// packets (session.WirePacket): a file then describes where these were captured.
	Packets bool
	// Piped says that another program reads while we write. Wireshark, when it
	// captures from a pipe, shows as many records less as there were custom blocks:
	// what is ours stands in blocks that it does not know then.
	Piped bool
	// Refresh is how often a browser that shows a report loads it again while it is
	// written; 0: when it is told to.
	Refresh time.Duration
	Pretty  session.Pretty // lays XML out for a person; nil leaves it as it was sent
}

// heading is one line about a recording, for formats that a person reads.
func (o *Options) heading() string {
	out := "xmppscope"
	if o.Tool != "" {
		out = o.Tool
	}
	if !o.Created.IsZero() {
		out += ", written " + o.Created.Format(time.RFC3339)
	}
	switch {
	case o.Reveal:
		return out + ", secrets in the clear"
	case o.Pseudonymise:
		return out + ", secrets blanked, names and texts replaced"
	}
	return out + ", secrets blanked"
}

// Format is one kind of file.
type Format struct {
	Ext     string // with its dot: ".pcapng"
	Title   string // a few words
	Secrets bool   // holds secrets by nature, whatever Options.Reveal says
	Wire    bool   // wants wire:bytes and tls:secret
	Packets bool   // wants wire:packet
	// New starts a recording.
	New func(io.Writer, Options) (Writer, error)
	// Sniff tells the format by the first bytes of a file (up to sniffLen), and Read
	// gives a recording's events in file order; nil if it cannot be read back. An
	// error of emit ends it and comes back as it is; what is wrong with the file comes
	// back as *Truncated.
	Sniff func(prefix []byte) bool
	Read  func(r io.Reader, emit func(session.Event) error) error
}

// Holds says whether events of a kind have a place in the format; redact says that its
// secrets are left out.
func (f Format) Holds(b session.Body, redact bool) bool {
	switch b.(type) {
	case session.WirePacket:
		return f.Packets && !redact
	case session.RelayLimit: // of the run: what is not read back tells of sessions alone
		return f.Read != nil
	}
	return f.Wire && !redact || session.Numbered(b)
}

const sniffLen = 512

// Bounds of what one event may take in a file, and of the memory it may take to
// read it back. The first leaves room for six bytes of file for one of the wire.
const (
	maxRaw    = 8 << 20
	maxRecord = 64 << 20
)

var errTooLong = fmt.Errorf("one event takes more than %d MiB", maxRecord>>20)

// bounded is the event with no more bytes than a file takes.
func bounded(e session.Event) session.Event {
	if len(e.Raw) > maxRaw {
		e.Raw, e.Truncated = e.Raw[:maxRaw], true
	}
	return e
}

var formats []Format

func add(f Format) { formats = append(formats, f) }

// Formats lists the known formats by extension.
func Formats() []Format {
	out := slices.Clone(formats)
	slices.SortFunc(out, func(a, b Format) int { return strings.Compare(a.Ext, b.Ext) })
	return out
}

// ForPath picks the format that a file name's extension asks for. The error for
// an unknown one lists those there are.
func ForPath(path string) (Format, error) {
	ext := strings.ToLower(filepath.Ext(path))
	var known []string
	for _, f := range Formats() {
		if f.Ext == ext {
			return f, nil
		}
		known = append(known, f.Ext)
	}
	list := strings.Join(known, ", ")
	if ext == "" {
		return Format{}, fmt.Errorf("capture: %q has no extension to tell its format by; known are %s", path, list)
	}
	return Format{}, fmt.Errorf("capture: %q has the unknown extension %q; known are %s", path, ext, list)
}

// ErrUnknown is wrapped by Read's error for contents that are no format of ours.
var ErrUnknown = errors.New("not a capture that xmppscope can read")

// Truncated says that a recording could not be read to its end: it was cut off,
// or damaged. Every whole event before Offset has been emitted.
type Truncated struct {
	Ext    string // of the format: ".jsonl"
	Offset int64  // where in the file the part begins that could not be read
	Events int    // how many were read before it
	Err    error  // what is wrong there
}

// Error is one line that names the place and the cause.
func (t *Truncated) Error() string {
	return fmt.Sprintf("capture: %s file is cut off or damaged at byte %d, after %d events: %v", t.Ext, t.Offset, t.Events, t.Err)
}

// Unwrap gives the cause.
func (t *Truncated) Unwrap() error { return t.Err }

// emitError carries an error of emit past the wrapping in Truncated.
type emitError struct{ error }

// Read reads a recording, whose format it tells by its contents, and emits its
// events in file order. A file that is cut off gives all that is whole in it,
// and then a *Truncated.
func Read(r io.Reader, emit func(session.Event) error) (Format, error) {
	b := bufio.NewReaderSize(r, sniffLen)
	prefix, err := b.Peek(sniffLen)
	if err != nil && err != io.EOF {
		return Format{}, fmt.Errorf("capture: %w", err)
	}
	if len(prefix) == 0 {
		return Format{}, fmt.Errorf("capture: %w: it is empty", ErrUnknown)
	}
	for _, f := range formats {
		if f.Sniff == nil || !f.Sniff(prefix) {
			continue
		}
		events := 0
		err := f.Read(b, func(e session.Event) error {
			if err := emit(e); err != nil {
				return emitError{err}
			}
			events++
			return nil
		})
		return f, readError(err, events)
	}
	return Format{}, fmt.Errorf("capture: %w: it begins with %q", ErrUnknown, prefix[:min(len(prefix), 16)])
}

func readError(err error, events int) error {
	var own emitError
	if errors.As(err, &own) {
		return own.error
	}
	var cut *Truncated
	if errors.As(err, &cut) {
		cut.Events = events
		return cut
	}
	return err
}
