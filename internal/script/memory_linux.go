//go:build linux && !race

package script

import "golang.org/x/sys/unix"

// boundMemory has the system refuse this process more memory: then it ends.
func boundMemory() { unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: maxMemory, Max: maxMemory}) }
