package attach

import "golang.org/x/sys/unix"

// userOf is the user at the other end of a socket (unix(7), SO_PEERCRED).
func userOf(fd int) (uid int, err error) {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return -1, err
	}
	return int(cred.Uid), nil
}
