package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"time"
)

// runChild does what this program does as a child of itself, and says whether it was
// started as one. A child ends when it is told to, or when its parent has gone.
func runChild(args []string) (was bool, err error) {
	if len(args) == 0 || args[0] != childBare && args[0] != childBusy {
		return false, nil
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	go func() {
		io.Copy(io.Discard, os.Stdin) // the parent holds the other end
		stop()
	}()
	if args[0] == childBusy {
		os.Stdout.WriteString("busy\n")
		busy(ctx)
		return true, nil
	}
	return true, bare(ctx, args[1], args[2])
}

// The children: their first argument.
const (
	childBare = "bare-relay" // UPSTREAM UPSTREAM-CA
	childBusy = "busy-cpu"
)

// busy takes one CPU, as a program does that computes.
func busy(ctx context.Context) {
	for n := 0; ctx.Err() == nil; {
		for until := time.Now().Add(10 * time.Millisecond); time.Now().Before(until); {
			n++
		}
	}
}
