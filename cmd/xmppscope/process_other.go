//go:build !unix

package main

import "os/exec"

func ownGroup(*exec.Cmd) {}

// endGroup ends a program; those that it has started are not known here.
func endGroup(cmd *exec.Cmd, _ bool) { cmd.Process.Kill() }
