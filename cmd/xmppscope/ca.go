package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"xmppscope/certs"
)

func newCA() *cobra.Command {
	var c caFlags
	cmd := &cobra.Command{
		Use: "ca", Short: "where the CA lies, its fingerprint, and how to trust it", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ca, err := c.open()
			if err != nil {
				return err
			}
			describeCA(os.Stdout, ca)
			return nil
		},
	}
	c.add(cmd.PersistentFlags())
	cmd.AddCommand(newCAExport(&c), newCARotate(&c))
	return cmd
}

func describeCA(w io.Writer, ca *certs.CA) {
	root := ca.Root()
	fmt.Fprintf(w, "certificate  %s\n", ca.RootFile())
	fmt.Fprintf(w, "subject      %s\n", root.Subject)
	fmt.Fprintf(w, "SHA-256      %s\n", ca.Fingerprint())
	fmt.Fprintf(w, "valid until  %s (%d days)\n\n", root.NotAfter.Format(time.DateOnly), int(time.Until(root.NotAfter).Hours()/24))
	fmt.Fprintf(w, "Whoever has the key beside it can read the connections of clients that trust this\nCA: keep it to yourself, and trust it no longer than you need.\n")
	for _, g := range certs.Guides(ca.RootFile()) {
		fmt.Fprintf(w, "\n%s\n  %s\n", g.For, strings.ReplaceAll(g.Text, "\n", "\n  "))
	}
}

func newCAExport(c *caFlags) *cobra.Command {
	var out string
	var der bool
	cmd := &cobra.Command{
		Use: "export", Short: "write the CA's certificate (never its key)", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ca, err := c.open()
			if err != nil {
				return err
			}
			data := ca.RootPEM()
			if der {
				data = ca.RootDER()
			}
			if out == "" || out == "-" {
				if der && isTerminal(os.Stdout) {
					return usageError{hinted{errors.New("ca export: DER is no text for a terminal"), "add -o FILE"}}
				}
				_, err = os.Stdout.Write(data)
				return err
			}
			return os.WriteFile(out, data, 0o644)
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "the `file` to write (default: standard output)")
	cmd.Flags().BoolVar(&der, "der", false, "DER instead of PEM")
	return cmd
}

func newCARotate(c *caFlags) *cobra.Command {
	return &cobra.Command{
		Use: "rotate", Short: "make a new CA; the old one is kept aside", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := c.path()
			if err != nil {
				return err
			}
			ca, kept, err := certs.Rotate(dir)
			if err != nil {
				return err
			}
			for _, k := range kept {
				say(os.Stderr, "kept aside: %s", k)
			}
			say(os.Stderr, "clients that trusted the old CA have to be told about the new one")
			describeCA(os.Stdout, ca)
			return nil
		},
	}
}
