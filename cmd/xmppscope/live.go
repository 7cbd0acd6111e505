package main

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"xmppscope/capture"
	"xmppscope/decode"
	"xmppscope/internal/api"
	"xmppscope/proxy"
	"xmppscope/session"
	"xmppscope/viewer"
)

// live is one run of the proxy: sessions flow from the relay through the rules
// into the log, and from there to the inspector or printer and to the files.
type live struct {
	out     outputFlags
	saves   []string
	rotate  string // --save-rotate
	replace bool   // --overwrite
	share   shareFlags
	known   passwordFlag
	backlog byteSize // --backlog
	drain   time.Duration
	limits  proxy.Limits
	rebinds bool // logins are bound anew (--rebind)
	api     apiFlags
	rules   rulesFlag
	script  scriptFlag
	alone   bool // --no-attach
	config  configFlags

	watch func(*session.Event) // is told of each event as it was explained, or nil

	// Of run, which has a client on the terminal.
	headless bool          // no inspector, and nothing is printed that was not asked for
	deaf     bool          // signals are the client's, until work is over
	served   chan struct{} // closed when no session is under way any more, and none will be
	attached func()        // nil, or called when others can look

	settings viewer.Settings
	tasks    []viewer.Task // of a lesson
	title    string
	where    string           // who listens, and for whom
	further  []proxy.Entrance // besides the one that it is run with
	welcome  []string         // the inspector's start screen
	guide    []string         // how clients trust the CA, behind it
	log      *session.Log
	inspect  inspection
	files    []*capture.File
	piped    *capture.File // the one of files that is standard output, or nil

	control     *proxy.Control // the way back to the wire; nil: nobody may take it
	server      *server        // of --api, or nil
	spool       *session.Spool
	unexplained string // what its file is called that survives a crash, "" if nothing has to
	followers   []*follower
	savers      []*follower // those of files, in their order
	starting    sync.Mutex  // held while followers changes
	screen      *follower   // the one that is the inspector, or nil
	board       board
	noRecovery  bool // --no-recovery
	recovery    recovery
	made        bool          // what passes was made up, and is worth no question
	over        chan struct{} // has a token for each follower that is done
	printer     *printout     // nil while the inspector shows everything
}

// signalTime is by when a signal has come to all that listen for it.
const signalTime = time.Second

// inspector says whether events go to the inspector: unless asked otherwise, and
// if there is a terminal for it: a dumb one, as in an editor, can only be printed on.
func (l *live) inspector() bool {
	return !l.headless && !l.out.plain && os.Getenv("TERM") != "dumb" && !l.out.json && isTerminal(os.Stdout) && isTerminal(os.Stdin)
}

// open makes the files ready, before anything listens. What it has opened, also where it fails,
// is for run to close, or for abandon.
func (l *live) open() error {
	if err := l.inspect.accounts.read(&l.known); err != nil {
		return err
	}
	if l.inspector() || l.config.given() {
		var err error
		if l.settings, err = l.config.read(); err != nil {
			return err
		}
	}
	server, err := l.api.listen(l.out.reveal)
	if err != nil {
		return err
	}
	l.board.to = os.Stderr
	l.inspect.inUse, l.inspect.saving, l.inspect.saves, l.inspect.board = l.saves, l.saving, l.saveStates, &l.board
	l.log, l.server = session.NewLog(), server
	l.control = proxy.NewControl()
	l.control.Filters = l.out.config.naming()
	l.control.Explain = func() *decode.Session { return prepared().NewSession(new(session.Book)) }
	l.inspect.log = l.log
	if err := l.rules.open(l.control); err != nil {
		return err
	}
	if err := l.script.open(l.control); err != nil {
		return err
	}
	return l.openFiles()
}

// abandon closes what open has opened, if it did not come to run.
func (l *live) abandon() {
	if l.spool != nil {
		return
	}
	l.closeFiles()
	l.server.close()
	l.script.close()
}

// tap says whether anyone wants the bytes below TLS.
func (l *live) tap() bool { return slices.ContainsFunc(l.files, (*capture.File).Wire) }

// explain makes what explains a session.
func (l *live) explain() *decode.Session {
	d := prepared().NewSession(&l.inspect.book)
	d.Share(&l.inspect.shared)
	d.KnowPasswords(l.inspect.accounts.find)
	if l.rebinds {
		d.Rebinds()
	}
	return d
}

// run serves until ctx is done, the person quits the inspector or work (which may
// be nil) is over, and then until everything has been explained and written.
func (l *live) run(parent context.Context, listener net.Listener, o proxy.Options, work func(context.Context) error) error {
	defer l.script.close()
	defer leaveRoom()()
	shareShortly()
	defer collectSeldom(liveHeap)()
	came, stop := signals()
	defer stop()
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	match, err := l.out.matcher()
	if err != nil {
		return err
	}
	l.spool = session.NewSpool(session.SpoolOptions{Limit: int64(l.backlog), Path: l.unexplained})
	o.Tap, o.Spool, o.Limits, o.Control = l.tap(), l.spool, l.limits, l.control
	l.over = make(chan struct{}, len(l.files)+3)
	for i, f := range l.files {
		l.start(l.savers[i], func() error { return l.save(l.savers[i], f) })
	}
	if l.watch != nil {
		watching := &follower{doing: "looking at how the logins went", patient: true}
		l.start(watching, func() error {
			return l.pull(watching, func(events []session.Event) error {
				for i := range events {
					l.watch(&events[i])
				}
				return nil
			}, noIdle)
		})
	}
	explained := make(chan struct{})
	go func() {
		defer close(explained)
		x := &explainer{spool: l.spool, log: l.log, begin: l.explain, control: l.control, wire: o.Tap}
		if o.TLS != nil {
			x.verify = passiveTrust(o.TLS)
		}
		x.run()
		l.log.End()
	}()
	if o.Untouched != nil {
		go o.Untouched.Keys.Follow(ctx)
	}
	served := make(chan error, 2)
	l.served = make(chan struct{})
	go func() {
		err := proxy.ServeAll(ctx, append([]proxy.Entrance{{Listener: listener, Resolver: o.Resolver}}, l.further...), o)
		if err != nil {
			cancel()
		}
		served <- err
		close(l.served)
		l.spool.End()
	}()
	l.welcome = l.server.tell(l.inspector(), l.welcome)
	stopServing := l.server.serve(api.Options{Control: &controls{Control: l.control, rules: &l.rules, reveal: l.out.reveal, by: "api"}, Log: l.log, Title: l.name(), Live: true, Reveal: l.out.reveal, Look: l.spool.Want, CompileFilter: l.control.Filters.Compile}, &l.board)
	stopAttached := l.letAttach()
	if l.inspector() {
		l.recovery = openRecovery(l.noRecovery)
		l.screen = &follower{doing: "closing the inspector", written: func() int64 { return 0 }}
		l.start(l.screen, func() error {
			defer cancel()
			defer l.board.begin()()
			return runInspector(ctx, viewer.Options{
				Control: holds{l.control},
				Log:     l.log, Title: l.title, Where: l.where, Live: true, Unsaved: !l.made, Left: l.recovery.left(), Start: l.welcome, Guide: l.guide, Reveal: l.out.reveal,
				Pretty: decode.Pretty, Tree: treeOf, Filter: match, CompileFilter: l.out.config.naming().Compile, Hooks: l.inspect.hooks(),
				Behind: l.spool.Behind, Look: l.spool.Want, Settings: l.settings, Tasks: l.tasks,
			}, "print text: --plain")
		})
	} else if !l.headless || l.out.plain || l.out.json {
		l.print(match)
	}
	if l.attached != nil {
		l.attached()
	}
	worked := make(chan error, 1)
	go func() {
		var err error
		if work != nil {
			if err = work(ctx); ctx.Err() != nil {
				err = nil
			}
			if !l.inspector() {
				cancel()
			}
		}
		worked <- err
	}()
	l.rules.follow(ctx, l.control, l.board.say)
	stopTelling := l.tellBehind(ctx)
	<-ctx.Done()
	stopTelling()
	var first os.Signal
	if parent.Err() != nil { // only signals end it, and all that listen get them
		select {
		case first = <-came:
		case <-time.After(signalTime): // it came before we listened
			first = os.Interrupt
		}
	}
	for l.deaf && len(came) > 0 {
		<-came
	}
	err = l.finish(first, came, explained)
	l.keepUnsaved()
	if errors.Is(err, errGivenUp) {
		return l.leave(err, first)
	}
	l.spool.Close()
	stopServing()
	stopAttached()
	err = errors.Join(<-served, <-worked, err)
	for _, line := range l.inspect.accounts.unused() {
		say(os.Stderr, "%s", line)
	}
	if l.inspector() {
		l.inspect.report(os.Stderr)
	}
	return errors.Join(err, l.log.Close())
}

// name is the title of the run, with its entrances where there are several.
func (l *live) name() string {
	if len(l.further) == 0 {
		return l.title
	}
	return l.title + " " + l.where
}

// print starts printing events to standard output, until the log ends or that fails.
// Whatever becomes of it, the sessions and captures go on.
func (l *live) print(match func(*session.Event) bool) {
	out := l.printTo()
	counted := &countedWriter{Writer: out}
	printing := &follower{doing: "printing to " + l.printName(), written: counted.n.Load}
	l.printer = newPrintout(counted)
	l.start(printing, func() error {
		err := l.printer.begin(&l.out, wantsColour(out))
		if err == nil {
			err = l.pull(printing, func(events []session.Event) error {
				for i := range events {
					if match != nil && !match(&events[i]) {
						continue
					}
					if err := l.printer.Write(events[i]); err != nil {
						return err
					}
				}
				return nil
			}, l.printer.Flush)
		}
		if failed := l.printer.Flush(); err == nil {
			err = failed
		}
		switch {
		case errors.Is(err, syscall.EPIPE):
			l.board.say("%s was closed: nothing more is printed there; the sessions go on", l.printName())
			err = nil
		case err != nil:
			l.board.say("%s: nothing more is printed; the sessions go on", inWords(err))
		}
		return err
	})
}
