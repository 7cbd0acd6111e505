//go:build !linux

package main

import "time"

// shareShortly has all threads take turns often, where that can be.
func shareShortly() {}

// giveWay makes the goroutine's thread one that others need not wait for, where that can
// be.
func giveWay() {}

// letIn lets another thread have the CPU, where that can be.
func letIn() {}

// threadTime is how long the goroutine's thread has been on a CPU: here nobody knows, and
// it seems as if others always had it.
func threadTime() time.Duration { return 0 }
