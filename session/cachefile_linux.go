package session

import (
	"cmp"
	"syscall"
)

// Numbers of file systems that lie in memory (statfs(2)).
const (
	tmpfs = 0x01021994
	ramfs = 0x858458f6
)

func volumeOf(folder string) (volume, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		return volume{}, err
	}
	block, kind := cmp.Or(int64(s.Frsize), int64(s.Bsize)), uint32(s.Type)
	return volume{size: int64(s.Blocks) * block, free: int64(s.Bavail) * block, memory: kind == tmpfs || kind == ramfs}, nil
}
