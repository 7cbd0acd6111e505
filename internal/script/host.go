package script

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync/atomic"
	"time"
)

// patience is how long a script may take for an element.
const patience = 500 * time.Millisecond

// longestQueue is how long an element may wait until the script is through with those of
// other sessions: where it is slow, nobody waits for ever.
const longestQueue = 10 * time.Second

// startTime is how long its process may take to start, and to read it.
const startTime = 10 * time.Second

// ready is what the process says first: which functions the script has, or why it cannot
// be read.
type ready struct {
	Hooks []string `json:"hooks,omitempty"`
	Error string   `json:"error,omitempty"`
}

// Serve is the script's process: it reads the script from a file, and then an Element a
// line, and answers each with a Reply. It bounds its own memory.
func Serve(file string, in io.Reader, out io.Writer) error {
	boundMemory()
	enc := json.NewEncoder(out)
	text, err := os.ReadFile(file)
	if err != nil {
		return enc.Encode(ready{Error: err.Error()})
	}
	script, err := Load(file, text)
	if err != nil {
		return enc.Encode(ready{Error: err.Error()})
	}
	if err := enc.Encode(ready{Hooks: script.Hooks()}); err != nil {
		return err
	}
	dec := json.NewDecoder(in)
	for {
		var e Element
		if err := dec.Decode(&e); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if err := enc.Encode(script.Consider(e)); err != nil {
			return err
		}
	}
}

// Host is a script's process, from outside. It may be used by several goroutines.
type Host struct {
	cmd *exec.Cmd

	turn  chan struct{} // of whoever asks it
	queue time.Duration // that may be waited for
	in    *json.Encoder
	pipe  io.Closer
	out   *bufio.Reader
	over  atomic.Bool
}

// Start starts a script's process: a command that calls Serve with the script.
func Start(cmd *exec.Cmd) (*Host, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("the script's process does not start: %w", err)
	}
	h := &Host{cmd: cmd, turn: make(chan struct{}, 1), queue: longestQueue, in: json.NewEncoder(in), pipe: in, out: bufio.NewReader(out)}
	var r ready
	err = h.answer(&r, startTime)
	if err == nil && r.Error != "" {
		err = errors.New(r.Error)
	}
	if err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

// Ask has the script decide about an element. One that fails in another way than by an error
// of its own is asked no more; nor is it asked about an element that has waited too long.
func (h *Host) Ask(e Element) Reply {
	late := time.NewTimer(h.queue)
	defer late.Stop()
	select {
	case h.turn <- struct{}{}:
	case <-late.C:
		return Reply{Error: fmt.Sprintf("it is too slow for so many elements: this one has waited for %s, and passed without being asked about", h.queue)}
	}
	defer func() { <-h.turn }()
	if h.over.Load() {
		return Reply{}
	}
	var r Reply
	err := h.in.Encode(e)
	if err == nil {
		err = h.answer(&r, patience)
	}
	if err != nil {
		h.stop()
		return Reply{Error: err.Error() + "; it is asked no more"}
	}
	return r
}

// Over says that the script is asked no more. It waits for nothing.
func (h *Host) Over() bool { return h.over.Load() }

// answer reads the process's next line, within a time.
func (h *Host) answer(to any, within time.Duration) error {
	late := time.AfterFunc(within, func() { h.cmd.Process.Kill() })
	line, err := h.out.ReadBytes('\n')
	if !late.Stop() {
		return fmt.Errorf("it took longer than %s", within)
	}
	if err != nil {
		return errors.New("its process has ended, as it does when it wants too much memory")
	}
	return json.Unmarshal(line, to)
}

// stop ends the process. The caller has the turn.
func (h *Host) stop() {
	if !h.over.Swap(true) {
		h.pipe.Close()
		h.cmd.Process.Kill()
		h.cmd.Wait()
	}
}

// Close ends the script.
func (h *Host) Close() {
	h.turn <- struct{}{}
	defer func() { <-h.turn }()
	h.stop()
}
