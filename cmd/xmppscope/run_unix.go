//go:build unix

package main

import (
	"os"
	"syscall"
)

// terminalSignals are those that a terminal sends to all that run in it.
var terminalSignals = []os.Signal{os.Interrupt, syscall.SIGQUIT}

// ourSignals are those that run takes.
var ourSignals = append([]os.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2}, terminalSignals...)

// signalled is the signal that has ended a process.
func signalled(s *os.ProcessState) (signal int, yes bool) {
	status, ok := s.Sys().(syscall.WaitStatus)
	return int(status.Signal()), ok && status.Signaled()
}
