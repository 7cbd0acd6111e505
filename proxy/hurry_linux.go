package proxy

import "syscall"

// pause lets a moment pass. The runtime's own timers are too coarse for it: where nothing
// else is to be done they take a millisecond.
func (h *hurry) pause() { syscall.Nanosleep(&syscall.Timespec{Nsec: int64(hurryPause)}, nil) }
