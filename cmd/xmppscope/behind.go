package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"xmppscope/capture"
	"xmppscope/session"
)

// printout is what is printed: the events, and how far behind it is. It is written in
// blocks, and at once when there is no more for now.
type printout struct {
	mu    sync.Mutex
	block *bufio.Writer
	to    capture.Writer // nil before begin
	seq   uint64         // of events of the run
}

func newPrintout(w io.Writer) *printout { return &printout{block: bufio.NewWriterSize(w, 64<<10)} }

func (p *printout) begin(o *outputFlags, colour bool) (err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.to, err = eventPrinter(p.block, o, colour)
	return err
}

// Write prints an event.
func (p *printout) Write(e session.Event) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.Session == 0 { // what is told here alone has numbers too
		p.seq++
		e.Seq = p.seq
	}
	return p.to.Write(e)
}

// Flush hands over what was printed.
func (p *printout) Flush() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.block.Flush()
}

// run prints an event of the run rather than of a session, at once. It does not wait for
// who is printing meanwhile and not read.
func (p *printout) run(body session.Body, summary string) {
	if !p.mu.TryLock() {
		return
	}
	defer p.mu.Unlock()
	if p.to == nil {
		return
	}
	p.seq++
	p.to.Write(session.Event{Seen: session.Seen{Seq: p.seq, At: time.Now(), Body: body}, Said: session.Said{Done: true, Summary: summary}})
	p.block.Flush()
}

// muchBehind is from when on it is said how far explaining is behind.
const muchBehind = time.Second

// tellBehind says, every second and as long as it matters, how far explaining is behind
// what is seen: beside text on standard error, in JSON as relay:backlog. The inspector
// shows it by itself.
func (l *live) tellBehind(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		told, warned := false, false
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			if problem := l.spool.Problem(); problem != nil && !warned {
				warned = true
				l.board.say("warning: %s: what comes faster than it is explained is lost from here on", inWords(problem))
			}
			behind, waiting := l.spool.Behind(), l.spool.Waiting()
			said := fmt.Sprintf("explaining is %s behind: %.1f MB wait", behind.Round(100*time.Millisecond), float64(waiting)/1e6)
			switch {
			case l.printer == nil:
			case behind > muchBehind && l.out.json:
				l.printer.run(session.RelayBacklog{Waiting: waiting, Behind: behind}, said)
			case behind > muchBehind:
				told = true
				say(os.Stderr, "%s", said)
			case told:
				told = false
				say(os.Stderr, "explaining has caught up")
			}
		}
	}()
	return func() { cancel(); <-done }
}
