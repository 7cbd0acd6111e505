package viewer

import (
	"bytes"
	"os"
	"strings"
	"time"

	"github.com/gdamore/tcell/v2"
)

// unstuckTty is a terminal on which the keys Esc and "]", pressed one soon after the
// other or as Alt-], are no string from the terminal (ECMA-48 §8.3.89). tcell would
// wait for the end of that string for ever, and take no key any more, not even
// Ctrl-C. The same goes for "X", "^" and "_"; and "[" would take the next key with it.
type unstuckTty struct {
	tcell.Tty
	wait func(time.Duration)
	rest []byte // was read, and comes later: what stands behind an Esc
	esc  bool   // what was given last ends in one
	cut  bool   // and rest is a key of its own
}

// escTime is after how long tcell takes an Esc for the key, and a bit more.
const escTime = 80 * time.Millisecond

// Read gives an Esc that begins no string alone, and what follows after a while.
func (t *unstuckTty) Read(p []byte) (n int, err error) {
	if len(t.rest) > 0 {
		n = copy(p, t.rest)
		t.rest = t.rest[n:]
	} else if n, err = t.Tty.Read(p); n == 0 {
		return n, err
	}
	if t.esc && (t.cut || opens(p[:n])) {
		t.wait(escTime)
	}
	t.cut = false
	if n == 2 && string(p[:n]) == "\x1b[" { // Alt-[, or Esc and "[": what a terminal sends goes on
		t.rest, t.cut, n = []byte("["), true, 1
	}
	for i := 0; i+1 < n; i++ {
		if p[i] == '\x1b' && opens(p[i+1:n]) {
			t.rest = append(bytes.Clone(p[i+1:n]), t.rest...)
			n = i + 1
		}
	}
	t.esc = p[n-1] == '\x1b'
	return n, err
}

// opens says whether tcell would take these bytes, behind an Esc, for the beginning
// of a string, though they do not hold its end.
func opens(b []byte) bool {
	return bytes.IndexByte([]byte("]X^_"), b[0]) >= 0 && bytes.IndexByte(b, '\a') < 0 && !bytes.Contains(b, []byte("\x1b\\"))
}

// terminal is the one that we run on.
func terminal() (tcell.Screen, error) {
	tty, err := tcell.NewDevTty()
	if err != nil {
		return nil, err
	}
	patient := &unstuckTty{Tty: tty, wait: time.Sleep}
	known, err := tcell.LookupTerminfo(os.Getenv("TERM"))
	if err != nil {
		known, err = tcell.LookupTerminfo(fallback(os.Getenv("TERM")))
	}
	if err != nil {
		return nil, err
	}
	return tcell.NewTerminfoScreenFromTtyTerminfo(patient, known)
}

// fallback is the kind of terminal to take one for that nobody knows: all that are made
// today understand what xterm does. "" for what is none.
func fallback(term string) string {
	switch {
	case term == "" || term == "dumb" || term == "unknown":
		return ""
	case strings.HasPrefix(term, "vt") || strings.HasPrefix(term, "ansi"):
		return "vt100"
	}
	return "xterm-256color"
}
