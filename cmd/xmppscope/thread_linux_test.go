package main

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// TestGiveWay: only the thread of who asks for it gives way, and only as long as it is his.
func TestGiveWay(t *testing.T) {
	policies := make(chan *unix.SchedAttr)
	look := func() {
		attr, err := unix.SchedGetAttr(0, 0)
		if err != nil {
			t.Error(err)
		}
		policies <- attr
	}
	go func() {
		giveWay()
		look()
	}()
	switch attr := <-policies; {
	case attr == nil:
	case attr.Policy != unix.SCHED_BATCH:
		t.Errorf("policy %d, want SCHED_BATCH", attr.Policy)
	case attr.Nice != 0:
		t.Errorf("nice %d: it must have the same share as others", attr.Nice)
	}
	go func() {
		runtime.LockOSThread()
		look()
	}()
	if attr := <-policies; attr != nil && attr.Policy != unix.SCHED_NORMAL {
		t.Errorf("another thread has policy %d", attr.Policy)
	}
}

// TestShareShortly: all threads have short slices, those that are made later too. (Before
// Linux 6.12 none has.)
func TestShareShortly(t *testing.T) {
	shareShortly()
	slice := func() uint64 {
		attr, err := unix.SchedGetAttr(0, 0)
		if err != nil {
			t.Error(err)
			return 0
		}
		return attr.Runtime
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	want := slice()
	if want != 0 && want != uint64(relaySlice) {
		t.Errorf("slices of %d ns, want %v", want, relaySlice)
	}
	got := make(chan uint64)
	for range 8 { // locked until they end: each has a thread of its own
		go func() {
			runtime.LockOSThread()
			got <- slice()
			got <- slice()
		}()
	}
	for range 16 {
		if n := <-got; n != want {
			t.Errorf("another thread has slices of %d ns, want %d", n, want)
		}
	}
}

// TestLeaveRoom: more threads than CPUs run, but only if the user has not said how many.
func TestLeaveRoom(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	t.Setenv("GOMAXPROCS", "")
	undo := leaveRoom()
	if got := runtime.GOMAXPROCS(0); got != before+spareThreads {
		t.Errorf("%d threads, want %d", got, before+spareThreads)
	}
	if undo(); runtime.GOMAXPROCS(0) != before {
		t.Errorf("%d threads afterwards, want %d", runtime.GOMAXPROCS(0), before)
	}
	t.Setenv("GOMAXPROCS", "1")
	defer leaveRoom()()
	if got := runtime.GOMAXPROCS(0); got != before {
		t.Errorf("%d threads, though the user has said how many", got)
	}
}
