// Command xmppscope is a transparent man-in-the-middle debugging proxy for XMPP:
// it stands between a client and its server, ends TLS on both sides with a local
// CA, and explains the login step by step. It reads what it has recorded, and packet
// captures of others, to explain, compare, judge or export them.
package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"xmppscope/internal/launch"
)

func main() {
	launch.Init()
	os.Exit(run(os.Args[1:]))
}

// run is main for tests: it carries out a command line and returns the exit code.
func run(args []string) int {
	// Whoever reads our output may go before us: then writing fails, and that is
	// all. A closed terminal ends us as Ctrl-C does.
	signal.Ignore(syscall.SIGPIPE)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	came, stop := signals()
	var once sync.Once
	defer once.Do(stop)
	go func() {
		select {
		case <-came:
			once.Do(stop) // a second signal ends us at once
			cancel()
		case <-ctx.Done():
		}
	}()
	cmd := newRoot()
	cmd.SetArgs(sessionsOfInput(args))
	return report(os.Stderr, cmd.ExecuteContext(ctx))
}
