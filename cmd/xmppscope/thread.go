package main

import (
	"os"
	"runtime"
)

// spareThreads is how many threads more than there are CPUs may run our code: the system
// shares the CPUs out better among threads than the runtime among goroutines, which go on
// for 10 ms. What explains is not to hold up what relays.
const spareThreads = 2

// leaveRoom has so many threads run, unless the user has said how many. Undo has as many
// run as before.
func leaveRoom() (undo func()) {
	if os.Getenv("GOMAXPROCS") != "" {
		return func() {}
	}
	before := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(before + spareThreads)
	return func() { runtime.GOMAXPROCS(before) }
}
