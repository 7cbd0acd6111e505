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
	opened  []opened
	said    []string // what could not be read, as it was said on standard error
	book    session.Book
	shared  decode.Run
}

func (in *inputFlags) add(f *pflag.FlagSet) {
	f.StringArrayVar(&in.keylogs, "keylog", nil, "TLS secrets of the captures, a `file` in the format of SSLKEYLOGFILE (repeatable)")
}

// opened is a file that was read, and its sessions as they were numbered: none if to
// is below from.
type opened struct {
	path     string
	from, to int
}

// say tells what could not be read.
func (in *inputFlags) say(format string, args ...any) {
	in.said = append(in.said, fmt.Sprintf(format, args...))
	say(os.Stderr, "warning: "+format, args...)
}

// read gives the events of captures, one file after another; the sessions of
// later files are numbered on. A file that breaks off is read as far as it goes,
// with a line on standard error; one that cannot be read at all is an error. "-"
// is standard input. When ctx is done, reading ends with what was read.
func (in *inputFlags) read(ctx context.Context, paths []string, emit func(session.Event) error) error {
	keys, err := in.keys()
	if err != nil {
		return err
	}
	// Reading makes much garbage and keeps little: collect it less often.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	base, last := 0, 0
	for _, path := range paths {
		f := &input{ctx: ctx, path: path, say: in.say, keys: keys, book: &in.book, shared: &in.shared, progress: newProgress(path, in.scrolls)}
		read := func(emit passive.Emit) error {
			f.emit = func(e session.Event, by *decode.Session) error {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				f.events++
				return emit(e, by)
			}
			return f.read()
		}
		take := func(e session.Event) error {
			e.Session += base
			last = max(last, e.Session)
			return emit(e)
		}
		if path == "-" { // it may come slowly: each event counts at once
			err = read(func(e session.Event, by *decode.Session) error {
				if by != nil {
					e = by.Explain(e)
				}
				return take(e)
			})
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
		in.opened = append(in.opened, opened{path, base + 1, last})
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
			in.say("--keylog %s: %s", path, inWords(err))
		}
	}
	return keys, nil
}

// input is one file on its way in.
type input struct {
	ctx      context.Context
	path     string
	say      func(format string, args ...any)
	keys     *tls.Keys
	book     *session.Book
	shared   *decode.Run
	emit     passive.Emit
	progress *progress
	events   int
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
		return usageError{hinted{fmt.Errorf("%s is a folder, not a capture", f.path), "name the captures in it"}}
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
	by := func(*session.Event) *decode.Session { return nil }
	if prefix, _ := r.Peek(4); packet.IsNG(prefix) {
		by = f.bare()
	}
	_, err = capture.Read(r, func(e session.Event) error { return f.emit(e, by(&e)) })
	return err
}

// bare finds who explains an event: nobody, but in sessions whose events are bare,
// those of a pcapng file of ours that has lost all but its packets.
func (f *input) bare() func(*session.Event) *decode.Session {
	bare := map[int]*decode.Session{}
	return func(e *session.Event) *decode.Session {
		d, known := bare[e.Session]
		if !known && session.Numbered(e.Body) {
			if e.Step == nil && e.Summary == "" && len(e.Notes) == 0 {
				d = f.explainer()
			}
			bare[e.Session] = d
		}
		return d
	}
}

func (f *input) explainer() *decode.Session {
	d := decode.NewSession(rules(), f.book)
	d.Share(f.shared)
	return d
}

// foreign reads packets that others have recorded.
func (f *input) foreign(r io.Reader) error {
	report, err := passive.Read(r, passive.Options{Keys: f.keys, Explain: f.explainer}, f.emit)
	if f.ctx.Err() != nil || err != nil && !isDamaged(err) {
		return err
	}
	f.progress.clear()
	name := f.path
	if report.BadKeys != nil {
		f.say("%s: %s", name, inWords(report.BadKeys))
	}
	if report.Unreadable > 0 {
		f.say("%s: %s of a link type that xmppscope does not know", name, countOf(report.Unreadable, "packet"))
	}
	if report.WebSocket > 0 {
		f.say("%s: %s XMPP over WebSocket, which cannot be opened yet", name, countOf(report.WebSocket, "connection"))
	}
	if report.Locked > 0 {
		f.say("%s: %s inside TLS that could not be decrypted", name, countOf(report.Locked, "session"))
		say(os.Stderr, "hint: let the client log its secrets (SSLKEYLOGFILE=FILE) while you capture, and add --keylog FILE")
	}
	if report.Sessions == 0 && report.Packets > 0 {
		f.say("%s: no XMPP in it: %s, %s", name, countOf(report.Packets, "packet"), countOf(report.Connections, "TCP connection"))
	}
	return err
}

func isDamaged(err error) bool {
	var damaged *packet.Damaged
	return errors.As(err, &damaged)
}

// explain says what could not be read. It is an error if nothing could be.
func (f *input) explain(err error) error {
	if err == nil {
		return nil
	}
	if _, before, _, _, broken := place(err); broken && before > 0 {
		f.say("%s", brokenOff(f.path, err))
		return nil
	}
	return unreadable(f.path, err)
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
