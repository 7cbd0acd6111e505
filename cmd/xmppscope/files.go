package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"xmppscope/capture"
	"xmppscope/decode"
	"xmppscope/session"
	"xmppscope/viewer"
)

// readFiles gives the events of captures, one file after another; the sessions of
// later files are numbered on. A file that breaks off is read as far as it goes,
// with a line on standard error; one that cannot be read at all is an error.
func readFiles(ctx context.Context, paths []string, emit func(session.Event) error) error {
	base, last := 0, 0
	for _, path := range paths {
		err := readFile(path, func(e session.Event) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			e.Session += base
			last = max(last, e.Session)
			return emit(e)
		})
		var cut *capture.Truncated
		switch {
		case errors.As(err, &cut) && cut.Events > 0:
			say(os.Stderr, "warning: %v", err)
		case err != nil && ctx.Err() == nil:
			return err
		case err != nil:
			return nil
		}
		base = last
	}
	return nil
}

func readFile(path string, emit func(session.Event) error) error {
	f, err := os.Open(path)
	if err != nil {
		return usageError{err}
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return usageError{fmt.Errorf("%s is a folder, not a capture", path)}
	}
	_, err = capture.Read(bufio.NewReaderSize(f, 1<<16), emit)
	var cut *capture.Truncated
	if errors.As(err, &cut) || errors.Is(err, capture.ErrUnknown) {
		return usageError{fmt.Errorf("%s: %w", path, err)}
	}
	return err
}

func newPrint() *cobra.Command {
	o := new(outputFlags)
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
			err = readFiles(cmd.Context(), args, func(e session.Event) error {
				if match != nil && !match(&e) {
					return nil
				}
				return printer.Write(e)
			})
			return errors.Join(err, out.Flush())
		},
	}
	o.addPrinted(cmd.Flags())
	return cmd
}

func newOpen() *cobra.Command {
	o := new(outputFlags)
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
			err = readFiles(cmd.Context(), args, func(e session.Event) error {
				log.Append(e)
				return nil
			})
			log.End()
			if err != nil {
				return err
			}
			return viewer.Run(cmd.Context(), viewer.Options{
				Log: log, Title: "xmppscope open " + strings.Join(args, " "), Reveal: o.reveal,
				Pretty: decode.Pretty, Filter: match, CompileFilter: session.CompileFilter,
			})
		},
	}
	cmd.Flags().BoolVar(&o.reveal, "reveal", false, "show secrets in the clear")
	cmd.Flags().StringVar(&o.filter, "filter", "", "show only events that match (see `xmppscope help filter`)")
	return cmd
}

func newExport() *cobra.Command {
	var o outputFlags
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
			f, err := capture.Create(out, overwrite, options)
			if err != nil {
				return usageError{err}
			}
			if f.Secrets() {
				say(os.Stderr, "%s will hold secrets (passwords, keys); it is readable by you alone: think before you share it", out)
			}
			err = readFiles(cmd.Context(), args, func(e session.Event) error {
				if match != nil && session.Numbered(e.Body) && !match(&e) {
					return nil
				}
				return f.Write(e)
			})
			return errors.Join(err, f.Close())
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "the `file` to write")
	cmd.Flags().BoolVar(&overwrite, "overwrite", false, "replace the output if it is there and not empty")
	cmd.Flags().BoolVar(&o.reveal, "reveal", false, "keep secrets in the clear")
	cmd.Flags().StringVar(&o.filter, "filter", "", "export only events that match (see `xmppscope help filter`)")
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
