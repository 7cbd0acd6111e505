package main

import (
	"os"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// How long the system lets a thread of ours run, at most, when another wants the CPU
// (sched(7), since Linux 6.12). By default it is over a millisecond, which a message on the
// wire would have to wait. Who has shorter slices is let in at once where others run that
// have longer ones: so what relays has shorter ones than what explains. With still shorter
// ones what does handshakes would take a fifth longer.
const (
	explainSlice = time.Millisecond
	relaySlice   = 600 * time.Microsecond
)

// shareShortly has all threads take turns more often: what relays, since a message takes it a
// few microseconds, and what would hold it up, as collecting garbage. Threads that are made
// later are like those that make them.
func shareShortly() {
	threads, _ := os.ReadDir("/proc/self/task") // a system without it does without
	for _, t := range threads {
		if id, err := strconv.Atoi(t.Name()); err == nil {
			schedule(id, unix.SCHED_NORMAL, relaySlice)
		}
	}
}

// giveWay makes the goroutine's thread one that others need not wait for. It has the
// same share of the CPU as others, so what it holds is not held for long.
func giveWay() {
	runtime.LockOSThread()
	schedule(0, unix.SCHED_BATCH, explainSlice)
}

// schedule gives a thread, 0 for the one that calls, its slices. A system that knows
// nothing of them does without.
func schedule(thread int, policy uint32, slice time.Duration) {
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: policy, Runtime: uint64(slice)}
	unix.SchedSetAttr(thread, &attr, 0)
}

// threadTime is how long the goroutine's thread has been on a CPU.
func threadTime() time.Duration {
	var t unix.Timespec
	unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t)
	return time.Duration(t.Nano())
}

// letIn lets another thread that waits for the CPU have it, be it of a client or of a server: the
// system itself looks whose turn it is at its ticks alone, some milliseconds apart.
func letIn() { unix.Syscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }
