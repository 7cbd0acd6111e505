//go:build linux || darwin

package attach

import (
	"errors"
	"net"
	"syscall"
)

const supported = true

// errRefused is what a socket says that nobody listens on any more.
var errRefused error = syscall.ECONNREFUSED

// errInUse is what says that there is something of this name already.
var errInUse error = syscall.EADDRINUSE

// peerUID is the user of the process at the other end, as it was when it connected.
func peerUID(conn *net.UnixConn) (uid int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return -1, err
	}
	failed := raw.Control(func(fd uintptr) { uid, err = userOf(int(fd)) })
	return uid, errors.Join(failed, err)
}
