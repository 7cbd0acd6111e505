package viewer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gdamore/tcell/v2"
	"github.com/rivo/tview"

	"xmppscope/internal/inspect"
	"xmppscope/session"
)

// Options say what the inspector shows and how.
type Options struct {
	Log   *session.Log // where the events come from
	Title string       // "xmppscope demo", "xmppscope open login.pcapng"
	Where string       // who listens, and for whom: "127.0.0.1:5222 → xmpp.example.net:5222"; "" if nobody does
	// Unsaved says that what is in Log lies nowhere else but in the files of Saves: who
	// quits is asked about it.
	Unsaved bool
	Left    []Left // what earlier runs have left
	// Live says that sessions come in while it runs: it follows them, and begins
	// with the start screen. False is for opened files.
	Live bool
	// Start is the text of the start screen: the listening address, what to set in
	// each client, how to trust the CA; of an opened file: what was opened. A line that
	// ends with a colon and is not indented is a heading.
	Start  []string
	Guide  []string       // how clients trust the CA; behind all else on the start screen
	Reveal bool           // show secrets from the beginning
	Pretty session.Pretty // indents XML; nil shows it as it was
	// Tree reads the element of a stanza, for the table; nil leaves out what is inside. It
	// may be called from any goroutine.
	Tree func(raw []byte) *session.Element
	// Filter says which events are shown; nil shows all. It is called from one
	// goroutine at a time, never the one that draws.
	Filter func(*session.Event) bool
	// CompileFilter makes a filter of what a person typed; nil: none can be typed.
	CompileFilter func(expr string) (func(*session.Event) bool, error)
	Memory        Memory   // of earlier runs
	Settings      Settings // which have been checked
	Tasks         []Task   // a lesson, for which CompileFilter is needed
	Hooks
	// Control is the way back to the wire; nil: there is none.
	Control Control
	// Behind says how long what was seen has been waiting to be explained; nil: nothing
	// waits. Look says which session is looked at, so that it is explained first.
	Behind  func() time.Duration
	Look    func(session int)
	Reading Reading         // where Log comes from, if that takes its time
	Screen  tcell.Screen    // nil: the terminal
	Done    <-chan struct{} // when closed, the inspector ends; may be nil
}

// Run shows the inspector until the person quits, ctx is done or o.Done is
// closed; then it restores the terminal and returns nil. If the inspector itself
// fails, or panics, the terminal is restored first and the error says why; that
// of a panic has the stack in it.
func Run(ctx context.Context, o Options) error {
	if o.Log == nil {
		return errors.New("viewer: no log to show")
	}
	return newApp(ctx, o, time.Now).run()
}

// TerminalError says that the inspector cannot be drawn on this terminal.
type TerminalError struct {
	Term string // its kind, as TERM names it
	Err  error
}

func (e *TerminalError) Error() string {
	return fmt.Sprintf("the inspector cannot be drawn on this terminal (TERM=%s): %v", e.Term, e.Err)
}

func (e *TerminalError) Unwrap() error { return e.Err }

// app joins a ui to a terminal. It is the only part that knows of the
// tview.Application and of goroutines.
type app struct {
	options Options
	tv      *tview.Application
	ui      *ui
	drawn   func(tcell.Screen) // for tests: called after each draw

	start   sync.Once
	ctx     context.Context // of the workers; done when the end was asked for
	stop    context.CancelFunc
	workers sync.WaitGroup
	mu      sync.Mutex
	failed  error // the first panic; guarded by mu
}

func newApp(ctx context.Context, o Options, now func() time.Time) *app {
	a := &app{options: o, tv: tview.NewApplication()}
	a.ctx, a.stop = context.WithCancel(ctx)
	a.ui = newUI(o, os.Getenv("NO_COLOR") != "", now)
	a.ui.stop, a.ui.spawn, a.ui.suspend = a.stop, a.spawn, a.suspend
	return a
}

// run is the life of the inspector.
func (a *app) run() (err error) {
	defer a.stop()
	defer a.ui.tidy()
	defer func() {
		if a.options.Ended != nil {
			a.options.Ended(a.ui.ending())
		}
	}()
	defer func() {
		if p := recover(); p != nil { // past the guard; tview has restored the terminal
			a.tv.Stop()
			err = panicError(p)
		}
	}()
	if a.options.Screen == nil {
		a.options.Screen, _ = terminal() // if there is none, tview finds another, or says why not
	}
	a.tv.SetScreen(a.options.Screen).EnableMouse(true).EnablePaste(true)
	a.tv.SetRoot(&guarded{a.ui, a}, true)
	a.tv.SetInputCapture(func(event *tcell.EventKey) *tcell.EventKey {
		if event.Key() == tcell.KeyCtrlC {
			a.guard(a.ui.interrupt) // not tview's way, which would leave a worker waiting
			return nil
		}
		return event
	})
	a.tv.SetAfterDrawFunc(func(screen tcell.Screen) {
		a.start.Do(func() { a.begin(screen) })
		if a.drawn != nil {
			a.drawn(screen)
		}
	})
	if err := a.tv.Run(); err != nil {
		return &TerminalError{os.Getenv("TERM"), err}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.failed
}

// begin starts the goroutines. It is called when there is a screen, so that the
// end can be carried out whenever it is asked for.
func (a *app) begin(screen tcell.Screen) {
	fallBack(screen)
	feed := &inspect.Feed{
		Log: a.options.Log, Filters: a.ui.filters,
		Deliver: func(b inspect.Batch) { a.tv.QueueUpdate(func() { a.guard(func() { a.ui.take(b) }) }) },
		Draw:    func() { a.tv.QueueUpdateDraw(func() {}) },
	}
	a.work(func() { feed.Run(a.ctx) })
	if a.options.Control != nil {
		a.work(a.watchHeld)
	}
	go a.supervise()
}

// watchHeld draws anew when what is held changes, and each second while something is. Where
// nothing is and nothing would be, a session that ends changes nothing on the screen.
func (a *app) watchHeld() {
	for before := 0; ; {
		changed := a.options.Control.Changed()
		var tick <-chan time.Time
		held := len(a.options.Control.Held())
		if held > 0 {
			tick = time.After(time.Second)
		}
		now := held + len(a.options.Control.Breakpoints())
		if now+before > 0 {
			a.tv.QueueUpdateDraw(func() {})
		}
		before = now
		select {
		case <-a.ctx.Done():
			return
		case <-changed:
		case <-tick:
		}
	}
}

// supervise waits for the end and carries it out: first the workers, who may be
// waiting for the event loop, then the loop.
func (a *app) supervise() {
	select {
	case <-a.ctx.Done():
	case <-a.options.Done:
		a.stop()
	}
	a.workers.Wait()
	a.tv.Stop()
}

// work runs f in a goroutine that is waited for at the end.
func (a *app) work(f func()) {
	a.workers.Add(1)
	go func() {
		defer a.workers.Done()
		a.guard(f)
	}()
}

// spawn runs a job: look in a goroutine, then done in the event loop.
func (a *app) spawn(look func(context.Context), done func(context.Context)) context.CancelFunc {
	ctx, cancel := context.WithCancel(a.ctx)
	a.work(func() {
		look(ctx)
		if ctx.Err() == nil {
			a.tv.QueueUpdateDraw(func() { a.guard(func() { done(ctx) }) })
		}
	})
	return cancel
}

// suspend gives the terminal away while f runs, in the event loop: nothing is drawn meanwhile.
func (a *app) suspend(f func(context.Context)) bool {
	return a.tv.Suspend(func() { a.guard(func() { f(a.ctx) }) })
}

// guard runs f; a panic in it ends the inspector in an orderly way, so that the
// terminal is restored before anyone reads of it.
func (a *app) guard(f func()) {
	defer func() {
		if p := recover(); p != nil {
			a.mu.Lock()
			if a.failed == nil {
				a.failed = panicError(p)
			}
			a.mu.Unlock()
			a.stop()
		}
	}()
	f()
}

func panicError(p any) error {
	return fmt.Errorf("viewer: the inspector has failed: %v\n\n%s", p, debug.Stack())
}

// guarded is the ui with a guard around all that tview calls.
type guarded struct {
	*ui
	app *app
}

func (g *guarded) Draw(screen tcell.Screen) { g.app.guard(func() { g.ui.Draw(screen) }) }

func (g *guarded) InputHandler() func(*tcell.EventKey, func(tview.Primitive)) {
	return func(event *tcell.EventKey, focus func(tview.Primitive)) {
		g.app.guard(func() { g.ui.InputHandler()(event, focus) })
	}
}

func (g *guarded) PasteHandler() func(string, func(tview.Primitive)) {
	return func(text string, focus func(tview.Primitive)) {
		g.app.guard(func() { g.ui.PasteHandler()(text, focus) })
	}
}

func (g *guarded) MouseHandler() func(tview.MouseAction, *tcell.EventMouse, func(tview.Primitive)) (bool, tview.Primitive) {
	return func(action tview.MouseAction, event *tcell.EventMouse, focus func(tview.Primitive)) (used bool, _ tview.Primitive) {
		g.app.guard(func() { used, _ = g.ui.MouseHandler()(action, event, focus) })
		return used, nil
	}
}

// fallBack names plain characters for terminals that have no others.
func fallBack(screen tcell.Screen) {
	for r, plain := range map[rune]string{
		'►': ">", '◄': "<", '═': "=", '╞': "|", '╡': "|", '╪': "+", '╌': "-", '━': "=", '┃': "#",
		'●': "*", '○': "o", '◌': "o", '✓': "+", '✗': "x", '✎': "n", '▲': "!", '•': "*", '▸': ">", '◆': "+", '·': ".", '…': ".", '→': ">", 'µ': "u",
	} {
		screen.RegisterRuneFallback(r, plain)
	}
}
