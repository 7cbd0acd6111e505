//go:build !linux

package main

// Elsewhere nobody tells whose a process was: what has left the client's process group stays.
func adopt()            {}
func children() []int   { return nil }
func endStrays(_ []int) {}
