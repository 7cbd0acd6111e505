package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"xmppscope/session"
)

// When the progress of reading a file is shown, and how often.
const (
	progressAfter = time.Second
	progressEvery = 200 * time.Millisecond
)

// progress is a line on a terminal's standard error while a large file is read.
type progress struct {
	w     io.Writer // nil: there is no terminal for it
	now   func() time.Time
	name  string
	size  int64 // 0 if not known
	done  int64
	next  time.Time // when the line is due
	shown bool
}

func newProgress(name string, quiet bool) *progress {
	p := &progress{name: name, now: time.Now}
	if !quiet && isTerminal(os.Stderr) {
		p.w = os.Stderr
	}
	p.next = p.now().Add(progressAfter)
	return p
}

// add notes that n more bytes were read.
func (p *progress) add(n, events int) {
	p.done += int64(n)
	if p.w == nil {
		return
	}
	now := p.now()
	if now.Before(p.next) {
		return
	}
	p.next, p.shown = now.Add(progressEvery), true
	how := fmt.Sprintf("%.1f MB", float64(p.done)/1e6)
	if p.size > 0 {
		how = fmt.Sprintf("%3d %% of %.1f MB", min(p.done*100/p.size, 100), float64(p.size)/1e6)
	}
	fmt.Fprintf(p.w, "\r\x1b[Kreading %s: %s, %s", session.SafeLine(p.name), how, session.Plural(events, "event"))
}

// clear takes the line away.
func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}
