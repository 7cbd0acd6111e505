package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"
)

// process is a child whose CPU and memory are measured from outside.
type process struct {
	cmd    *exec.Cmd
	said   bytes.Buffer // on standard error; to be read when it has ended
	peak   atomic.Int64 // the most memory that it has held, in KiB, as last seen
	exited chan struct{}
	err    error // once it has exited: what became of it
}

// startProcess starts a child and watches its memory until it has ended. When ctx is
// done it is killed.
func startProcess(ctx context.Context, cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, exited: make(chan struct{})}
	if cmd.Stderr == nil {
		cmd.Stderr = &p.said
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("bench: starting %s: %w", filepath.Base(cmd.Path), err)
	}
	go p.watch()
	go func() {
		defer close(p.exited)
		stop := context.AfterFunc(ctx, func() { cmd.Process.Kill() })
		defer stop()
		p.err = cmd.Wait()
		if ctx.Err() != nil {
			p.err = ctx.Err()
		}
		if p.err != nil {
			p.err = fmt.Errorf("bench: %s: %w%s", filepath.Base(cmd.Path), p.err, lastWords(p.said.Bytes()))
		}
	}()
	return p, nil
}

// startReading is startProcess for a child whose standard output the caller reads, and
// closes.
func startReading(ctx context.Context, cmd *exec.Cmd) (*process, *os.File, error) {
	out, in, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer in.Close()
	cmd.Stdout = in
	p, err := startProcess(ctx, cmd)
	if err != nil {
		out.Close()
	}
	return p, out, err
}

// lastWords is the end of what a child said, for an error.
func lastWords(said []byte) string {
	if said = bytes.TrimSpace(said); len(said) == 0 {
		return ""
	}
	return "; it said: " + string(said[max(0, len(said)-1000):])
}

const (
	peakEvery  = 20 * time.Millisecond
	idleWindow = 200 * time.Millisecond
	idleCPU    = 10 * time.Millisecond // in a window; a background job at a tenth of a CPU takes twice that
)

// watch keeps the peak up to date; the system forgets it with the process.
func (p *process) watch() {
	tick := time.NewTicker(peakEvery)
	defer tick.Stop()
	for {
		if s, err := memory(p.cmd.Process.Pid); err == nil {
			p.peak.Store(s.peak)
		}
		select {
		case <-tick.C:
		case <-p.exited:
			return
		}
	}
}

// peakMB is the most memory that it has held, in units of 1,024 KiB.
func (p *process) peakMB() float64 { return float64(p.peak.Load()) / 1024 }

// cpu is what the process has used so far, or in all once it has exited.
func (p *process) cpu() (time.Duration, error) {
	select {
	case <-p.exited:
		return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime(), nil
	default:
		return cpuTime(p.cmd.Process.Pid)
	}
}

// settle waits until the process has nothing to do, and returns since when.
func (p *process) settle(ctx context.Context) (time.Time, error) {
	for {
		at := time.Now()
		before, err := p.cpu()
		if err != nil {
			return at, err
		}
		select {
		case <-time.After(idleWindow):
		case <-p.exited:
			return at, errors.Join(errors.New("bench: the proxy has gone"), p.err)
		case <-ctx.Done():
			return at, fmt.Errorf("bench: the proxy is still busy: %w", ctx.Err())
		}
		after, err := p.cpu()
		if err != nil || after-before < idleCPU {
			return at, err
		}
	}
}

// end asks the process to end, as Ctrl-C does, and waits for it.
func (p *process) end() error {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.exited // ctx sees to it
	return p.err
}

// kill ends the process at once, if it has not ended.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.exited
}
