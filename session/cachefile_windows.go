package session

import (
	"io/fs"

	"golang.org/x/sys/windows"
)

// owned: the cache and temporary folders are the user's own.
func owned(fs.FileInfo) bool { return true }

// alive says whether there is a process with this id.
func alive(pid int) bool {
	p, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	if err != nil {
		return err != windows.ERROR_INVALID_PARAMETER
	}
	defer windows.CloseHandle(p)
	var code uint32
	err = windows.GetExitCodeProcess(p, &code)
	return err != nil || code == uint32(windows.STATUS_PENDING)
}

func volumeOf(folder string) (v volume, err error) {
	name, err := windows.UTF16PtrFromString(folder)
	if err != nil {
		return v, err
	}
	var free, size uint64
	err = windows.GetDiskFreeSpaceEx(name, &free, &size, nil)
	return volume{size: int64(size), free: int64(free)}, err
}
