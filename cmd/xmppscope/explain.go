package main

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"xmppscope/decode/tale"
	"xmppscope/session"
)

// explainFlags say which sessions are told of.
type explainFlags struct {
	in inputFlags
}

func newExplain() *cobra.Command {
	o := new(explainFlags)
	cmd := &cobra.Command{
		Use: "explain FILE…", Short: "say in ten lines how a login went, and why", Args: someFiles,
		Long: `Says of each session in a capture, in ten lines that one could send to a colleague:
who logged in where, how it went, why, what to do next, what was tried, and how long
it took. Secrets are not in it.

All formats that print and open read are read.`,
		Example: "  xmppscope explain login.pcapng\n  xmppscope explain --keylog keys.txt wire.pcap",
		RunE:    func(cmd *cobra.Command, args []string) error { return explain(cmd, o, args) },
	}
	o.in.add(cmd.Flags())
	return cmd
}

func explain(cmd *cobra.Command, o *explainFlags, files []string) (err error) {
	out := bufio.NewWriter(os.Stdout)
	defer func() { err = errors.Join(err, out.Flush()) }()
	told := map[int]*tale.Tale{}
	failed := o.in.read(cmd.Context(), files, func(e session.Event) error {
		if e.Session == 0 {
			return nil
		}
		t := told[e.Session]
		if t == nil {
			t = new(tale.Tale)
			told[e.Session] = t
		}
		t.Add(&e)
		return nil
	})
	for i, id := range slices.Sorted(maps.Keys(told)) {
		if i > 0 {
			fmt.Fprintln(out)
		}
		told[id].Write(out)
	}
	if failed == nil {
		return nil
	}
	return unreadable(stopped(failed, "what came before it is told"))
}
