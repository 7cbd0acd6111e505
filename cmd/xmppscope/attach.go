package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"xmppscope/internal/attach"
	"xmppscope/session"
)

func newAttach() *cobra.Command {
	o := new(openFlags)
	list := false
	cmd := &cobra.Command{
		Use: "attach [RUN]", Short: "open the inspector on a proxy that runs elsewhere", Args: takes(0, 1, "one RUN at most"),
		Long: `Opens the inspector on an xmppscope that you run in another terminal, as a service, or
in a container (docker exec -it NAME xmppscope attach): on all that it has seen, and what
comes. RUN is its process id or the path of its socket, as --list shows them; without it
there must be one alone. Leaving the inspector leaves the run as it is, and several may
look at once.

The socket is yours alone (0600 in a folder 0700; who is at the other end is asked of
the system), and what passes there has its secrets in the clear: the inspector blanks
them, unless --reveal is set. --no-attach, with proxy, makes no socket.

print, export and check take the path of a socket in place of a file, and end with the
run; report --watch and mcp look at a run by it, too.

It works on Linux and macOS.`,
		Example: "  xmppscope attach --list\n  xmppscope attach 4711",
		RunE: func(cmd *cobra.Command, args []string) error {
			if list {
				return listRuns(os.Stdout)
			}
			run, err := findRun(args)
			if err != nil {
				return err
			}
			options, err := o.options([]string{run.Path})
			if err != nil {
				return err
			}
			options.Title = fmt.Sprintf("%s (process %d)", run.Title, run.PID)
			return o.open(cmd, []string{run.Path}, "use xmppscope print "+run.Path, options)
		},
	}
	cmd.Flags().BoolVar(&list, "list", false, "list the runs that can be looked at, and exit")
	o.add(cmd.Flags())
	return cmd
}

// listRuns lists the runs of this user.
func listRuns(w io.Writer) (err error) {
	runs, err := attach.Runs()
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	defer func() { err = errors.Join(err, out.Flush()) }()
	for i := range runs {
		r := &runs[i]
		say(out, "%d  since %s  %s  %s", r.PID, r.Created.Local().Format(time.DateTime), r.Path, r.Title)
	}
	if len(runs) == 0 {
		say(os.Stderr, "no xmppscope of yours is running that can be looked at")
	}
	return nil
}

// findRun finds the run that is named by its process or its socket, or the only one.
func findRun(args []string) (*attach.Run, error) {
	runs, err := attach.Runs()
	if err != nil {
		return nil, err
	}
	hint := "xmppscope attach --list shows those there are"
	if len(args) == 0 {
		switch len(runs) {
		case 0:
			return nil, hinted{errors.New("no xmppscope of yours is running that can be looked at"), "start one, in another terminal; one that was started with --no-attach, or by another user, cannot be looked at"}
		case 1:
			return &runs[0], nil
		}
		var named []string
		for i := range runs {
			named = append(named, fmt.Sprintf("%d (%s)", runs[i].PID, session.SafeLine(runs[i].Title)))
		}
		return nil, usageError{hinted{fmt.Errorf("%d of yours are running: name one of %s", len(runs), strings.Join(named, ", ")), hint}}
	}
	var found []*attach.Run
	for i := range runs {
		if args[0] == runs[i].Path {
			return &runs[i], nil
		}
		if args[0] == strconv.Itoa(runs[i].PID) {
			found = append(found, &runs[i])
		}
	}
	if len(found) > 1 { // in several containers
		return nil, usageError{hinted{fmt.Errorf("%d runs are process %s, as seen from where they run: name one by its path", len(found), args[0]), hint}}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	if attach.IsSocket(args[0]) { // somewhere else, as a container may have it
		return &attach.Run{Path: args[0], Hello: attach.Hello{Title: "xmppscope " + filepath.Base(args[0])}}, nil
	}
	return nil, usageError{hinted{fmt.Errorf("there is no run %q", args[0]), hint}}
}

// letAttach lets others of this user look at the run, until stop is called.
func (l *live) letAttach() (stop func()) {
	if l.alone {
		return func() {}
	}
	s, err := attach.Listen(l.log, tool, cmp.Or(l.title, "xmppscope"), giveWay)
	if errors.Is(err, attach.ErrNowhere) {
		return func() {}
	}
	if err != nil {
		say(os.Stderr, "warning: nobody can look by xmppscope attach: %s", session.SafeLine(inWords(err)))
		return func() {}
	}
	return s.Close
}
