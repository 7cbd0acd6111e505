//go:build !linux

package main

// giveWay makes the goroutine's thread one that others need not wait for, where that can
// be.
func giveWay() {}
