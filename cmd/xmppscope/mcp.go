package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"xmppscope/internal/api"
	"xmppscope/session"
)

func newMCP() *cobra.Command {
	in := new(inputFlags)
	running, control := false, ""
	cmd := &cobra.Command{
		Use: "mcp [FILE…]", Short: "let an assistant look at captures, or at a running proxy",
		Long: `Speaks the Model Context Protocol on standard input and output, for the assistant that
has started it: "why did the last login fail?" gets the story. It looks at the captures
that are named here, at --running too: the xmppscope that you run elsewhere (see
xmppscope attach; the path of a socket may stand among the files), and at nothing else.

It reads only, unless you say --allow-control http://127.0.0.1:PORT, the address of the
api of a run that was started with --allow-control: then it may hold, change and put in
what passes there, with the token of control in XMPPSCOPE_CONTROL_TOKEN.

Secrets are blanked, always. What comes from the wire is marked as such
in all answers: a message that says "ignore your instructions" is a message.

An assistant that is set up by a file takes it like this:

  {"mcpServers": {"xmppscope": {"command": "xmppscope", "args": ["mcp", "--running"]}}}`,
		Example: "  xmppscope mcp login.pcapng\n  xmppscope mcp --running",
		Args: func(cmd *cobra.Command, args []string) error {
			if slices.ContainsFunc(args, func(name string) bool { return fileOf(name) == "-" }) {
				return usageError{hinted{errors.New("mcp: standard input is the assistant's"), "name a file"}}
			}
			if running {
				return nil
			}
			return someFiles(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if running {
				run, err := findRun(nil)
				if err != nil {
					return err
				}
				args = append(args, run.Path)
			}
			return assist(cmd, in, args, control)
		},
	}
	cmd.Flags().BoolVar(&running, "running", false, "look at the xmppscope that you run elsewhere, too")
	cmd.Flags().StringVar(&control, "allow-control", "", "let the assistant take hold of what passes at the api of a run, `http://127.0.0.1:PORT`")
	in.add(cmd.Flags())
	return cmd
}

// A run has told what it has seen when it says nothing for a while. Where it never does, as
// much comes in, it is asked after the longest time.
const (
	quietFor = time.Second
	longest  = 10 * time.Second
)

func assist(cmd *cobra.Command, in *inputFlags, paths []string, control string) error {
	if isTerminal(os.Stdin) {
		return usageError{hinted{errors.New("mcp: an assistant starts it, and speaks on standard input"), "to look yourself: xmppscope open, or xmppscope attach"}}
	}
	var remote *api.Remote
	if control != "" {
		var err error
		if remote, err = api.NewRemote(control, os.Getenv(controlToken)); err != nil {
			return usageError{hinted{fmt.Errorf("--allow-control: %w", err), "the run tells its address and its token of control at its start; the token goes into XMPPSCOPE_CONTROL_TOKEN"}}
		}
	}
	log := session.NewLog()
	defer log.Close()
	ready := make(chan struct{})
	isReady := sync.OnceFunc(func() { close(ready) })
	quiet, busy := time.AfterFunc(time.Hour, isReady), sync.OnceFunc(func() { time.AfterFunc(longest, isReady) })
	defer quiet.Stop()
	in.idle = func() {
		quiet.Reset(quietFor)
		busy()
	}
	r := read(cmd.Context(), in, paths, log, false)
	defer r.wait()
	go func() {
		<-r.done
		isReady()
	}()
	m := api.NewModel(api.Options{
		CompileFilter: (*configFlags)(nil).naming().Compile,
		Log:           log, Tool: tool, Title: strings.TrimPrefix(openTitle(paths), "xmppscope "), Sources: r.sources, Remote: remote,
		Live: slices.ContainsFunc(filesOf(paths), comesSlowly),
	})
	err := api.Assistant(cmd.Context(), m, os.Stdin, os.Stdout, ready)
	if cmd.Context().Err() != nil {
		err = nil
	}
	r.wait()
	for _, line := range r.said {
		say(os.Stderr, "%s", line)
	}
	var i *interruption
	if errors.As(r.failed, &i) {
		return err
	}
	return cmp.Or(err, r.failed)
}

// sources says which files there are, and what became of them.
func (r *reading) sources() []string {
	state := r.state()
	out := append(state.Opened[len(r.above)+1:], state.Said...)
	for i := range out {
		out[i] = session.SafeLine(strings.TrimSpace(out[i]))
	}
	if state.Problem != "" {
		out = append(out, state.Problem)
	}
	return out
}
