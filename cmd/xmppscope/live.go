package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"xmppscope/capture"
	"xmppscope/decode"
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
	known   []string // --password-file

	title   string
	start   []string // of the inspector's start screen
	log     *session.Log
	inspect inspection
	files   []*capture.File
	piped   *capture.File // the one of files that is standard output, or nil
}

// inspector says whether events go to the inspector: unless asked otherwise, and
// if there is a terminal for it: a dumb one, as in an editor, can only be printed on.
func (l *live) inspector() bool {
	return !l.out.plain && os.Getenv("TERM") != "dumb" && !l.out.json && isTerminal(os.Stdout) && isTerminal(os.Stdin)
}

// open makes the files ready, before anything listens.
func (l *live) open() error {
	var err error
	if l.inspect.accounts.known, err = readPasswords(l.known); err != nil {
		return usageError{err}
	}
	l.inspect.inUse, l.inspect.saving = l.saves, l.saving
	l.log = session.NewLog()
	if err := l.openFiles(); err != nil {
		l.closeFiles()
		return err
	}
	return nil
}

// tap says whether anyone wants the bytes below TLS.
func (l *live) tap() bool { return slices.ContainsFunc(l.files, (*capture.File).Wire) }

// explain runs the rules over one session's events.
func (l *live) explain(q *session.Queue) {
	d := prepared().NewSession(&l.inspect.book)
	d.Share(&l.inspect.shared)
	d.KnowPasswords(l.inspect.accounts.find)
	for {
		events := q.Pull()
		if events == nil {
			return
		}
		for _, e := range events {
			l.log.Append(d.Explain(e))
		}
	}
}

// run serves until ctx is done, the person quits the inspector or work (which may
// be nil) is over, and then until everything has been written.
func (l *live) run(ctx context.Context, listener net.Listener, o proxy.Options, work func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	match, err := l.out.matcher()
	if err != nil {
		return err
	}
	o.Tap, o.Explain = l.tap(), l.explain

	var readers sync.WaitGroup
	problems := make(chan error, len(l.files)+3)
	for _, f := range l.files {
		readers.Go(func() { problems <- l.saved(f) })
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := proxy.Serve(ctx, listener, o); err != nil {
			problems <- fmt.Errorf("listening on %s: %w", listener.Addr(), err)
			cancel()
		}
		l.log.End()
	}()
	worked := make(chan struct{})
	go func() {
		defer close(worked)
		if work != nil {
			if err := work(ctx); err != nil && ctx.Err() == nil {
				problems <- err
			}
			if !l.inspector() {
				cancel()
			}
		}
	}()
	if l.inspector() {
		problems <- inspect(ctx, viewer.Options{
			Log: l.log, Title: l.title, Live: true, Start: l.start, Reveal: l.out.reveal,
			Pretty: decode.Pretty, Filter: match, CompileFilter: session.CompileFilter, Hooks: l.inspect.hooks(),
		}, "print text: --plain")
		cancel()
	} else {
		// The printer ends with the log. Whatever becomes of it, the sessions and
		// captures go on; and when it hangs on a pipe that nobody reads, we do not.
		printed := l.printing(match)
		<-worked
		<-served
		problems <- abandon(printed)
	}
	<-worked
	<-served
	readers.Wait()
	close(problems)
	if l.inspector() {
		l.inspect.report(os.Stderr)
	}
	var all []error
	for err := range problems {
		all = append(all, err)
	}
	return errors.Join(append(all, l.log.Close())...)
}

// printGrace is how long the end of a run waits for whoever reads our output.
const printGrace = 2 * time.Second

// abandon takes the printer's result, or gives up on it.
func abandon(printed <-chan error) error {
	select {
	case err := <-printed:
		return err
	case <-time.After(printGrace):
		say(os.Stderr, "warning: what is printed is not read: the last events are missing there")
		return nil
	}
}

// printing writes events to standard output until the log ends or that fails.
func (l *live) printing(match func(*session.Event) bool) <-chan error {
	done := make(chan error, 1)
	go func() {
		out := l.printTo()
		printer, err := eventPrinter(out, &l.out, wantsColour(out))
		if err == nil {
			err = l.pull(func(e session.Event) error {
				if match != nil && !match(&e) {
					return nil
				}
				return printer.Write(e)
			})
		}
		switch {
		case errors.Is(err, syscall.EPIPE):
			say(os.Stderr, "%s was closed: nothing more is printed there; the sessions go on", l.printName())
			err = nil
		case err != nil:
			say(os.Stderr, "%s: nothing more is printed; the sessions go on", inWords(err))
		}
		done <- err
	}()
	return done
}

// pull calls take with every event of the log.
func (l *live) pull(take func(session.Event) error) error {
	for next := 0; ; {
		var events []session.Event
		events, next = l.log.Since(context.Background(), next)
		if len(events) == 0 {
			return nil
		}
		for _, e := range events {
			if err := take(e); err != nil {
				return err
			}
		}
	}
}
