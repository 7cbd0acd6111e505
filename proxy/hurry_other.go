//go:build !linux

package proxy

// pause does nothing: the system has no pause that is short enough.
func (h *hurry) pause() {}

// lowWater does nothing: where there is no pause the system is always asked for what there is.
func lowWater(fd uintptr, bytes int) {}
