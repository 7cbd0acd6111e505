package main

import (
	"io"
	"slices"
	"sync"
)

// board keeps what is to be said while the inspector has the screen: it is
// shown there, and printed when the inspector is gone. Nothing writes over the screen.
type board struct {
	mu    sync.Mutex
	to    io.Writer
	up    bool // the inspector has the screen
	lines []string
}

// say is say to b.to, sooner or later.
func (b *board) say(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.up {
		b.lines = append(b.lines, safeLine(format, args...))
		return
	}
	say(b.to, format, args...)
}

// begin keeps what is said from here on, until end is called, which prints it.
func (b *board) begin() (end func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.up = true
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.up = false
		for _, line := range b.lines {
			say(b.to, "%s", line)
		}
	}
}

// told is what was said meanwhile.
func (b *board) told() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.lines)
}
