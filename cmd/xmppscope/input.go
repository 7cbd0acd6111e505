package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"xmppscope/capture"
	"xmppscope/capture/packet"
	"xmppscope/capture/passive"
	"xmppscope/decode"
	"xmppscope/session"
)

// inputFlags say how captures are read.
type inputFlags struct {
	keylogs []string
	trust   trustFlags
	known   passwordFlag
	who     *accounts                      // those of known; nil before they are read
	scrolls bool                           // what is read goes by on the terminal: that is progress enough
	tell    teller                         // nil: lines on standard error
	reading func(path string, p *progress) // nil, or called when a file is begun
	finish  func(opened)                   // nil, or called when a file has been read
	idle    func()                         // nil, or called before more of a pipe is waited for
	wire    bool                           // packets and keys of captures of others are wanted too (session.WirePacket)
	book    session.Book
	shared  decode.Run
}

// teller says a line about what is read.
type teller func(format string, args ...any)

func (in *inputFlags) add(f *pflag.FlagSet) {
	f.StringArrayVar(&in.keylogs, "keylog", nil, "TLS secrets of the captures, a `file` in the format of SSLKEYLOGFILE (repeatable)")
	in.known.add(f)
	in.trust.addRoots(f, "servers' certificates in captures of others")
}

// opened is a file that was read, and its sessions as they were numbered: none if to
// is below from.
type opened struct {
	path     string
	from, to int
	going    bool // it is not known yet
}

// read gives the events of captures, one file after another; the sessions of
// later files are numbered on. A file that breaks off is read as far as it goes,
// with a line on standard error; one that cannot be read at all is an error. "-"
// is standard input, FILE#2 the second session of FILE alone, with its number. When
// ctx is done reading ends, and after what was read comes an *interruption.
func (in *inputFlags) read(ctx context.Context, paths []string, emit func(session.Event) error) error {
	if in.tell == nil {
		in.tell = func(format string, args ...any) { say(os.Stderr, format, args...) }
	}
	keys, err := openKeylogs(in.keylogs, slices.ContainsFunc(filesOf(paths), comesSlowly), in.tell)
	if err != nil {
		return err
	}
	config, err := in.trust.config()
	if err != nil {
		return err
	}
	if err := in.readAccounts(); err != nil {
		return err
	}
	defer collectSeldom(0)()
	base, last := 0, 0
	for _, name := range paths {
		if err := wrongNumber(name); err != nil {
			return err
		}
		path, only := splitSession(name)
		found := 0 // sessions
		f := &input{ctx: ctx, path: path, only: only, name: nameOf(path), wire: in.wire, idle: in.idle, who: in.who, keylogs: keys, verify: passiveTrust(config), book: &in.book, shared: &in.shared, tell: in.tell, progress: newProgress(nameOf(path), in.scrolls)}
		if in.reading != nil {
			in.reading(name, f.progress)
		}
		read := func(emit passive.Emit) error {
			f.emit = func(e session.Event, by *decode.Session) error {
				f.events++
				return emit(e, by)
			}
			return f.read()
		}
		take := func(e session.Event) error {
			found = max(found, e.Session)
			if only > 0 && e.Session != only {
				return nil
			}
			if e.Session > 0 { // 0 is the run that was recorded
				e.Session += base
			}
			last = max(last, e.Session)
			return emit(e)
		}
		if comesSlowly(path) { // each event counts at once
			err = read(func(e session.Event, by *decode.Session) error {
				if by != nil {
					said := e.Annotation()
					if e = by.Explain(e.Seen); said != (session.Annotation{}) {
						e = e.Annotated(said)
					}
				}
				return take(e)
			})
		} else {
			err = ahead(read, take)
		}
		f.progress.clear()
		if f.stopped {
			return &interruption{f.name, f.progress.where(), f.events}
		}
		if err := f.explain(err); err != nil {
			return err
		}
		if only > found {
			return usageError{hinted{fmt.Errorf("%s holds no session %d", f.name, only), "it holds " + session.Plural(found, "session")}}
		}
		if in.finish != nil {
			in.finish(opened{path: name, from: base + 1, to: last})
		}
		base = last
	}
	return nil
}

// readAccounts reads the passwords that are given.
func (in *inputFlags) readAccounts() error {
	if in.who != nil {
		return nil
	}
	in.who = new(accounts)
	return in.who.read(&in.known)
}

// tellUnused says which passwords were for nobody, when all has been read.
func (in *inputFlags) tellUnused() {
	for _, line := range in.who.unused() {
		in.tell("%s", line)
	}
}

// nameOf is what a file is called in messages.
func nameOf(path string) string {
	if path == "-" {
		return "standard input"
	}
	return path
}

// comesSlowly says whether a file is a pipe or the like: it may be written while
// it is read.
func comesSlowly(path string) bool {
	info, err := os.Stat(path)
	if path == "-" {
		info, err = os.Stdin.Stat()
	}
	return err == nil && !info.Mode().IsRegular() && !info.IsDir()
}

// input is one file on its way in.
type input struct {
	ctx      context.Context
	path     string
	only     int    // the session that was asked for; 0: all
	name     string // of the file in messages
	idle     func()
	who      *accounts
	keylogs  *keylogs
	verify   func([]*x509.Certificate, passive.Wanted) *session.Verification
	book     *session.Book
	shared   *decode.Run
	tell     teller
	emit     passive.Emit
	progress *progress
	events   int
	stopped  bool
	magic    string // the first bytes of what is no packet capture
	wire     bool
}

func (f *input) read() error {
	grows := false
	src, err := openSource(f.ctx, f.path, f.idle, func(n int) {
		f.progress.add(n, f.events)
		if grows {
			f.keylogs.grown()
		}
	})
	if err != nil {
		f.stopped = errors.Is(err, errEnough)
		return err
	}
	defer src.close()
	defer func() { f.stopped = src.stopped }()
	grows = !src.regular
	f.progress.size.Store(src.size())
	if capture.Foreign(src.Reader) {
		return f.foreign(src)
	}
	by := func(*session.Event) *decode.Session { return nil }
	if f.who.any() {
		by = f.anew()
	} else if prefix, _ := src.Peek(4); packet.IsNG(prefix) {
		by = f.bare()
	}
	magic, _ := src.Peek(sniffed)
	f.magic = string(magic)
	left, err := f.leftBeside()
	if err != nil {
		return err
	}
	_, err = capture.Read(src.Reader, func(e session.Event) error {
		left.note(e)
		d := by(&e)
		return f.emit(e, d)
	})
	if failed := left.tell(f.emit); failed != nil {
		return failed
	}
	return err
}

// sniffed is how many bytes tell the other kinds of files.
const sniffed = 8

// packers are other ways to make a file small.
var packers = []struct{ magic, name string }{
	{"\x28\xb5\x2f\xfd", "zstd"}, {"\xfd7zXZ", "xz"}, {"BZh", "bzip2"}, {"\x04\x22\x4d\x18", "lz4"}, {"PK\x03\x04", "zip"},
}

// packer is the program that has packed a file in a way that is not read here, "" if
// nothing says so.
func (f *input) packer() string {
	for _, p := range packers {
		if strings.HasPrefix(f.magic, p.magic) {
			return p.name
		}
	}
	return ""
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
	d := prepared().NewSession(f.book)
	d.Share(f.shared)
	if f.who.any() {
		d.KnowPasswords(f.who.find)
	}
	return d
}

// asked says whether a session is one of those that were asked for.
func (f *input) asked(session int) bool { return f.only == 0 || f.only == session }

// foreign reads packets that others have recorded.
func (f *input) foreign(src *source) error {
	o := passive.Options{Keys: f.keylogs.keys, Explain: f.explainer, Verify: f.verify, Wire: f.wire, MoreKeys: !src.regular && len(f.keylogs.files) > 0}
	if src.regular {
		o.Late, o.AllKeys = f.survey(src)
	}
	report, err := passive.Read(src.Reader, o, f.emit)
	if src.stopped || err != nil && !isDamaged(err) {
		return err
	}
	f.progress.clear()
	name := f.name
	if report.BadKeys != nil {
		f.tell("warning: %s: %s", name, inWords(report.BadKeys))
	}
	if report.Unkept > 0 {
		f.tell("warning: %s: %s came too long before it was known whose they are, and are left out", name, session.Plural(report.Unkept, "packet"))
	}
	if report.Late > 0 {
		f.tell("warning: %s: %s out of order by more than can be put right: what they carried is left out", name, session.Plural(report.Late, "packet"))
		if !src.regular {
			f.tell("hint: save it to a file first: there packets are put in the order of their times")
		}
	}
	if report.Unreadable > 0 {
		f.tell("warning: %s: %s of a link type that xmppscope does not know (LINKTYPE %d)", name, session.Plural(report.Unreadable, "packet"), report.UnknownLink)
	}
	if report.Locked > 0 {
		f.tell("%s: %s inside TLS that could not be decrypted", name, session.Plural(report.Locked, "session"))
		f.tell("hint: %s", report.Hint)
	}
	if report.Sessions == 0 && report.Packets > 0 {
		f.tell("warning: %s: no XMPP in it: %s, %s", name, session.Plural(report.Packets, "packet"), session.Plural(report.Connections, "TCP connection"))
	}
	return err
}

// survey looks through a file before it is read: for the TLS secrets in it, which may
// stand behind the packets that they open, and for the order of its packets. It says
// whether it has come to the end.
func (f *input) survey(src *source) (late time.Duration, whole bool) {
	p := f.progress
	done := p.done.Load()
	p.doing = "looking through"
	defer func() {
		p.done.Store(done)
		p.doing = doingRead
	}()
	again := func() (io.Reader, error) {
		p.done.Store(0)
		return src.again(f.ctx, func(n int) { p.add(n, f.events) })
	}
	late, err := packet.Survey(again, func(lines []byte) {
		f.keylogs.keys.Add(lines) // lines that are bad come up again
	})
	return late, err == nil
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
		f.tell("warning: %s", brokenOff(f.path, err))
		return nil
	}
	return noCapture(f.path, err, f.packer())
}
