package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

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
	replace bool // --overwrite

	title string
	start []string // of the inspector's start screen
	log   *session.Log
	book  session.Book
	files []*capture.File
}

// inspector says whether events go to the inspector: unless asked otherwise, and
// if there is a terminal for it.
func (l *live) inspector() bool {
	return !l.out.plain && !l.out.json && isTerminal(os.Stdout) && isTerminal(os.Stdin)
}

// open makes the files ready, before anything listens.
func (l *live) open() error {
	l.log = session.NewLog()
	for _, path := range l.saves {
		f, err := capture.Create(path, l.replace, captureOptions(l.out.reveal))
		if err != nil {
			l.closeFiles()
			return usageError{err}
		}
		if f.Secrets() {
			say(os.Stderr, "%s will hold secrets (passwords, keys); it is readable by you alone: think before you share it", path)
		}
		l.files = append(l.files, f)
	}
	return nil
}

// tap says whether anyone wants the bytes below TLS.
func (l *live) tap() bool {
	for _, f := range l.files {
		if f.Format().Wire {
			return true
		}
	}
	return false
}

// explain runs the rules over one session's events.
func (l *live) explain(q *session.Queue) {
	d := decode.NewSession(rules(), &l.book)
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
		readers.Go(func() { problems <- l.save(f) })
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
		problems <- viewer.Run(ctx, viewer.Options{
			Log: l.log, Title: l.title, Live: true, Start: l.start, Reveal: l.out.reveal,
			Pretty: decode.Pretty, Filter: match, CompileFilter: session.CompileFilter,
		})
		cancel()
	} else {
		problems <- l.print(os.Stdout, match)
		cancel()
	}
	<-served
	<-worked
	readers.Wait()
	close(problems)
	var all []error
	for err := range problems {
		all = append(all, err)
	}
	return errors.Join(append(all, l.log.Close())...)
}

// print writes events to standard output until the log ends.
func (l *live) print(w io.Writer, match func(*session.Event) bool) error {
	printer, err := eventPrinter(w, &l.out, wantsColour(os.Stdout))
	if err != nil {
		return err
	}
	return l.pull(func(e session.Event) error {
		if match != nil && !match(&e) {
			return nil
		}
		return printer.Write(e)
	})
}

// save writes events to a file until the log ends. When the file fails the rest
// of the run goes on without it.
func (l *live) save(f *capture.File) error {
	err := l.pull(f.Write)
	if err != nil {
		say(os.Stderr, "%v: nothing more is saved there; the sessions go on", err)
	}
	return errors.Join(err, f.Close())
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

func (l *live) closeFiles() {
	for _, f := range l.files {
		f.Close()
	}
}
