//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// ownGroup has a program start as the first of a process group.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// endGroup asks a program that ownGroup has started, and those that it has started, to end;
// now ends them.
func endGroup(cmd *exec.Cmd, now bool) {
	sig := syscall.SIGTERM
	if now {
		sig = syscall.SIGKILL
	}
	syscall.Kill(-cmd.Process.Pid, sig)
}
