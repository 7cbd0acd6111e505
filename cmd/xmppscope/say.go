package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"golang.org/x/term"

	"xmppscope/capture"
	"xmppscope/decode"
	"xmppscope/session"
)

// Every word that is printed outside of the inspector goes through this file.
// Rules: events go to standard output, all else to standard error, one line each;
// lower case, no full stop; a hint stands on a line of its own; text that came
// from the wire is made safe first.

// Exit codes.
const (
	exitFailed = 1 // it was understood, but could not be done
	exitUsage  = 2 // the command line is wrong, or a capture cannot be read

	exitStopped = 130 // Ctrl-C while a capture was read; the shells' 128 + SIGINT
)

// usageError is an error for which the exit code is exitUsage.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// unreadable is the error of commands that need whole captures: nothing but the
// person's own word makes it anything else than a usageError.
func unreadable(err error) error {
	var usage usageError
	var i *interruption
	if errors.As(err, &usage) || errors.As(err, &i) {
		return err
	}
	return usageError{err}
}

// hinted is an error with a next step.
type hinted struct {
	error
	hint string
}

func (e hinted) Unwrap() error { return e.error }

// errSaid makes the exit code 1 for a problem that has been reported already.
var errSaid = errors.New("reported already")

// exitCode is that of a client that was run, which becomes ours.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// report prints an error, if there is one, and gives the exit code. Several that
// were joined are printed one a line.
func report(w io.Writer, err error) int {
	if err == nil {
		return 0
	}
	if code, ok := err.(exitCode); ok {
		return int(code)
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		code := 0
		for _, e := range joined.Unwrap() {
			code = max(code, report(w, e))
		}
		return code
	}
	var at *fs.PathError
	gone := errors.Is(err, syscall.EPIPE) && errors.As(err, &at) && at.Path == os.Stdout.Name() // as in "print FILE | head"
	if err != errSaid && !gone {
		fmt.Fprintln(w, "xmppscope: "+session.SafeLine(inWords(err)))
		var h hinted
		if errors.As(err, &h) {
			say(w, "hint: %s", h.hint)
		}
	}
	var usage usageError
	var i *interruption
	switch {
	case errors.As(err, &i):
		return exitStopped
	case errors.As(err, &usage):
		return exitUsage
	}
	return exitFailed
}

// safeLine is a line with nothing in it that a terminal would obey.
func safeLine(format string, args ...any) string {
	return session.SafeLine(fmt.Sprintf(format, args...))
}

func say(w io.Writer, format string, args ...any) {
	fmt.Fprintln(w, safeLine(format, args...))
}

// isTerminal says whether a file is a terminal.
func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// wantsColour follows https://no-color.org.
func wantsColour(f *os.File) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(f)
}

// textPrinter writes events as text, coloured if asked.
type textPrinter struct {
	w      io.Writer
	reveal bool
	colour bool
	room   []byte // used again for each event
}

func (t *textPrinter) Write(e session.Event) error {
	if !session.Numbered(e.Body) {
		return nil
	}
	e = session.Shown(&e, t.reveal)
	if t.colour {
		_, err := io.WriteString(t.w, colourise(capture.Text(e, decode.Pretty), &e))
		return err
	}
	t.room = capture.AppendText(t.room[:0], e, decode.Pretty)
	_, err := t.w.Write(t.room)
	return err
}

const (
	colReset  = "\x1b[0m"
	colBold   = "\x1b[1m"
	colDim    = "\x1b[2m"
	colRed    = "\x1b[31m"
	colGreen  = "\x1b[32m"
	colYellow = "\x1b[33m"
	colCyan   = "\x1b[36m"
)

// colourise colours the lines of capture.Text by what they are.
func colourise(text string, e *session.Event) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		colour := ""
		body := strings.TrimLeft(line, " ")
		switch {
		case line == "":
			continue
		case i == 0 && e.Worst() == session.Error:
			colour = colBold + colRed
		case i == 0 && e.Dir == session.C2S:
			colour = colBold + colGreen
		case i == 0:
			colour = colBold + colCyan
		case strings.HasPrefix(body, "| "):
			colour = colDim
		case strings.HasPrefix(body, session.Error.String()):
			colour = colRed
		case strings.HasPrefix(body, session.Warning.String()):
			colour = colYellow
		default:
			continue
		}
		lines[i] = colour + line + colReset
	}
	return strings.Join(lines, "\n")
}

// eventPrinter is what --json or --plain write to standard output.
func eventPrinter(w io.Writer, o *outputFlags, colour bool) (capture.Writer, error) {
	if !o.json {
		return &textPrinter{w: w, reveal: o.reveal, colour: colour}, nil
	}
	format, err := capture.ForPath("events.jsonl")
	if err != nil {
		return nil, err
	}
	return format.New(w, captureOptions(o.reveal))
}
