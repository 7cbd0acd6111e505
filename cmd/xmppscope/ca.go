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
	cmd.AddCommand(newCATrust(&c), newCAExport(&c), newCARotate(&c), newCAQR(&c))
	return cmd
}

func describeCA(w io.Writer, ca *certs.CA) {
	root := ca.Root()
	fmt.Fprintf(w, "certificate  %s\n", ca.RootFile())
	fmt.Fprintf(w, "subject      %s\n", root.Subject)
	fmt.Fprintf(w, "SHA-256      %s\n", ca.Fingerprint())
	fmt.Fprintf(w, "valid until  %s (%d days)\n\n", root.NotAfter.Format(time.DateOnly), int(time.Until(root.NotAfter).Hours()/24))
	fmt.Fprintf(w, "Whoever has the key beside it can read the connections of clients that trust this\nCA: keep it to yourself, and trust it no longer than you need.\n")
	fmt.Fprintf(w, "\nFor one program in Go or Python, or with OpenSSL:\n  SSL_CERT_FILE=%s your-client\n", certs.Shell(ca.RootFile()))
	fmt.Fprintf(w, "\nHow to trust it elsewhere: xmppscope ca trust NAME (ca trust alone tells all), for\n")
	row := " "
	for _, g := range certs.Guides(ca.RootFile()) {
		for name := range strings.SplitSeq(g.For, ", ") {
			if len(row)+len(name) > 78 {
				fmt.Fprintln(w, row)
				row = " "
			}
			row += " " + name + ","
		}
	}
	fmt.Fprintln(w, strings.TrimSuffix(row, ","))
}

func newCATrust(c *caFlags) *cobra.Command {
	return &cobra.Command{
		Use: "trust [NAME…]", Short: "how to make a client, or a system, trust the CA",
		Long: "Prints how to make a client or a system trust the CA: those whose name has one of the\nNAMEs in it, such as gajim or debian, or all that are known.",
		RunE: func(cmd *cobra.Command, names []string) error {
			ca, err := c.open()
			if err != nil {
				return err
			}
			return describeTrust(os.Stdout, ca.RootFile(), names)
		},
	}
}

// describeTrust prints the guides that have one of the names in theirs, or all.
func describeTrust(w io.Writer, file string, names []string) error {
	guides := certs.Guides(file)
	if len(names) == 0 {
		names = []string{""}
	}
	wanted := map[int]bool{}
	for _, name := range names {
		found := false
		for i, g := range guides {
			if strings.Contains(strings.ToLower(g.For), strings.ToLower(name)) {
				found, wanted[i] = true, true
			}
		}
		if !found {
			return usageError{hinted{fmt.Errorf("ca trust: nothing is known of %q", name), "xmppscope ca lists the names; most programs in Go or Python, or with OpenSSL, take SSL_CERT_FILE=" + certs.Shell(file)}}
		}
	}
	gap := ""
	for i, g := range guides {
		if wanted[i] {
			fmt.Fprintf(w, "%s%s\n  %s\n", gap, g.For, strings.ReplaceAll(g.Text, "\n", "\n  "))
			gap = "\n"
		}
	}
	return nil
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
			f, err := create(out)
			if err != nil {
				return fmt.Errorf("ca export: %w", err)
			}
			_, err = f.Write(data)
			return errors.Join(err, f.Close())
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
