//go:build race

package main

// every so many dialogues are hunted through. The race detector makes a hunt ten
// times as long, and there is but one goroutine in it.
const every = 12
