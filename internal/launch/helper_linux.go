package launch

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Init is called first of all in main: where the process is the helper that Start has
// started, it makes the namespaces ready, becomes the program, and never returns.
func Init() {
	if len(os.Args) != 1 || os.Args[0] != helperName {
		return
	}
	runtime.LockOSThread() // capabilities belong to a thread
	talk := os.NewFile(fdTalk, "talk")
	unix.CloseOnExec(fdTalk)
	unix.CloseOnExec(fdOrder)
	err := help(fdTalk)
	var s *stepError
	a := answer{Step: "starting the program", Err: fmt.Sprint(err)}
	if errors.As(err, &s) {
		a.Step, a.Err = s.step, s.err.Error()
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		a.Errno = int(errno)
	}
	text, _ := json.Marshal(a)
	talk.Write(text)
	os.Exit(1)
}

// stepError is an error with what was tried.
type stepError struct {
	step string
	err  error
}

func (s *stepError) Error() string { return s.step + ": " + s.err.Error() }
func (s *stepError) Unwrap() error { return s.err }

// help makes the namespaces ready and becomes the program. It returns only if that fails.
func help(talk int) error {
	var o order
	text, err := io.ReadAll(os.NewFile(fdOrder, "order"))
	if err == nil {
		err = json.Unmarshal(text, &o)
	}
	if err != nil {
		return &stepError{"reading the order", err}
	}
	for _, s := range []struct {
		name string
		do   func() error
	}{
		{"making mounts our own", func() error { return unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, "") }},
		{"laying files over others", func() error { return overlay(o.Mounts) }},
		{"making the network ready", func() error { return network(o.IPv6) }},
	} {
		if err := s.do(); err != nil {
			return &stepError{s.name, err}
		}
	}
	if err := handOver(talk, o); err != nil {
		return err
	}
	if err := dropAll(); err != nil {
		return &stepError{"giving capabilities up", err}
	}
	// The death signal is lost when capabilities change; and the parent may have gone by now.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGTERM), 0, 0, 0); err != nil {
		return &stepError{"asking for the end with xmppscope", err}
	}
	if os.Getppid() != o.Parent {
		os.Exit(128 + int(unix.SIGTERM))
	}
	return &stepError{"exec", unix.Exec(o.Path, o.Args, o.Env)}
}

func overlay(mounts []Mount) error {
	for _, m := range mounts {
		if err := unix.Mount(m.From, m.Over, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("%s over %s: %w", m.From, m.Over, err)
		}
	}
	return nil
}

// The addresses of the loopback interface, besides its own: programs look up names only
// where they have an address that leads somewhere (AI_ADDRCONFIG). They come from blocks
// that are nobody's (RFC 7335 §4, RFC 4193).
const (
	home4 = "192.0.0.8/32"
	home6 = "fd78:6d70:7073::1/128"
)

// network brings the loopback interface up, and leads every address to it.
func network(ipv6 bool) error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return err
	}
	homes := []string{home4}
	if ipv6 {
		homes = append(homes, home6)
	}
	for _, home := range homes {
		addr, err := netlink.ParseAddr(home)
		if err != nil {
			return err
		}
		addr.Flags = unix.IFA_F_NODAD
		if err := netlink.AddrAdd(lo, addr); err != nil {
			return fmt.Errorf("%s: %w", home, err)
		}
		everywhere := &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)}
		source := addr.IP // so that no connection is one from an address to itself
		if addr.IP.To4() == nil {
			everywhere = &net.IPNet{IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)}
		}
		route := &netlink.Route{
			LinkIndex: lo.Attrs().Index, Dst: everywhere, Src: source,
			Type: unix.RTN_LOCAL, Table: unix.RT_TABLE_LOCAL, Scope: unix.RT_SCOPE_HOST,
		}
		if err := netlink.RouteAdd(route); err != nil {
			return fmt.Errorf("a route for all: %w", err)
		}
	}
	return nil
}

// anyPorts are the ports that are listened on where nothing can be redirected: those of
// XMPP, of the web and of DNS (over TCP).
var anyPorts = []int{53, 80, 443, 853, 5222, 5223, 5269, 5270, 5280, 5281, 5443}

// handOver makes the sockets, hands them to the parent and waits for its go.
func handOver(talk int, o order) error {
	var a answer
	var fds []int
	add := func(f *os.File, err error) error {
		if err == nil {
			fds = append(fds, int(f.Fd()))
			unix.CloseOnExec(int(f.Fd()))
			kept = append(kept, f)
		}
		return err
	}
	families := []string{"4"}
	if o.IPv6 {
		families = append(families, "6")
	}
	listen := func(family string, port int) (int, error) {
		host := "0.0.0.0"
		if family == "6" {
			host = "::"
		}
		l, err := net.Listen("tcp"+family, net.JoinHostPort(host, fmt.Sprint(port)))
		if err != nil {
			return 0, &stepError{"listening", err}
		}
		defer l.Close()
		if err := add(l.(*net.TCPListener).File()); err != nil {
			return 0, &stepError{"listening", err}
		}
		a.Listeners++
		return l.Addr().(*net.TCPAddr).Port, nil
	}
	var ports [2]uint16
	for i, family := range families {
		port, err := listen(family, 0)
		if err != nil {
			return err
		}
		ports[i] = uint16(port)
	}
	if !o.NoNFT {
		a.Rules = redirect(ports[0], ports[1]) == nil
	}
	if !a.Rules {
		a.Ports = anyPorts
		for _, family := range families {
			for _, port := range anyPorts {
				if _, err := listen(family, port); err != nil {
					return err
				}
			}
		}
	}
	for _, family := range families {
		host := netip.IPv4Unspecified()
		if family == "6" {
			host = netip.IPv6Unspecified()
		}
		c, err := net.ListenUDP("udp"+family, net.UDPAddrFromAddrPort(netip.AddrPortFrom(host, 53)))
		if err != nil {
			return &stepError{"listening for DNS", err}
		}
		err = add(c.File())
		c.Close()
		if err != nil {
			return &stepError{"listening for DNS", err}
		}
		a.Queries++
	}
	if a.Rules {
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
		if err == nil {
			err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		}
		if err != nil {
			return &stepError{"making a socket for rules", err}
		}
		fds = append(fds, fd)
	}
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	if err := unix.Sendmsg(talk, text, unix.UnixRights(fds...), nil, 0); err != nil {
		return &stepError{"handing the sockets over", err}
	}
	var room [8]byte
	for {
		n, err := unix.Read(talk, room[:])
		switch {
		case err == unix.EINTR:
		case err != nil:
			return &stepError{"waiting for the go", err}
		case n == 0:
			os.Exit(1) // xmppscope has gone
		default:
			return nil
		}
	}
}

// kept are files that must not be closed by the collector while they are handed over.
var kept []*os.File

// dropAll gives up every capability, for good where the bounding set can be emptied. Root
// outside of a user namespace stays root.
func dropAll() error {
	if !inUserNamespace() {
		return nil
	}
	for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && err != unix.EINVAL {
			return err
		}
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return err
	}
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	return unix.Capset(&head, &none[0])
}

// inUserNamespace says whether we are in a user namespace of our own making: one that
// knows a single user.
func inUserNamespace() bool {
	text, err := os.ReadFile("/proc/self/uid_map")
	var inside, outside, count int64
	n, _ := fmt.Sscan(string(text), &inside, &outside, &count)
	return err == nil && n == 3 && count == 1
}

// HasIPv6 says whether there is a default route of IPv6: without one a connection would be
// taken here, and fail outside.
func HasIPv6() bool {
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_V6, &netlink.Route{Table: unix.RT_TABLE_MAIN}, netlink.RT_FILTER_TABLE)
	if err != nil {
		return false
	}
	for _, r := range routes {
		if r.Dst == nil || r.Dst.IP.IsUnspecified() {
			return true
		}
	}
	return false
}
