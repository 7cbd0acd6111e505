package launch

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// helperName is what our own program is called when it is to make the namespaces ready.
const helperName = "xmppscope: starting a program"

// The descriptors of the helper.
const (
	fdTalk  = 3 // the socket to the parent
	fdOrder = 4 // an order, in JSON
)

// order is what the helper is to do.
type order struct {
	Path   string   `json:"path"`
	Args   []string `json:"args"`
	Env    []string `json:"env"`
	Mounts []Mount  `json:"mounts"`
	IPv6   bool     `json:"ipv6"`
	NoNFT  bool     `json:"no_nft"`
	Parent int      `json:"parent"` // process id, as the helper sees it
}

// answer is what the helper says when all is ready, with the descriptors: the listeners,
// the sockets for queries and, with nf_tables, that for its rules.
type answer struct {
	Step      string `json:"step,omitempty"` // that failed; nothing else is set then
	Errno     int    `json:"errno,omitempty"`
	Err       string `json:"error,omitempty"`
	Listeners int    `json:"listeners"`
	Queries   int    `json:"queries"`
	Rules     bool   `json:"rules"`
	Ports     []int  `json:"ports,omitempty"`
}

// platform is what a Program has on Linux.
type platform struct {
	cmd    *exec.Cmd
	merged *merged
	rules  *rules // nil without nf_tables
	ended  chan struct{}
	code   int
	talk   *net.UnixConn // to the helper, until it has become the program
	path   string        // of the program
	space  string        // the network namespace, as /proc names it
}

// Start makes the namespaces of a program, which Run starts. The caller is its parent:
// signals of the terminal reach both. An error is a *Refused where the system does not let
// us, and one for ExitCode where there is no such program.
func Start(o Options) (*Program, error) {
	path, err := exec.LookPath(o.Path)
	if err != nil {
		return nil, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	talk, theirs, err := socketpair()
	if err != nil {
		return nil, &Refused{Step: "making a socket", Err: err}
	}
	defer func() {
		if talk != nil {
			talk.Close()
		}
	}()
	defer theirs.Close()
	text, err := orderFile(order{Path: path, Args: o.Args, Env: o.Env, Mounts: o.Mounts, IPv6: o.IPv6, NoNFT: o.NoNFT, Parent: os.Getpid()})
	if err != nil {
		return nil, &Refused{Step: "passing the command line on", Err: err}
	}
	defer text.Close()
	cmd := &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{helperName}, Env: os.Environ(),
		Stdin: o.Streams[0], Stdout: o.Streams[1], Stderr: o.Streams[2],
		ExtraFiles: []*os.File{theirs, text}, SysProcAttr: attributes(),
	}
	// Pdeathsig belongs to the thread that starts: it has to live as long as we do.
	started := make(chan error, 1)
	p := &Program{platform: platform{cmd: cmd, ended: make(chan struct{})}}
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		cmd.Wait()
		p.code = code(cmd.ProcessState)
		close(p.ended)
	}()
	if err := <-started; err != nil {
		return nil, refusedClone(err)
	}
	theirs.Close()
	if err := p.takeOver(talk); err != nil {
		cmd.Process.Kill()
		<-p.ended
		return nil, err
	}
	p.space, _ = os.Readlink(fmt.Sprintf("/proc/%d/ns/net", cmd.Process.Pid))
	p.talk, talk = talk, nil
	p.path = path
	return p, nil
}

// run lets the helper become the program.
func (p *Program) run() error {
	defer p.talk.Close()
	if _, err := p.talk.Write([]byte("go")); err != nil {
		return &Refused{Step: "letting the program go", Err: err}
	}
	// The helper's end closes by itself when the program is executed; else it says why not.
	failed, err := io.ReadAll(p.talk)
	if err != nil || len(failed) == 0 {
		return nil
	}
	<-p.ended
	var a answer
	if json.Unmarshal(failed, &a) == nil && a.Errno != 0 {
		return &os.PathError{Op: "exec", Path: p.path, Err: syscall.Errno(a.Errno)}
	}
	return fmt.Errorf("starting %s: %s", p.path, failed)
}

// attributes are how the helper is started: in namespaces of its own, as the same user.
// Root needs no user namespace, and its programs stay root's then.
func attributes() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS,
		Pdeathsig:  syscall.SIGTERM,
	}
	if capable(unix.CAP_SYS_ADMIN) && capable(unix.CAP_NET_ADMIN) {
		return a
	}
	uid, gid := os.Getuid(), os.Getgid()
	a.Cloneflags |= unix.CLONE_NEWUSER
	a.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
	a.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
	// A user other than root loses all at exec but what is ambient. SETPCAP is needed to
	// give up the rest.
	a.AmbientCaps = []uintptr{unix.CAP_NET_ADMIN, unix.CAP_SYS_ADMIN, unix.CAP_NET_BIND_SERVICE, unix.CAP_NET_RAW, unix.CAP_SETPCAP}
	return a
}

// capable says whether we have a capability.
func capable(c int) bool {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	return unix.Capget(&head, &data[0]) == nil && data[c/32].Effective&(1<<(c%32)) != 0
}

// socketpair makes the socket between us and the helper.
func socketpair() (ours *net.UnixConn, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	f := os.NewFile(uintptr(fds[0]), "talk")
	defer f.Close()
	theirs = os.NewFile(uintptr(fds[1]), "talk")
	c, err := net.FileConn(f)
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return c.(*net.UnixConn), theirs, nil
}

// orderFile holds the order in memory: it may exceed what a packet takes.
func orderFile(o order) (*os.File, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	fd, err := unix.MemfdCreate("order", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "order")
	if _, err := f.Write(text); err != nil {
		f.Close()
		return nil, err
	}
	_, err = f.Seek(0, io.SeekStart)
	return f, err
}

// maxSockets bounds the descriptors that the helper hands over.
const maxSockets = 64

// takeOver takes the sockets that the helper has made.
func (p *Program) takeOver(talk *net.UnixConn) error {
	room, oob := make([]byte, 8<<10), make([]byte, unix.CmsgSpace(4*maxSockets))
	n, oobn, _, _, err := talk.ReadMsgUnix(room, oob)
	if err != nil || n == 0 {
		return &Refused{Step: "making the namespaces ready", Err: errors.New("the helper ended without a word")}
	}
	var a answer
	if err := json.Unmarshal(room[:n], &a); err != nil {
		return &Refused{Step: "making the namespaces ready", Err: err}
	}
	if a.Step != "" {
		return refusedStep(a)
	}
	files, err := received(oob[:oobn])
	if err != nil {
		return &Refused{Step: "taking the sockets over", Err: err}
	}
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	if want := a.Listeners + a.Queries; len(files) < want || a.Rules && len(files) < want+1 {
		return &Refused{Step: "taking the sockets over", Err: fmt.Errorf("%d have come, and not %d", len(files), want)}
	}
	var listeners []*net.TCPListener
	for _, f := range files[:a.Listeners] {
		l, err := net.FileListener(f)
		if err != nil {
			return &Refused{Step: "taking the sockets over", Err: err}
		}
		listeners = append(listeners, l.(*net.TCPListener))
	}
	for _, f := range files[a.Listeners : a.Listeners+a.Queries] {
		c, err := net.FilePacketConn(f)
		if err != nil {
			return &Refused{Step: "taking the sockets over", Err: err}
		}
		p.Queries = append(p.Queries, c.(*net.UDPConn))
	}
	p.merged = merge(listeners)
	p.Conns, p.Ports = p.merged, a.Ports
	if a.Rules {
		fd, err := unix.FcntlInt(files[a.Listeners+a.Queries].Fd(), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return &Refused{Step: "taking the sockets over", Err: err}
		}
		p.rules = &rules{fd: fd}
	}
	return nil
}

// received are the descriptors in a message.
func received(oob []byte) (files []*os.File, err error) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			continue
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			files = append(files, os.NewFile(uintptr(fd), "taken over"))
		}
	}
	return files, nil
}

// code is a process's exit code as a shell has it.
func code(s *os.ProcessState) int {
	if status, ok := s.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return s.ExitCode()
}

func (p *Program) pid() int                 { return p.cmd.Process.Pid }
func (p *Program) signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

func (p *Program) wait() int {
	<-p.ended
	return p.code
}

func (p *Program) close() error {
	p.talk.Close()
	p.merged.Close()
	for _, c := range p.Queries {
		c.Close()
	}
	p.rules.close()
	return nil
}

// left finds the processes that are still in the program's network namespace.
func (p *Program) left() (names []string) {
	for _, pid := range p.Processes() {
		name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		names = append(names, fmt.Sprintf("%s (%d)", strings.TrimSpace(string(name)), pid))
	}
	return names
}

// sweepSteps is how long what is left may take at each step.
var sweepSteps = []struct {
	signal syscall.Signal // none at first
	wait   time.Duration
}{{0, 300 * time.Millisecond}, {syscall.SIGTERM, time.Second}, {syscall.SIGKILL, time.Second}}

func (p *Program) sweep() (asked []string) {
	for _, step := range sweepSteps {
		if step.signal == syscall.SIGTERM {
			asked = p.left()
		}
		sent := map[int]bool{}
		for until := time.Now().Add(step.wait); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
			left := p.Processes()
			if len(left) == 0 {
				return asked
			}
			for _, pid := range left { // they may have started others since
				if step.signal != 0 && !sent[pid] {
					sent[pid] = true
					syscall.Kill(pid, step.signal)
				}
			}
		}
	}
	return asked
}

// Processes are the ids of all processes in the program's network namespace.
func (p *Program) Processes() (pids []int) {
	if p.space == "" {
		return nil
	}
	folders, _ := os.ReadDir("/proc")
	for _, f := range folders {
		pid, err := strconv.Atoi(f.Name())
		if err != nil {
			continue
		}
		if space, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid)); err == nil && space == p.space {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids
}

// original is where a connection was going: what conntrack has kept, or the address it
// arrived at where every address is ours (RFC 3493; netfilter's SO_ORIGINAL_DST).
func (p *Program) original(c net.Conn) (netip.AddrPort, error) {
	if len(p.Ports) > 0 {
		return localAddress(c)
	}
	return Redirected(c)
}

// merged is several listeners as one.
type merged struct {
	listeners []*net.TCPListener
	conns     chan accepted
	done      chan struct{}
	once      sync.Once
}

type accepted struct {
	conn net.Conn
	err  error
}

func merge(listeners []*net.TCPListener) *merged {
	m := &merged{listeners: listeners, conns: make(chan accepted), done: make(chan struct{})}
	for _, l := range listeners {
		go m.accept(l)
	}
	return m
}

func (m *merged) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		select {
		case m.conns <- accepted{conn, err}:
		case <-m.done:
			if conn != nil {
				conn.Close()
			}
			return
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
	}
}

func (m *merged) Accept() (net.Conn, error) {
	select {
	case a := <-m.conns:
		return a.conn, a.err
	case <-m.done:
		return nil, net.ErrClosed
	}
}

func (m *merged) Close() error {
	m.once.Do(func() {
		close(m.done)
		for _, l := range m.listeners {
			l.Close()
		}
	})
	return nil
}

func (m *merged) Addr() net.Addr { return m.listeners[0].Addr() }
