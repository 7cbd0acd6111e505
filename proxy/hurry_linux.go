package proxy

import "syscall"

// pause lets a moment pass. The runtime's own timers are too coarse for it: where nothing
// else is to be done they take a millisecond.
func (h *hurry) pause() { syscall.Nanosleep(&syscall.Timespec{Nsec: int64(hurryPause)}, nil) }

// lowWater has the system tell nobody that there is something to read before there is so much
// (SO_RCVLOWAT, socket(7)). Where the peer is in a hurry the runtime would be woken for each of
// its records, by the peer and for nothing.
func lowWater(fd uintptr, bytes int) {
	syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVLOWAT, bytes)
}
