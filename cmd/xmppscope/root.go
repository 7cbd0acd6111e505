package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"xmppscope/session"
	"xmppscope/viewer"
)

const longHelp = `xmppscope stands between an XMPP client and its server, ends TLS on both sides
with a local CA, and explains the login step by step.

Point your client at 127.0.0.1:5222 (host and port; the account stays as it is),
let it trust the CA (xmppscope ca), and log in.

It is for your own accounts and servers.`

const exitHelp = `
Exit codes: 0 done; 1 what was asked could not be done; 2 the command
line is wrong, or a capture could not be read; 130 Ctrl-C stopped the reading of a
capture (print and export keep what was read).
Every flag has its environment variable: --upstream-ca is XMPPSCOPE_UPSTREAM_CA.`

// newRoot builds the tree of commands. "xmppscope" alone is "xmppscope proxy".
func newRoot() *cobra.Command {
	root := newProxy()
	root.Use, root.Version, root.Short, root.Long = "xmppscope", version, "watch an XMPP login, step by step, with TLS out of the way", longHelp+"\n"+exitHelp
	root.DisableAutoGenTag = true // man pages are the same from day to day
	root.SilenceErrors, root.SilenceUsage = true, true
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return fromEnvironment(cmd) }
	root.SetFlagErrorFunc(wrongFlag)
	root.AddCommand(newProxy(), newRun(), newDemo(), newOpen(), newPrint(), newExport(), newCheck(), newExplain(), newDiff(), newDoctor(), newReplay(), newTry(), newAttach(), newReport(), newMCP(), newCA(), newMan(), newFilterHelp(), newKeysHelp(), newExpectHelp(), newSaveHelp(), newAPIHelp(), newRulesHelp(), newScriptHelp(), newScriptHost())
	root.AddCommand(newConfig())
	helpOf(root)
	completes(root)
	return root
}

func newMan() *cobra.Command {
	return &cobra.Command{
		Use: "man FOLDER", Short: "write the man pages into a folder", Args: takes(1, 1, "one folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			header := doc.GenManHeader{Title: "XMPPSCOPE", Section: "1", Source: tool}
			for _, c := range cmd.Root().Commands() {
				if err := manTopic(c, header, args[0]); err != nil {
					return err
				}
			}
			return doc.GenManTree(cmd.Root(), &header, args[0])
		},
	}
}

// manTopic writes the man page of a help topic, which GenManTree leaves out. Its lines
// stay as they are: they are tables.
func manTopic(c *cobra.Command, header doc.GenManHeader, folder string) error {
	if !c.IsAdditionalHelpTopicCommand() || c.Name() == "help" {
		return nil
	}
	c.Long = "    " + strings.ReplaceAll(c.Long, "\n", "\n    ")
	f, err := create(filepath.Join(folder, "xmppscope-"+c.Name()+".1"))
	if err != nil {
		return err
	}
	return errors.Join(doc.GenMan(c, &header, f), f.Close())
}

// newFilterHelp is a help topic, not a command.
func newFilterHelp() *cobra.Command {
	return &cobra.Command{
		Use: "filter", Short: "what --filter can name",
		Long: "A filter is an expression (https://expr-lang.org) over\n\n" + strings.TrimSpace(session.FilterHelp),
	}
}

// newKeysHelp is a help topic, not a command.
func newKeysHelp() *cobra.Command {
	var b strings.Builder
	for _, k := range viewer.KeyTable() {
		fmt.Fprintf(&b, "\n  %-13s %s", k[0], k[1])
	}
	return &cobra.Command{
		Use: "keys", Short: "the keys of the inspector",
		Long: "In the inspector, ? shows the same:\n" + b.String(),
	}
}
