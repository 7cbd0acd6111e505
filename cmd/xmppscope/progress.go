package main

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"xmppscope/session"
)

// When the progress of reading a file is shown, and how often.
const (
	progressAfter = time.Second
	progressEvery = 200 * time.Millisecond
)

// progress is how far the reading of a file has come, and a line about it on a
// terminal's standard error while a large one is read.
type progress struct {
	w     io.Writer // nil: there is no terminal for it
	now   func() time.Time
	doing string // "reading"
	name  string
	size  atomic.Int64 // 0 if not known
	done  atomic.Int64
	next  time.Time // when the line is due
	shown bool
}

const doingRead = "reading"

func newProgress(name string, quiet bool) *progress {
	p := &progress{name: name, now: time.Now, doing: doingRead}
	if !quiet && isTerminal(os.Stderr) {
		p.w = os.Stderr
	}
	p.next = p.now().Add(progressAfter)
	return p
}

// add notes that n more bytes were read.
func (p *progress) add(n, events int) {
	p.done.Add(int64(n))
	if p.w == nil {
		return
	}
	now := p.now()
	if now.Before(p.next) {
		return
	}
	p.next, p.shown = now.Add(progressEvery), true
	fmt.Fprintf(p.w, "\r\x1b[K%s %s: %s, %s", p.doing, session.SafeLine(p.name), p.where(), session.Plural(events, "event"))
}

// where is how far it has come: "34 % of 812.0 MB", or "3.1 kB". It may be asked
// from any goroutine.
func (p *progress) where() string {
	done, size := p.done.Load(), p.size.Load()
	switch {
	case size > 0:
		return fmt.Sprintf("%d %% of %.1f MB", min(done*100/size, 100), float64(size)/1e6)
	case done < 1e6:
		return fmt.Sprintf("%.1f kB", float64(done)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(done)/1e6)
}

// clear takes the line away.
func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}
