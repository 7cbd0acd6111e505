package main

import (
	"bufio"
	"errors"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"xmppscope/decode"
	"xmppscope/session"
	"xmppscope/viewer"
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
			in.scrolls = isTerminal(os.Stdout)
			err = in.read(cmd.Context(), args, func(e session.Event) error {
				if match != nil && !match(&e) {
					return nil
				}
				return printer.Write(e)
			})
			return errors.Join(err, out.Flush())
		},
	}
	o.addPrinted(cmd.Flags())
	in.add(cmd.Flags())
	return cmd
}

// maxKeptPackets is how large captures may be of which the inspector keeps the packets
// too: they go to its spill file, and take more room there.
const maxKeptPackets = 64 << 20

// sizeOf is how large files are together, as far as that can be known.
func sizeOf(inputs []string) (size int64) {
	for _, path := range filesOf(inputs) {
		if info, err := os.Stat(path); err == nil {
			size += info.Size()
		}
	}
	return size
}

func newOpen() *cobra.Command {
	o, in := new(outputFlags), new(inputFlags)
	cmd := &cobra.Command{
		Use: "open FILE…", Short: "open saved sessions in the inspector", Args: someFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			match, err := o.matcher()
			if err != nil {
				return err
			}
			if !isTerminal(os.Stdout) || !isTerminal(os.Stdin) {
				return usageError{hinted{errors.New("open: the inspector needs a terminal"), "use xmppscope print " + strings.Join(args, " ")}}
			}
			log := session.NewLog()
			defer log.Close()
			in.wire = sizeOf(args) <= maxKeptPackets // for an export
			err = in.read(cmd.Context(), args, func(e session.Event) error {
				log.Append(e)
				return nil
			})
			log.End()
			if err != nil {
				return err
			}
			inspect := inspection{inUse: filesOf(args)}
			err = viewer.Run(cmd.Context(), viewer.Options{
				Log: log, Title: "xmppscope open " + strings.Join(args, " "), Reveal: o.reveal, Start: recording(args),
				Pretty: decode.Pretty, Filter: match, CompileFilter: session.CompileFilter, Hooks: inspect.hooks(),
			})
			inspect.report(os.Stderr)
			return err
		},
	}
	cmd.Flags().BoolVar(&o.reveal, "reveal", false, "show secrets in the clear")
	in.add(cmd.Flags())
	cmd.Flags().StringVar(&o.filter, "filter", "", "show only events that match (see `xmppscope help filter`)")
	return cmd
}
