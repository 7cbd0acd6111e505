package main

import (
	"bufio"
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

func newOpen() *cobra.Command {
	o, in := new(outputFlags), new(inputFlags)
	cmd := &cobra.Command{
		Use: "open FILE…", Short: "open saved sessions in the inspector", Args: someFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			match, err := o.matcher()
			if err != nil {
				return err
			}
			instead := "use xmppscope print " + strings.Join(args, " ")
			if !isTerminal(os.Stdout) || !isTerminal(os.Stdin) {
				return usageError{hinted{errors.New("open: the inspector needs a terminal"), instead}}
			}
			log := session.NewLog()
			defer log.Close()
			err = in.read(cmd.Context(), args, func(e session.Event) error {
				log.Append(e)
				return nil
			})
			log.End()
			if err != nil {
				return err
			}
			beyond := inspection{inUse: args}
			err = inspect(cmd.Context(), viewer.Options{
				Log: log, Title: openTitle(args), Reveal: o.reveal, Start: recording(in.opened), Problems: in.said,
				Pretty: decode.Pretty, Filter: match, CompileFilter: session.CompileFilter, Hooks: beyond.hooks(),
			}, instead)
			beyond.report(os.Stderr)
			return err
		},
	}
	cmd.Flags().BoolVar(&o.reveal, "reveal", false, "show secrets in the clear")
	in.add(cmd.Flags())
	cmd.Flags().StringVar(&o.filter, "filter", "", "show only events that match (`EXPR`: see xmppscope help filter)")
	return cmd
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
			f, err := capture.Create(out, overwrite, options)
			if err != nil {
				return usageError{err}
			}
			if f.Secrets() {
				say(os.Stderr, "%s will hold secrets (passwords, keys); it is readable by you alone: think before you share it", out)
			}
			read := false
			err = in.read(cmd.Context(), args, func(e session.Event) error {
				read = true
				if match != nil && session.Numbered(e.Body) && !match(&e) {
					return nil
				}
				return f.Write(e)
			})
			err = errors.Join(err, f.Close())
			if err != nil && !read { // so that the same command line works when the input is there
				os.Remove(out)
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
