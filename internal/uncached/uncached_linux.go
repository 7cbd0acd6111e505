package uncached

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// unable says that the system, or a file system that was met, does not know
// RWF_DONTCACHE (preadv2(2), since Linux 6.14).
var unable atomic.Bool

var errUnable = errors.New("uncached: RWF_DONTCACHE is not known")

func writePassing(f *os.File, p []byte, at int64) (int, error) {
	return pass(f, p, at, "write", unix.Pwritev2, f.WriteAt)
}

func readPassing(f *os.File, p []byte, at int64) (int, error) {
	return pass(f, p, at, "read", unix.Preadv2, f.ReadAt)
}

// pass moves p past the cache, or what is left of it in the usual way once it turns out that
// the system does not know how.
func pass(f *os.File, p []byte, at int64, op string, call vectored, usual func(p []byte, at int64) (int, error)) (int, error) {
	done, err := move(f, p, at, op, call)
	if err != errUnable {
		return done, err
	}
	n, err := usual(p[done:], at+int64(done))
	return done + n, err
}

// vectored is a call of the system that moves pieces from or to a place in a file.
type vectored func(fd int, pieces [][]byte, at int64, flags int) (int, error)

// move moves all of p, in as many calls of the system as that takes. What it has not done
// when it returns errUnable is to be done in another way.
func move(f *os.File, p []byte, at int64, op string, call vectored) (done int, err error) {
	if unable.Load() {
		return 0, errUnable
	}
	conn, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	var failed error
	err = conn.Control(func(fd uintptr) {
		for done < len(p) && failed == nil {
			var n int
			switch n, failed = call(int(fd), [][]byte{p[done:]}, at+int64(done), unix.RWF_DONTCACHE); failed {
			case nil:
				if n == 0 {
					failed = io.EOF
				}
				done += n
			case unix.EINTR:
				failed = nil
			case unix.EOPNOTSUPP, unix.ENOSYS, unix.EINVAL:
				unable.Store(true)
				failed = errUnable
			default:
				failed = &os.PathError{Op: op, Path: f.Name(), Err: failed}
			}
		}
	})
	if err == nil {
		err = failed
	}
	return done, err
}

// openDirect opens a file once more, by its descriptor, as it may have no name.
func openDirect(f *os.File) *os.File {
	conn, err := f.SyscallConn()
	if err != nil {
		return nil
	}
	var direct *os.File
	conn.Control(func(fd uintptr) {
		var flags int
		if flags, err = unix.FcntlInt(fd, unix.F_GETFL, 0); err == nil { // it may do no more than the other
			direct, err = os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", fd), flags&unix.O_ACCMODE|unix.O_DIRECT, 0)
		}
	})
	if err != nil {
		return nil
	}
	return direct
}
