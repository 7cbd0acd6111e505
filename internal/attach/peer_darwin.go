package attach

import "golang.org/x/sys/unix"

// userOf is the user at the other end of a socket (LOCAL_PEERCRED).
func userOf(fd int) (uid int, err error) {
	cred, err := unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return -1, err
	}
	return int(cred.Uid), nil
}
