package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"xmppscope/session"
)

// follower is somebody who takes all events of a run: a file, what is printed, the
// inspector.
type follower struct {
	doing   string       // "saving a.pcapng"
	taken   atomic.Int64 // events
	written func() int64 // bytes that the system has taken; nil if that is not known
	patient bool         // is waited for as long as it takes; others must make progress
	keeps   bool         // what it has taken is safe
	done    chan struct{}
	err     error // when done
	failed  atomic.Pointer[failure]

	at    int64     // written, when there was progress
	since time.Time // when that was
	given bool      // up
}

// failure is why a follower has stopped, in words, and when.
type failure struct {
	why string
	at  time.Time
}

func (f *follower) isOpen() bool {
	select {
	case <-f.done:
		return false
	default:
		return !f.given
	}
}

// start runs a follower in its own goroutine.
func (l *live) start(f *follower, run func() error) {
	f.done = make(chan struct{})
	l.starting.Lock() // those that run already look at the others
	l.followers = append(l.followers, f)
	l.starting.Unlock()
	go func() {
		defer func() { l.over <- struct{}{} }()
		defer close(f.done)
		giveWay()
		f.err = run()
	}()
}

// pull calls take with all events of the log, some at a time. Before it waits for more it
// calls idle.
func (l *live) pull(f *follower, take func([]session.Event) error, idle func() error) error {
	for next := 0; ; {
		events, to := l.log.Read(next)
		if len(events) == 0 {
			if err := idle(); err != nil {
				return err
			}
			if events, to = l.log.Since(context.Background(), next); len(events) == 0 {
				return nil
			}
		}
		if err := take(events); err != nil {
			return err
		}
		f.taken.Add(int64(len(events)))
		if next = to; f.keeps {
			l.saved()
		}
	}
}

func noIdle() error { return nil }

// saved tells the spool what is in all files.
func (l *live) saved() {
	l.starting.Lock()
	defer l.starting.Unlock()
	least := int64(math.MaxInt64)
	for _, f := range l.followers {
		if f.keeps && f.isOpen() { // one that has failed gets nothing more
			least = min(least, f.taken.Load())
		}
	}
	l.spool.Saved(least)
	if least < math.MaxInt64 {
		l.log.Saved(int(least))
	}
}

// countedWriter counts what the system has taken.
type countedWriter struct {
	io.Writer
	n atomic.Int64
}

func (w *countedWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.n.Add(int64(n))
	return n, err
}

// How the end of a run is told, and how long somebody who takes nothing is waited for.
const (
	tellEvery = time.Second
	grace     = 2 * time.Second
)

// errGivenUp is the error of a run that was not waited for.
var errGivenUp = errors.New("ended before all was done")

// signals are those that end a run. Ctrl-C is none while the terminal is lent.
func signals() (came <-chan os.Signal, stop func()) {
	from, to := make(chan os.Signal, 4), make(chan os.Signal, 4)
	signal.Notify(from, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		for sig := range from {
			if sig == os.Interrupt && terminalLent.Load() {
				continue
			}
			select {
			case to <- sig:
			default: // whoever has not looked at four has been told
			}
		}
	}()
	return to, func() {
		signal.Stop(from)
		close(from)
	}
}

// terminalLent says that another program has the terminal: the system sends what is typed
// there to all that run in it.
var terminalLent atomic.Bool

// lendTerminal is told when another program gets the terminal, and when that has ended: the
// Ctrl-C that has ended it may still be under way to us.
func lendTerminal(lent bool) {
	if lent {
		terminalLent.Store(true)
		return
	}
	time.AfterFunc(twice, func() { terminalLent.Store(false) })
}

// twice is within which time a signal is the same one: timeout(1) sends it to its child, and
// then to the child's process group.
const twice = 100 * time.Millisecond

// finish waits until all that was seen has been explained and written. It tells every
// second how far it is, and gives up at a further signal, or --drain after a SIGTERM.
func (l *live) finish(first os.Signal, came <-chan os.Signal, explained <-chan struct{}) error {
	begun := time.Now()
	tell := time.NewTicker(tellEvery)
	defer tell.Stop()
	var drained <-chan time.Time
	if first == syscall.SIGTERM {
		drained = time.After(l.drain)
	}
	for explained != nil || l.waitsFor() {
		select {
		case <-explained:
			explained = nil
		case <-l.over:
		case sig := <-came:
			if sig == first && time.Since(begun) < twice {
				continue
			}
			return l.giveUp(fmt.Sprintf("another signal came (%s)", sig), explained != nil)
		case <-drained:
			return l.giveUp(fmt.Sprintf("--drain is %s", l.drain), explained != nil)
		case now := <-tell.C:
			for _, f := range l.followers {
				l.look(f, now, explained != nil)
			}
			if left := l.left(explained != nil); left != "" && !l.onScreen() {
				say(os.Stderr, "finishing: %s (Ctrl-C gives up)", left)
			}
		}
	}
	var all []error
	for _, f := range l.followers {
		if f.given {
			all = append(all, errSaid)
		} else {
			all = append(all, f.err)
		}
	}
	return errors.Join(all...)
}

// look gives a follower up that is not patient and makes no progress, although there is
// something to take.
func (l *live) look(f *follower, now time.Time, explaining bool) {
	if f.patient || !f.isOpen() {
		return
	}
	if n := f.written(); n != f.at || f.since.IsZero() || explaining {
		f.at, f.since = n, now
	} else if now.Sub(f.since) >= grace {
		l.board.say("warning: %s: it is not read, and the last events are missing there", f.doing)
		f.given = true
	}
}

func (l *live) waitsFor() bool {
	for _, f := range l.followers {
		if f.isOpen() {
			return true
		}
	}
	return false
}

// onScreen says whether the inspector is still there: nothing may write over it.
func (l *live) onScreen() bool { return l.screen != nil && l.screen.isOpen() }

// left says what is still to be done, in words.
func (l *live) left(explaining bool) string {
	var out []string
	if explaining {
		if n := l.spool.Waiting(); n > 0 {
			out = append(out, fmt.Sprintf("explaining, %.1f MB to go", float64(n)/1e6))
		} else {
			out = append(out, "closing the sessions")
		}
	}
	for _, f := range l.followers {
		switch n := l.log.Len() - int(f.taken.Load()); {
		case !f.isOpen():
		case f == l.screen:
			out = append(out, f.doing)
		default:
			out = append(out, fmt.Sprintf("%s, %s to go", f.doing, session.Plural(n, "event")))
		}
	}
	return strings.Join(out, "; ")
}

// leave ends a run that is not done: what has not been explained and saved is left beside
// the recording. That is as it should be when a service is ended.
func (l *live) leave(err error, first os.Signal) error {
	left := make(chan string, 1)
	go func() { left <- l.spool.Leave() }()
	select {
	case path := <-left:
		if path == "" {
			return err
		}
		say(os.Stderr, "%s", inWords(err))
		say(os.Stderr, "what was not explained lies in %s: xmppscope open %s explains it", path, strings.TrimSuffix(path, session.UnexplainedExt))
		if first == syscall.SIGTERM {
			return nil
		}
		return errSaid
	case <-time.After(grace): // the disk hangs
		return err
	}
}

// giveUp ends a run that is not done.
func (l *live) giveUp(why string, explaining bool) error {
	return fmt.Errorf("%w: %s; what was left: %s", errGivenUp, why, l.left(explaining))
}
