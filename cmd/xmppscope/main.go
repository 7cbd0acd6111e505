// Command xmppscope is a transparent man-in-the-middle debugging proxy for XMPP:
// it stands between a client and its server, ends TLS on both sides with a local
// CA, and explains the login step by step.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(run(os.Args[1:])) }

// run is main for tests: it carries out a command line and returns the exit code.
func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cmd := newRoot()
	cmd.SetArgs(args)
	return report(os.Stderr, cmd.ExecuteContext(ctx))
}
