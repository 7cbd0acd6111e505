package main

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// shortSlice is how long the system lets a thread of ours run, at most, when one that was
// waiting wants the CPU: the least there is (sched(7), since Linux 6.12). By default it is
// over a millisecond, which a message on the wire would have to wait.
const shortSlice = 100 * time.Microsecond

// giveWay makes the goroutine's thread one that others need not wait for. It has the
// same share of the CPU as others, so what it holds is not held for long.
func giveWay() {
	runtime.LockOSThread()
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_BATCH, Runtime: uint64(shortSlice)}
	unix.SchedSetAttr(0, &attr, 0) // a system that knows nothing of it does without
}

// threadTime is how long the goroutine's thread has been on a CPU.
func threadTime() time.Duration {
	var t unix.Timespec
	unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t)
	return time.Duration(t.Nano())
}
