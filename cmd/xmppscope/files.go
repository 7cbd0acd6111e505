package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"xmppscope/internal/ownership"
	"xmppscope/session"
)

// create makes a file that holds no secrets, or empties the one that is there, unless
// others have a hold on it.
func create(path string) (*os.File, error) {
	f, err := ownership.Open(path, 0o644)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		if err := f.Truncate(0); err != nil {
			f.Close()
			return nil, err
		}
	}
	return f, nil
}

func newPrint() *cobra.Command {
	o, in := new(outputFlags), new(inputFlags)
	cmd := &cobra.Command{
		Use: "print FILE…", Short: "print saved sessions as text or JSON", Args: someFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			match, err := o.matcher()
			if err != nil {
				return err
			}
			out := bufio.NewWriterSize(os.Stdout, 1<<16)
			text := newHeaded(out, o.reveal)
			to := io.Writer(text)
			if o.json {
				to = out
			}
			printer, err := eventPrinter(to, o, wantsColour(os.Stdout))
			if err != nil {
				return err
			}
			in.scrolls, in.idle = isTerminal(os.Stdout), func() { text.flow(); out.Flush() } // an error of it comes again
			wires := oneWire{}
			err = in.read(cmd.Context(), args, func(e session.Event) error {
				wires.learn(&e)
				if match != nil && !match(&e) {
					return nil
				}
				if !o.json {
					wires.plain(&e)
					text.learn(&e)
				}
				return printer.Write(e)
			})
			err = printed(err, errors.Join(text.finish(), out.Flush()))
			in.tellUnused()
			return err
		},
	}
	o.addPrinted(cmd.Flags())
	in.add(cmd.Flags())
	return cmd
}

// printed joins the errors of reading and of writing. Ctrl-C ends whoever reads what
// we print too: that is no news then.
func printed(read, wrote error) error {
	var i *interruption
	if errors.As(read, &i) && errors.Is(wrote, syscall.EPIPE) {
		wrote = nil
	}
	return errors.Join(stopped(read, "it is printed up to there"), wrote)
}

// oneWire are the sessions that are on one wire from the client to the server, so
// that text need not name the leg.
type oneWire map[int]bool

// learn takes from an event, printed or not, whether its session is one.
func (w oneWire) learn(e *session.Event) {
	if b, ok := e.Body.(session.TCPOpened); ok && b.Captured {
		w[e.Session] = true
	}
}

// plain takes the leg out of an event that is to be printed.
func (w oneWire) plain(e *session.Event) {
	if e.Dir != session.NoDir || len(w) == 0 || !w[e.Session] {
		return
	}
	e.Leg = session.NoLeg
	if _, last := e.Body.(session.TCPClosed); last && !e.Beside {
		delete(w, e.Session)
	}
}
