//go:build !linux

package launch

import (
	"net"
	"net/netip"
	"os"
)

// platform is what a Program has where there are no namespaces.
type platform struct{}

// Init does nothing here: there is no helper.
func Init() {}

// Start says ErrUnsupported.
func Start(Options) (*Program, error) { return nil, ErrUnsupported }

// Redirected says ErrUnsupported: nothing is redirected here.
func Redirected(net.Conn) (netip.AddrPort, error) { return netip.AddrPort{}, ErrUnsupported }

// HasIPv6 is of no use here.
func HasIPv6() bool { return false }

// Processes are none.
func (p *Program) Processes() []int { return nil }

func (p *Program) owner(net.Conn) (Owner, bool)              { return Owner{}, false }
func (p *Program) run() error                                { return ErrUnsupported }
func (p *Program) original(net.Conn) (netip.AddrPort, error) { return netip.AddrPort{}, ErrUnsupported }
func (p *Program) unreachable(netip.AddrPort) error          { return ErrUnsupported }
func (p *Program) pid() int                                  { return 0 }
func (p *Program) signal(os.Signal) error                    { return ErrUnsupported }
func (p *Program) wait() int                                 { return 0 }
func (p *Program) left() []string                            { return nil }
func (p *Program) sweep() []string                           { return nil }
func (p *Program) close() error                              { return nil }

// ListenTransparent says ErrUnsupported.
func ListenTransparent(string) (l net.Listener, tproxy bool, err error) {
	return nil, false, ErrUnsupported
}
