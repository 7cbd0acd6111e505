package launch

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// soOriginalDst is netfilter's SO_ORIGINAL_DST, and IP6T_SO_ORIGINAL_DST.
const soOriginalDst = 80

// Redirected is where a connection was going that netfilter has redirected to us
// (SO_ORIGINAL_DST); the address it arrived at where it was not, as with TPROXY.
func Redirected(c net.Conn) (netip.AddrPort, error) {
	tcp, ok := c.(syscall.Conn)
	if !ok {
		return netip.AddrPort{}, errors.New("this is no TCP connection")
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return netip.AddrPort{}, err
	}
	local, err := localAddress(c)
	if err != nil {
		return netip.AddrPort{}, err
	}
	var at netip.AddrPort
	var failed error
	err = raw.Control(func(fd uintptr) {
		if local.Addr().Is4() {
			var sa unix.RawSockaddrInet4
			if failed = getsockopt(int(fd), unix.SOL_IP, unsafe.Pointer(&sa), unsafe.Sizeof(sa)); failed == nil {
				at = netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), swapped(sa.Port))
			}
			return
		}
		var sa unix.RawSockaddrInet6
		if failed = getsockopt(int(fd), unix.SOL_IPV6, unsafe.Pointer(&sa), unsafe.Sizeof(sa)); failed == nil {
			at = netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), swapped(sa.Port))
		}
	})
	switch {
	case err != nil:
		return netip.AddrPort{}, err
	case errors.Is(failed, unix.ENOENT), errors.Is(failed, unix.ENOPROTOOPT): // nothing was redirected
		return local, nil
	}
	return at, failed
}

func getsockopt(fd, level int, p unsafe.Pointer, size uintptr) error {
	n := uint32(size)
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(level), soOriginalDst, uintptr(p), uintptr(unsafe.Pointer(&n)), 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// swapped is a port that is in network byte order.
func swapped(port uint16) uint16 {
	var b [2]byte
	binary.NativeEndian.PutUint16(b[:], port)
	return binary.BigEndian.Uint16(b[:])
}

func localAddress(c net.Conn) (netip.AddrPort, error) {
	at, err := netip.ParseAddrPort(c.LocalAddr().String())
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), err
}

// ListenTransparent listens for connections that netfilter takes to us on their way: by
// redirect, and by TPROXY if the system lets us (CAP_NET_ADMIN). Redirected says where each
// was going.
func ListenTransparent(addr string) (l net.Listener, tproxy bool, err error) {
	tproxy = true
	config := net.ListenConfig{Control: func(network, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) {
			level, option := unix.SOL_IP, unix.IP_TRANSPARENT
			if network == "tcp6" {
				level, option = unix.SOL_IPV6, unix.IPV6_TRANSPARENT
			}
			tproxy = unix.SetsockoptInt(int(fd), level, option, 1) == nil
		})
	}}
	l, err = config.Listen(context.Background(), "tcp", addr)
	return l, tproxy, err
}
