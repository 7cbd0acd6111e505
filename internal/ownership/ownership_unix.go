//go:build unix

package ownership

import (
	"io/fs"
	"syscall"
)

func uidOf(info fs.FileInfo) (uid int, known bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(s.Uid), true
}

// links is how many names a file has.
func links(info fs.FileInfo) uint64 {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 1
	}
	return uint64(s.Nlink)
}

// isRoot says whether a file is the administrator's, who can do anything anyway.
func isRoot(info fs.FileInfo) bool {
	uid, known := uidOf(info)
	return known && uid == 0
}

// everybody says whether all users may rename what is in a folder.
func everybody(info fs.FileInfo) bool {
	return info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0
}
