package attach

import (
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

const supported = true

// errRefused is what a socket says that nobody listens on any more.
var errRefused error = syscall.ECONNREFUSED

// peerUID is the user of the process at the other end, as it was when it connected.
func peerUID(conn *net.UnixConn) (uid int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return -1, err
	}
	var cred *unix.Xucred
	failed := raw.Control(func(fd uintptr) { cred, err = unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED) })
	if failed != nil || err != nil {
		return -1, errors.Join(failed, err)
	}
	return int(cred.Uid), nil
}
