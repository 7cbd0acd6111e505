//go:build !linux

package proxy

// pause does nothing: the system has no pause that is short enough.
func (h *hurry) pause() {}
