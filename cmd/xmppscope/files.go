package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"xmppscope/capture"
	"xmppscope/session"
)

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
			printer, err := eventPrinter(out, o, wantsColour(os.Stdout))
			if err != nil {
				return err
			}
			in.scrolls, in.idle = isTerminal(os.Stdout), func() { out.Flush() } // an error of it comes again
			wires := oneWire{}
			err = in.read(cmd.Context(), args, func(e session.Event) error {
				wires.heed(&e)
				if match != nil && !match(&e) {
					return nil
				}
				if !o.json {
					wires.plain(&e)
				}
				return printer.Write(e)
			})
			return printed(err, out.Flush())
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

// heed takes notice of an event, printed or not.
func (w oneWire) heed(e *session.Event) {
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
	if _, last := e.Body.(session.TCPClosed); last {
		delete(w, e.Session)
	}
}

func newExport() *cobra.Command {
	var o outputFlags
	var in inputFlags
	var out string
	var overwrite bool
	var share shareFlags
	cmd := &cobra.Command{
		Use: "export FILE… -o OUT", Short: "convert saved sessions; the format comes from OUT's extension", Args: someFiles,
		Long: exportHelp(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return usageError{hinted{errors.New("export: no output is named"), "add -o OUT, such as -o login.xml"}}
			}
			match, err := o.matcher()
			if err != nil {
				return err
			}
			if capture.SameFile(out, args...) {
				return usageError{hinted{fmt.Errorf("export: %s is an input too, and would be lost", out), "choose another name for -o"}}
			}
			options, err := share.options(o.reveal)
			if err != nil {
				return err
			}
			_, missing := os.Stat(out)
			f, err := capture.Create(out, overwrite, options)
			if err != nil {
				return usageError{err}
			}
			if f.Secrets() {
				say(os.Stderr, "%s will hold secrets (passwords, keys); it is readable by you alone: think before you share it", out)
			}
			empty := true
			err = in.read(cmd.Context(), args, func(e session.Event) error {
				empty = false
				if match != nil && session.Numbered(e.Body) && !match(&e) {
					return nil
				}
				return f.Write(e)
			})
			err = errors.Join(stopped(err, out+" holds what was read"), f.Close())
			var i *interruption
			if err != nil && empty && missing != nil && !errors.As(err, &i) {
				os.Remove(out) // so that the same command can be tried again
			}
			return err
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "the `file` to write")
	cmd.Flags().BoolVar(&overwrite, "overwrite", false, "replace the output if it is there and not empty")
	cmd.Flags().BoolVar(&o.reveal, "reveal", false, "keep secrets in the clear")
	in.add(cmd.Flags())
	cmd.Flags().StringVar(&o.filter, "filter", "", "export only events that match (`EXPR`: see xmppscope help filter)")
	share.add(cmd.Flags())
	return cmd
}

// exportHelp lists the formats.
func exportHelp() string {
	var b strings.Builder
	b.WriteString("Formats, by the extension of OUT:\n\n")
	for _, f := range capture.Formats() {
		secrets := ""
		if f.Secrets {
			secrets = " (holds secrets)"
		}
		fmt.Fprintf(&b, "  %-8s %s%s\n", f.Ext, f.Title, secrets)
	}
	b.WriteString("\nSecrets become placeholders such as [password #1, 12 characters] unless --reveal is\ngiven; in .pcapng and .pcap only with --redact. To show a capture to others, look\nat --pseudonymise as well: it replaces names, hosts, addresses and messages.")
	return b.String()
}
