package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"xmppscope/decode"
	"xmppscope/internal/api"
	"xmppscope/session"
	"xmppscope/viewer"
)

type openFlags struct {
	shown      outputFlags
	config     configFlags
	noRecovery bool
	in         inputFlags
	api        apiFlags
}

func (o *openFlags) add(f *pflag.FlagSet) {
	f.BoolVar(&o.shown.reveal, "reveal", false, "show secrets in the clear")
	f.StringVar(&o.shown.filter, "filter", "", "show only events that match (`EXPR`: see xmppscope help filter)")
	o.api.add(f)
	o.config.add(f)
	o.shown.config = &o.config
}

// options are those of the inspector on captures.
func (o *openFlags) options(paths []string) (viewer.Options, error) {
	match, err := o.shown.matcher()
	if err != nil {
		return viewer.Options{}, err
	}
	settings, err := o.config.read()
	return viewer.Options{
		Settings: settings,
		Title:    openTitle(paths), Reveal: o.shown.reveal,
		Pretty: decode.Pretty, Tree: treeOf, Filter: match, CompileFilter: o.config.naming().Compile,
	}, err
}

func newOpen() *cobra.Command {
	o := new(openFlags)
	cmd := &cobra.Command{
		Use: "open FILE…", Short: "open saved sessions in the inspector", Args: someFiles,
		Long: `Opens captures in the inspector: those of xmppscope, and packet captures of any
origin. A large file is shown while it is read; Ctrl-C stops the reading, and once
more leaves. "-" is standard input, which is followed as packets come in:

  tcpdump -U -w - port 5222 2>/dev/null | xmppscope open --keylog keys.txt -

A --keylog file may grow meanwhile, as the client writes it.

With --api, programs may look as well (see xmppscope help api); where there is no
terminal they alone do, until SIGTERM.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			options, err := o.options(args)
			if err != nil {
				return err
			}
			return o.open(cmd, args, "use xmppscope print "+strings.Join(args, " "), options)
		},
	}
	o.add(cmd.Flags())
	addNoRecovery(cmd.Flags(), &o.noRecovery)
	o.in.add(cmd.Flags())
	return cmd
}

// open shows captures, or a run, to whoever looks: at a terminal, or by --api.
func (o *openFlags) open(cmd *cobra.Command, paths []string, instead string, options viewer.Options) error {
	screen := isTerminal(os.Stdout) && hasKeyboard()
	if !screen && o.api.addr == "" {
		return usageError{hinted{fmt.Errorf("%s: the inspector needs a terminal", cmd.Name()), instead}}
	}
	server, err := o.api.listen(o.shown.reveal)
	if err != nil {
		return err
	}
	defer server.close()
	options.Start = server.tell(screen, options.Start)
	return open(cmd.Context(), &o.in, paths, instead, options, server, screen, o.noRecovery)
}

// hasKeyboard says whether there is a terminal for keys: standard input may be a
// capture.
func hasKeyboard() bool {
	if isTerminal(os.Stdin) {
		return true
	}
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	tty.Close()
	return true
}

// openPatience is how long the inspector waits for a file to be read: most are by
// then, and what is wrong with one is known.
const openPatience = 300 * time.Millisecond

// open shows captures in the inspector, while they are read, and to programs.
func open(ctx context.Context, in *inputFlags, paths []string, instead string, o viewer.Options, programs *server, screen, noRecovery bool) error {
	beyond := inspection{inUse: filesOf(paths), board: &board{to: os.Stderr}}
	in.who = &beyond.accounts
	if err := in.who.read(&in.known); err != nil {
		return err
	}
	log := session.NewLog()
	defer log.Close()
	beyond.log = log
	r := read(ctx, in, paths, log, screen)
	defer r.wait()
	if o.Live = slices.ContainsFunc(filesOf(paths), comesSlowly); !o.Live {
		select {
		case <-r.done:
		case <-time.After(openPatience):
		}
	}
	leave := make(chan struct{})
	go func() {
		<-r.done
		if r.failed != nil && r.empty {
			close(leave) // there is nothing to look at
		}
	}()
	r.mu.Lock()
	r.above = o.Start
	r.mu.Unlock()
	o.Log, o.Hooks, o.Done = log, beyond.hooks(), leave
	o.Reading = viewer.Reading{State: r.state, Stop: r.stop}
	o.Unsaved = slices.ContainsFunc(filesOf(paths), passesOnce)
	defer programs.serve(api.Options{Log: log, Title: o.Title, Sources: r.sources, Live: o.Live, Reveal: o.Reveal, CompileFilter: o.CompileFilter}, beyond.board)()
	var err error
	switch {
	case r.fruitless():
	case screen:
		end := beyond.board.begin()
		err = runInspector(ctx, o, instead)
		end()
		openRecovery(noRecovery).keepAndSay(log, beyond.ending)
	default:
		select {
		case <-ctx.Done():
		case <-leave:
		}
	}
	if !r.wait() {
		return err
	}
	in.tellUnused()
	beyond.report(os.Stderr)
	for _, line := range r.said {
		say(os.Stderr, "%s", line)
	}
	var i *interruption
	if errors.As(r.failed, &i) { // it was wanted
		return err
	}
	return errors.Join(err, r.failed)
}

// passesOnce says that what is read there is gone then: a pipe.
func passesOnce(path string) bool {
	if path == "-" {
		info, err := os.Stdin.Stat()
		return err == nil && !info.Mode().IsRegular()
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode()&fs.ModeNamedPipe != 0
}

// reading is captures that are read into a log, in a goroutine.
type reading struct {
	stop   context.CancelFunc
	done   chan struct{} // closed when it has ended
	failed error         // why; set before done is closed
	empty  bool          // nothing was read; as well

	mu    sync.Mutex
	where *progress // of the file that is being read
	files []opened  // that one is the last
	said  []string
	above []string // what the start screen says first
}

// read begins to read captures into a log. It ends the log when that is done, unless it goes
// on: in an inspector a password may change a verdict yet.
func read(ctx context.Context, in *inputFlags, paths []string, log *session.Log, goesOn bool) *reading {
	ctx, stop := context.WithCancel(ctx)
	r := &reading{stop: stop, done: make(chan struct{}), empty: true}
	in.wire = sizeOf(paths) <= maxKeptPackets // for an export
	in.scrolls = true                         // the inspector shows how far it is
	in.tell = r.tell
	in.reading = func(path string, p *progress) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.where = p
		r.files = append(r.files, opened{path: path, going: true})
	}
	in.finish = func(f opened) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.files[len(r.files)-1] = f
	}
	go func() {
		defer close(r.done)
		r.failed = in.read(ctx, paths, func(e session.Event) error {
			r.empty = false
			log.Append(e)
			return nil
		})
		if !goesOn {
			log.End()
		}
	}()
	return r
}

// tell keeps a line for the inspector, and for when it has been left.
func (r *reading) tell(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, safeLine(format, args...))
}

// wait ends the reading. It says whether that came about: a pipe that nobody has opened for
// writing cannot be opened, nor given up.
func (r *reading) wait() bool {
	r.stop()
	select {
	case <-r.done:
		return true
	case <-time.After(grace):
		return false
	}
}

// fruitless says that the reading is over and has brought nothing but an error.
func (r *reading) fruitless() bool {
	select {
	case <-r.done:
		return r.failed != nil && r.empty
	default:
		return false
	}
}

// state is what the inspector says of the reading.
func (r *reading) state() viewer.ReadingState {
	var s viewer.ReadingState
	select {
	case <-r.done:
	default:
		s.Going = true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, line := range r.said {
		s.Said = append(s.Said, strings.TrimPrefix(line, "warning: "))
	}
	s.Opened = slices.Concat(r.above, recording(r.files))
	if r.where != nil {
		s.Where = r.where.where()
	}
	if !s.Going && r.failed != nil {
		s.Problem = r.failed.Error()
		var i *interruption
		s.Stopped = errors.As(r.failed, &i)
	}
	return s
}

// maxKeptPackets is how large captures may be of which the inspector keeps the packets
// too: they go to its spill file, and take more room there.
const maxKeptPackets = 64 << 20

// sizeOf is how large files are together, as far as that can be known.
func sizeOf(inputs []string) (size int64) {
	for _, path := range filesOf(inputs) {
		if info, err := os.Stat(path); err == nil {
			size += info.Size()
		}
	}
	return size
}
