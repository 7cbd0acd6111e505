package main

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// adopt has this process become the parent of whatever its descendants leave behind, so that
// what a client has started in a session or a process group of its own can be found and ended.
func adopt() { unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// sweepTime bounds how long endStrays looks for more of what breeds.
const sweepTime = 5 * time.Second

// endStrays ends all children of this process but those that were there before, and what they
// have started: those come to us as their parents go. What runs as another user stays.
func endStrays(before []int) {
	for until := time.Now().Add(sweepTime); time.Now().Before(until); {
		strays := slices.DeleteFunc(children(), func(pid int) bool { return slices.Contains(before, pid) })
		if len(strays) == 0 {
			return
		}
		for _, pid := range strays {
			if unix.Kill(pid, unix.SIGKILL) != nil { // it runs as somebody else (sudo), and would be waited for as long as it likes
				before = append(slices.Clip(before), pid)
				continue
			}
			unix.Wait4(pid, nil, 0, nil)
		}
	}
}

// children are the processes whose parent this one is.
func children() (out []int) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	self := os.Getpid()
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat") // pid (name) state ppid …
		if err != nil {
			continue
		}
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) < 2 {
			continue
		}
		if parent, err := strconv.Atoi(string(fields[1])); err == nil && parent == self {
			out = append(out, pid)
		}
	}
	return out
}
