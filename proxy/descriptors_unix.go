//go:build unix

package proxy

import "syscall"

// descriptors is how many files and connections this process may have open, 0 if that
// is not known.
func descriptors() int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 0
	}
	const most = 1 << 30 // so that "unlimited" is a number
	return int(min(uint64(limit.Cur), most))
}
