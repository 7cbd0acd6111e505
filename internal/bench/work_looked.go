package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// How a slow looker reads what it is shown: some tens of kilobytes a second.
const (
	lookerRoom = 4 << 10
	lookerRest = 100 * time.Millisecond
)

// How long a run may take until it can be looked at, and how often that is asked.
const (
	socketTime = 10 * time.Second
	socketRest = 50 * time.Millisecond
)

func lookedWork() work {
	return work{name: "looked",
		title: func(z *sizes) string {
			return "the same echo while somebody looks by the run's socket, and reads slowly"
		},
		metrics: []metric{{p50, 0, true}, {p99, 0, true}},
		run: func(r *rig) (figures, error) {
			client, server, err := r.pair()
			if err != nil {
				return nil, err
			}
			stop, err := r.look()
			if err != nil {
				return nil, err
			}
			defer stop()
			f, err := echo(client, server, r.sizes.echo)
			if err != nil {
				return nil, err
			}
			return f, part(client, server)
		},
	}
}

// look has another process follow the run until stop is called, slowly. What is no
// xmppscope can be looked at by nobody.
func (r *rig) look() (stop func(), err error) {
	if r.scope == nil {
		return func() {}, nil
	}
	socket, err := r.socket()
	if err != nil {
		return nil, err
	}
	p, out, err := startReading(r.ctx, r.command(r.scope.path, "print", "--json", socket))
	if err != nil {
		return nil, err
	}
	stop = func() {
		p.kill()
		out.Close()
	}
	room := make([]byte, lookerRoom)
	if _, err := io.ReadAtLeast(out, room, 1); err != nil { // it follows now
		stop()
		return nil, errors.Join(fmt.Errorf("bench: somebody who looks: %w", err), p.err)
	}
	go func() {
		for {
			if _, err := out.Read(room); err != nil {
				return // killed, or the run has ended
			}
			select {
			case <-time.After(lookerRest):
			case <-r.ctx.Done():
				return
			}
		}
	}()
	return stop, nil
}

// socket is where the run can be looked at. It is there shortly after the run has
// said where it listens.
func (r *rig) socket() (string, error) {
	limit := time.After(socketTime)
	for {
		if path, err := r.listed(); path != "" || err != nil {
			return path, err
		}
		select {
		case <-time.After(socketRest):
		case <-limit:
			return "", errors.New("bench: the run cannot be looked at: attach --list does not have it")
		case <-r.ctx.Done():
			return "", r.ctx.Err()
		}
	}
}

// listed is where the run can be looked at, as attach --list has it; "" if it does not.
func (r *rig) listed() (string, error) {
	p, out, err := startReading(r.ctx, r.command(r.scope.path, "attach", "--list"))
	if err != nil {
		return "", err
	}
	defer out.Close()
	listed, err := io.ReadAll(out)
	if err != nil {
		p.kill()
		return "", err
	}
	if <-p.exited; p.err != nil {
		return "", p.err
	}
	for line := range strings.Lines(string(listed)) { // "PID  since TIME  PATH  TITLE"
		if fields := strings.Split(line, "  "); len(fields) > 2 && fields[0] == strconv.Itoa(r.process.cmd.Process.Pid) {
			return fields[2], nil
		}
	}
	return "", nil
}
