//go:build !linux

package main

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// errLinux is what all of it says elsewhere: CPU and memory of another process, and
// pseudo-terminals, are asked for in Linux's way.
var errLinux = errors.New("bench: it measures on Linux only")

func cpuTime(int) (time.Duration, error)                           { return 0, errLinux }
func memory(int) (status, error)                                   { return status{}, errLinux }
func openTerminal(_, _ uint16) (master, slave *os.File, err error) { return nil, nil, errLinux }
func ownTerminal() *syscall.SysProcAttr                            { return nil }
func descriptors() (int, error)                                    { return 0, errLinux }
func warm() error                                                  { return errLinux }
func processor() string                                            { return "" }
