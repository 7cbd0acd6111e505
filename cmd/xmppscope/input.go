package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/spf13/pflag"

	"xmppscope/capture"
	"xmppscope/capture/packet"
	"xmppscope/capture/passive"
	"xmppscope/capture/tls"
	"xmppscope/decode"
	"xmppscope/session"
)

// inputFlags say how captures are read.
type inputFlags struct {
	keylogs []string
	scrolls bool // what is read goes by on the terminal: that is progress enough
	wire    bool // packets and keys of captures of others are wanted too (session.WirePacket)
	book    session.Book
	shared  decode.Run
}

func (in *inputFlags) add(f *pflag.FlagSet) {
	f.StringArrayVar(&in.keylogs, "keylog", nil, "TLS secrets of the captures, a `file` in the format of SSLKEYLOGFILE (repeatable)")
}

// read gives the events of captures, one file after another; the sessions of
// later files are numbered on. A file that breaks off is read as far as it goes,
// with a line on standard error; one that cannot be read at all is an error. "-"
// is standard input, FILE#2 the second session of FILE alone, with its number. When
// ctx is done, reading ends with what was read.
func (in *inputFlags) read(ctx context.Context, paths []string, emit func(session.Event) error) error {
	keys, err := in.keys()
	if err != nil {
		return err
	}
	// Reading makes much garbage and keeps little: collect it less often.
	defer debug.SetGCPercent(debug.SetGCPercent(200))
	base, last := 0, 0
	for _, name := range paths {
		path, only := splitSession(name)
		found := 0 // sessions
		f := &input{ctx: ctx, path: path, wire: in.wire, keys: keys, book: &in.book, shared: &in.shared, progress: newProgress(path, in.scrolls)}
		read := func(emit func(session.Event) error) error {
			f.emit = func(e session.Event) error {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				f.events++
				return emit(e)
			}
			return f.read()
		}
		take := func(e session.Event) error {
			found = max(found, e.Session)
			if only > 0 && e.Session != only {
				return nil
			}
			e.Session += base
			last = max(last, e.Session)
			return emit(e)
		}
		if path == "-" { // it may come slowly: each event counts at once
			err = read(take)
		} else {
			err = ahead(read, take)
		}
		f.progress.clear()
		if ctx.Err() != nil {
			return nil
		}
		if err := f.explain(err); err != nil {
			return err
		}
		if only > found {
			return usageError{hinted{fmt.Errorf("%s holds no session %d", path, only), fmt.Sprintf("it holds %s: xmppscope print %s", countOf(found, "session"), path)}}
		}
		base = last
	}
	return nil
}

// keys reads the key logs.
func (in *inputFlags) keys() (*tls.Keys, error) {
	keys := new(tls.Keys)
	for _, path := range in.keylogs {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, usageError{fmt.Errorf("--keylog: %w", err)}
		}
		n, err := keys.Add(text)
		switch {
		case n == 0:
			return nil, usageError{hinted{fmt.Errorf("--keylog %s: there are no TLS secrets in it", path), "it has lines such as CLIENT_RANDOM …; let the client write it: SSLKEYLOGFILE=FILE"}}
		case err != nil:
			say(os.Stderr, "warning: --keylog %s: %v", path, err)
		}
	}
	return keys, nil
}

// input is one file on its way in.
type input struct {
	ctx      context.Context
	path     string
	keys     *tls.Keys
	book     *session.Book
	shared   *decode.Run
	emit     func(session.Event) error
	progress *progress
	events   int
	wire     bool
}

const (
	readAhead = 1 << 18
	maxNested = 4 // gzip in gzip
)

func (f *input) read() error {
	file := os.Stdin
	if f.path != "-" {
		var err error
		if file, err = os.Open(f.path); err != nil {
			return usageError{err}
		}
		defer file.Close()
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		return usageError{fmt.Errorf("%s is a folder, not a capture", f.path)}
	}
	if err == nil && info.Mode().IsRegular() {
		f.progress.size = info.Size()
	}
	r := bufio.NewReaderSize(&counted{f, file}, readAhead)
	for range maxNested {
		if magic, _ := r.Peek(3); string(magic) != "\x1f\x8b\x08" {
			break
		}
		z, err := gzip.NewReader(r)
		if err != nil {
			return err
		}
		r = bufio.NewReaderSize(z, readAhead)
	}
	if capture.Foreign(r) {
		return f.foreign(r)
	}
	emit := f.emit
	if prefix, _ := r.Peek(4); packet.IsNG(prefix) {
		emit = f.told()
	}
	_, err = capture.Read(r, emit)
	return err
}

// told explains sessions whose events are bare: those of a pcapng file of ours that
// has lost all but its packets.
func (f *input) told() func(session.Event) error {
	bare := map[int]*decode.Session{}
	return func(e session.Event) error {
		d, known := bare[e.Session]
		if !known && session.Numbered(e.Body) {
			if e.Step == nil && e.Summary == "" && len(e.Notes) == 0 {
				d = f.explainer()
			}
			bare[e.Session] = d
		}
		if d != nil {
			e = d.Explain(e)
		}
		return f.emit(e)
	}
}

func (f *input) explainer() *decode.Session {
	d := decode.NewSession(rules(), f.book)
	d.Share(f.shared)
	return d
}

// foreign reads packets that others have recorded.
func (f *input) foreign(r io.Reader) error {
	report, err := passive.Read(r, passive.Options{Keys: f.keys, Explain: f.explainer, Wire: f.wire}, f.emit)
	if f.ctx.Err() != nil || err != nil && !isDamaged(err) {
		return err
	}
	f.progress.clear()
	name := f.path
	if report.BadKeys != nil {
		say(os.Stderr, "warning: %s: %v", name, report.BadKeys)
	}
	if report.Unkept > 0 {
		say(os.Stderr, "warning: %s: %s came too long before it was known whose they are, and are left out", name, countOf(report.Unkept, "packet"))
	}
	if report.Unreadable > 0 {
		say(os.Stderr, "warning: %s: %s of a link type that xmppscope does not know", name, countOf(report.Unreadable, "packet"))
	}
	if report.WebSocket > 0 {
		say(os.Stderr, "warning: %s: %s XMPP over WebSocket, which cannot be opened yet", name, countOf(report.WebSocket, "connection"))
	}
	if report.Locked > 0 {
		say(os.Stderr, "%s: %s inside TLS that could not be decrypted", name, countOf(report.Locked, "session"))
		say(os.Stderr, "hint: let the client log its secrets (SSLKEYLOGFILE=FILE) while you capture, and add --keylog FILE")
	}
	if report.Sessions == 0 && report.Packets > 0 {
		say(os.Stderr, "warning: %s: no XMPP in it: %s, %s", name, countOf(report.Packets, "packet"), countOf(report.Connections, "TCP connection"))
	}
	return err
}

func isDamaged(err error) bool {
	var damaged *packet.Damaged
	return errors.As(err, &damaged)
}

// explain says what could not be read. It is an error if nothing could be.
func (f *input) explain(err error) error {
	var cut *capture.Truncated
	var damaged *packet.Damaged
	switch {
	case err == nil:
		return nil
	case errors.As(err, &cut) && cut.Events > 0, errors.As(err, &damaged) && damaged.Packets > 0:
		say(os.Stderr, "warning: %s: %v", f.path, err)
		return nil
	case cut != nil, damaged != nil, errors.Is(err, capture.ErrUnknown), errors.Is(err, gzip.ErrHeader):
		return usageError{fmt.Errorf("%s: %w", f.path, err)}
	}
	return err
}

// counted reads a file for as long as nobody has had enough.
type counted struct {
	f *input
	r io.Reader
}

func (c *counted) Read(p []byte) (int, error) {
	if err := c.f.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	c.f.progress.add(n, c.f.events)
	return n, err
}
