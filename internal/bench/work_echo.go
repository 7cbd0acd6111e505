package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"
)

const (
	p50        = "p50, µs"
	p99        = "p99, µs"
	cpuMessage = "its CPU in the end, µs a message"
)

func echoWork() work {
	return work{name: "echo",
		title:   func(z *sizes) string { return "echo of one message, " + count(z.echo) + " times" },
		metrics: []metric{{p50, 0, true}, {p99, 0, true}, {cpuMessage, 0, true}},
		run: func(r *rig) (figures, error) {
			client, server, err := r.pair()
			if err != nil {
				return nil, err
			}
			if err := r.meter(); err != nil {
				return nil, err
			}
			f, err := echo(client, server, r.sizes.echo)
			if err != nil {
				return nil, err
			}
			if err := part(client, server); err != nil {
				return nil, err
			}
			return f, r.finish(f, cpuMessage, float64(r.sizes.echo)/1000)
		},
	}
}

func hoggedWork() work {
	return work{name: "hogged",
		title:   func(z *sizes) string { return "echo, every CPU hogged, just after a burst of " + mega(z.burst) },
		metrics: []metric{{p50, 0, true}, {p99, 0, true}},
		run: func(r *rig) (figures, error) {
			other, otherServer, err := r.pair()
			if err != nil {
				return nil, err
			}
			client, server, err := r.pair()
			if err != nil {
				return nil, err
			}
			t := newTraffic(fromServer, r.sizes.burst)
			size, _ := t.cut(r.sizes.burst)
			if err := t.flow(otherServer, other, size, blockSize); err != nil {
				return nil, err
			}
			stop, err := hogCPUs(r.ctx, r.setup)
			if err != nil {
				return nil, err
			}
			defer stop()
			f, err := echo(client, server, r.sizes.echo)
			if err != nil {
				return nil, err
			}
			return f, errors.Join(part(client, server), part(other, otherServer))
		},
	}
}

// hogCPUs starts a busy process for each CPU; stop ends them.
func hogCPUs(ctx context.Context, s *setup) (stop func(), err error) {
	var all []*process
	stop = func() {
		for _, p := range all {
			p.kill()
		}
	}
	for range runtime.NumCPU() {
		cmd := s.command(s.self, childBusy)
		if _, err := cmd.StdinPipe(); err != nil { // closed when we go
			stop()
			return nil, err
		}
		p, out, err := startReading(ctx, cmd)
		if err != nil {
			stop()
			return nil, err
		}
		all = append(all, p)
		_, err = io.ReadFull(out, make([]byte, 1)) // it is busy now
		out.Close()
		if err != nil {
			stop()
			return nil, fmt.Errorf("bench: a process that takes a CPU did not start: %w", err)
		}
	}
	return stop, nil
}

// echo sends messages one after the other and has each sent back.
func echo(client, server wire, n int) (figures, error) {
	back := make(chan error, 1)
	go func() { back <- sendBack(server, n) }()
	took := make([]time.Duration, n)
	got := make([]byte, smallSize)
	for i := range took {
		message := small(i + 1)
		began := time.Now()
		if _, err := client.Write(message); err != nil {
			return nil, err
		}
		if _, err := io.ReadFull(client, got); err != nil {
			return nil, err
		}
		took[i] = time.Since(began)
		if !bytes.Equal(got, message) {
			return nil, fmt.Errorf("bench: message %d came back as another", i+1)
		}
	}
	slices.Sort(took)
	return figures{p50: micro(took[n/2]), p99: micro(took[n*99/100])}, <-back
}

func sendBack(w wire, n int) error {
	message := make([]byte, smallSize)
	for range n {
		if _, err := io.ReadFull(w, message); err != nil {
			return err
		}
		if _, err := w.Write(message); err != nil {
			return err
		}
	}
	return nil
}

func micro(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
