//go:build unix

package session

import (
	"io/fs"
	"os"
	"syscall"
)

// owned says whether a file is this user's.
func owned(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Getuid()
}

// alive says whether there is a process with this id.
func alive(pid int) bool { return syscall.Kill(pid, 0) != syscall.ESRCH }
