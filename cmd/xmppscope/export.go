package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"xmppscope/capture"
	"xmppscope/session"
)

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
			options.Packets = true
			f, err := capture.Create(out, overwrite, options)
			if err != nil {
				return usageError{err}
			}
			if f.Secrets() {
				say(os.Stderr, "%s will hold secrets (passwords, keys); it is readable by you alone: think before you share it", out)
			}
			in.wire = f.Wire() || f.Packets()
			err = in.read(cmd.Context(), args, func(e session.Event) error {
				if match != nil && !match(&e) {
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
	in.add(cmd.Flags())
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
