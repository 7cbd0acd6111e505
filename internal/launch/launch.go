// Package launch starts a program in namespaces of its own (user, network and mount; no
// root), where each connection and each DNS query that it makes comes to us, and nothing of
// the system changes. It knows nothing of what is spoken on the connections.
//
// It works on Linux; elsewhere Start says ErrUnsupported.
package launch

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"syscall"
)

// Options say what is started, and what it sees.
type Options struct {
	Path    string   // of the program, as LookPath finds it
	Args    []string // with its name first
	Env     []string // "NAME=VALUE"
	Mounts  []Mount  // laid over what is there, for this program alone
	IPv6    bool     // there is a way to addresses of IPv6 outside
	NoNFT   bool     // do without nf_tables, as where the system has none
	Streams [3]*os.File
}

// Mount lays a file or folder over another.
type Mount struct {
	From string `json:"from"`
	Over string `json:"over"` // has to exist
}

// ErrUnsupported says that this system has no namespaces.
var ErrUnsupported = errors.New("only Linux has namespaces in which a program's connections can be taken")

// Refused says that the namespaces could not be made: which step failed, what of the
// system's settings forbids it, and what allows it.
type Refused struct {
	Step  string // what was tried, in words
	Err   error
	Cause string // in words, "" if it is not known
	Hint  string // what to do next
}

func (r *Refused) Error() string {
	text := fmt.Sprintf("%s: %v", r.Step, r.Err)
	if r.Cause != "" {
		text += " (" + r.Cause + ")"
	}
	return text
}

func (r *Refused) Unwrap() error { return r.Err }

// Program is a program that is ready to start or under way, and what it does with the network.
type Program struct {
	// Conns are its connections, as they come. Original says where each was going.
	Conns net.Listener
	// Queries are the sockets at which its DNS queries arrive, wherever they were sent to:
	// of IPv4, and of IPv6 unless there is none.
	Queries []*net.UDPConn
	// Ports are those whose connections come to us; nil for all. So it is without nf_tables.
	Ports []int

	platform
}

// Run starts the program. An error for ExitCode says why it cannot be started.
func (p *Program) Run() error { return p.run() }

// Original is where a connection that Conns has accepted was going.
func (p *Program) Original(c net.Conn) (netip.AddrPort, error) { return p.original(c) }

// Unreachable has the program's next connections to an address refused for some seconds:
// nothing answers there.
func (p *Program) Unreachable(at netip.AddrPort) error { return p.unreachable(at) }

// Owner is a process, and what it is made of.
type Owner struct {
	PID       int
	Program   string   // the name of its file
	Libraries []string // the paths of those that it has loaded: "/usr/lib/libssl.so.3"
}

// Owner is the process that has the program's end of a connection that Conns has accepted.
func (p *Program) Owner(c net.Conn) (o Owner, ok bool) { return p.owner(c) }

// PID is the program's process.
func (p *Program) PID() int { return p.pid() }

// Signal sends the program a signal.
func (p *Program) Signal(s os.Signal) error { return p.signal(s) }

// Wait waits until the program has ended, and returns its exit code as a shell has it:
// its own, or 128 and the signal that ended it.
func (p *Program) Wait() int { return p.wait() }

// Left are the processes that the program has left behind, "name (pid)" each.
func (p *Program) Left() []string { return p.left() }

// Sweep ends the processes that the program has left behind: without us they reach nobody.
// It waits a moment for them to end by themselves, asks them to, and kills what does not. It
// returns those that had to be asked, "name (pid)" each.
func (p *Program) Sweep() []string { return p.sweep() }

// Close stops taking connections, and frees what Start has made.
func (p *Program) Close() error { return p.close() }

// Exit codes of programs that were not started, as shells have them.
const (
	ExitNotFound      = 127
	ExitNotExecutable = 126
)

// ExitCode is the shells' code for an error of finding or starting a program; 0 if it is
// no such error.
func ExitCode(err error) int {
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, exec.ErrNotFound):
		return ExitNotFound
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.ENOEXEC), errors.Is(err, syscall.EISDIR):
		return ExitNotExecutable
	}
	return 0
}
