package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"xmppscope/capture"
	"xmppscope/session"
)

// reportFlags say what is reported, and where.
type reportFlags struct {
	out              string
	watch, overwrite bool
	every            time.Duration
	reveal           bool
	share            shareFlags
}

func newReport() *cobra.Command {
	o := new(reportFlags)
	cmd := &cobra.Command{
		Use: "report --watch [RUN] -o OUT.html", Short: "keep a report of a running proxy, for a browser that shows it",
		Args: takes(0, 1, "one RUN at most"),
		Long: `Writes the HTML report of an xmppscope that is running, and goes on writing it as
sessions come in. The page loads itself again every two seconds (--every) until the run,
or this command, has ended; then it is put in order, and stays. RUN is as with attach.

It is a file of yours (0600) rather than a server: a browser could show a token only in
an address or a cookie, where it does not belong. Open it as file://…; whoever sits
beside sees the screen.

Of captures, xmppscope export FILE -o OUT.html writes the same report.`,
		Example: "  xmppscope report --watch -o now.html",
		RunE: func(cmd *cobra.Command, args []string) error {
			if !o.watch {
				return usageError{hinted{errors.New("report: it is written while the proxy runs, with --watch"), "of captures: xmppscope export FILE -o OUT.html"}}
			}
			return o.run(cmd.Context(), args)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.watch, "watch", false, "follow a running proxy")
	f.StringVarP(&o.out, "output", "o", "", "the `file` to write, .html")
	f.DurationVar(&o.every, "every", 2*time.Second, "how often a browser loads it again, a second at least")
	f.BoolVar(&o.overwrite, "overwrite", false, "replace the output if it is there and not empty")
	f.BoolVar(&o.reveal, "reveal", false, "keep secrets in the clear")
	f.BoolVar(&o.share.pseudonymise, "pseudonymise", false, "replace names, hosts, addresses and what people wrote, the same everywhere")
	return cmd
}

func (o *reportFlags) run(ctx context.Context, args []string) error {
	if filepath.Ext(o.out) != ".html" {
		return usageError{hinted{fmt.Errorf("report: -o %q: want the name of an .html file", o.out), "add -o OUT.html"}}
	}
	if o.every < time.Second {
		return usageError{fmt.Errorf("--every %s: want a second at least", o.every)}
	}
	options, err := o.share.options(o.reveal)
	if err != nil {
		return err
	}
	run, err := findRun(args)
	if err != nil {
		return err
	}
	options.Refresh = o.every
	f, err := capture.Create(o.out, o.overwrite, options)
	if err != nil {
		return usageError{err}
	}
	path, err := filepath.Abs(o.out)
	if err != nil {
		path = o.out
	}
	say(os.Stderr, "open file://%s; Ctrl-C ends it", filepath.ToSlash(path))
	in := inputFlags{scrolls: true}
	err = in.read(ctx, []string{run.Path}, func(e session.Event) error { return f.Write(e) })
	var i *interruption
	if errors.As(err, &i) { // that is how it ends
		err = nil
	}
	return errors.Join(err, f.Close())
}
