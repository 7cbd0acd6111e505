package proxy

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
)

// refusal is an address that is not connected to: why, and what to do next.
type refusal struct{ reason, hint string }

func (r *refusal) Error() string { return r.reason }

// refuse says why an address, "IP:port" as the name of a target was resolved, is not
// connected to; nil if it may be.
func (r *Resolver) refuse(t Target, address string) *refusal {
	at, err := netip.ParseAddrPort(address)
	if err != nil { // a name that is none has been resolved to no address
		return &refusal{fmt.Sprintf("%q is no address of a server", address), hintUpstream}
	}
	at = netip.AddrPortFrom(at.Addr().Unmap().WithZone(""), at.Port())
	for _, self := range r.Self {
		if Loops(self, at) {
			return &refusal{fmt.Sprintf("%s is xmppscope itself: the connection would go round in circles", at), "let --upstream name the real server"}
		}
	}
	if n := r.unheard.at(address); n >= mostUnheard {
		return &refusal{fmt.Sprintf("%d connections to %s wait for its first word, and none has come: it hangs, or it leads back here in circles", n, at), "look where it leads: it may be a proxy that has this one for its server"}
	}
	if t.Given {
		return nil
	}
	if what := r.special(at.Addr()); what != "" {
		return &refusal{fmt.Sprintf("%s is %s, and no domain leads there", at.Addr(), what), "if it is meant: --resolve DOMAIN=HOST:PORT, or --upstream HOST:PORT"}
	}
	return nil
}

// Loops says whether connecting to an address would lead to a listener of ours.
func Loops(self net.Addr, to netip.AddrPort) bool {
	at, err := netip.ParseAddrPort(self.String())
	if err != nil || at.Port() != to.Port() {
		return false
	}
	ours, ip := at.Addr().Unmap().WithZone(""), to.Addr()
	switch {
	case ours == ip:
		return true
	case ip.IsUnspecified(): // systems take it for loopback
		return ours.IsLoopback() || ours.IsUnspecified()
	case ours.IsUnspecified():
		return isLocal(ip)
	}
	return false
}

// isLocal says whether an address is one of this machine's.
func isLocal(ip netip.Addr) bool {
	if ip.IsLoopback() || ip.IsUnspecified() {
		return true
	}
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Unmap().WithZone("") == ip {
			return true
		}
	}
	return false
}

// nat64 holds IPv4 addresses in its last 32 bits (RFC 6052 §2.1).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// special says in words what an address is that is not a server's whom a client may
// name; "" if it may.
func (r *Resolver) special(ip netip.Addr) string {
	inside := ip
	if b := ip.As16(); nat64.Contains(ip) {
		inside = netip.AddrFrom4([4]byte(b[12:]))
	}
	switch {
	case inside.IsUnspecified():
		return "the address of none in particular"
	case ip.IsLoopback() && r.Remote:
		return "for this machine alone, while clients come from others"
	case ip.IsLoopback() || inside.IsGlobalUnicast():
		return ""
	case inside.IsLinkLocalUnicast():
		return "a link-local address"
	case inside.IsMulticast():
		return "a multicast address"
	}
	return "no address of a single machine"
}

// mostUnheard is how many connections may wait for the first word of one server,
// when it has said none since the first of them: far more than a slow server brings
// about, and few enough that going round in circles ends before descriptors do.
const mostUnheard = 256

// unheard counts, by address, the connections under way that were made since the
// server there was last heard. Two proxies that have each other for their server make
// ever more of them, and neither can tell by an address.
type unheard struct {
	mu     sync.Mutex
	counts map[string]*int
}

func (u *unheard) at(address string) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	if n := u.counts[address]; n != nil {
		return *n
	}
	return 0
}

// add counts a connection until ctx is done.
func (u *unheard) add(ctx context.Context, address string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := u.counts[address]
	if n == nil {
		if u.counts == nil {
			u.counts = map[string]*int{}
		}
		n = new(int)
		u.counts[address] = n
	}
	*n++
	context.AfterFunc(ctx, func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		if *n--; *n == 0 && u.counts[address] == n {
			delete(u.counts, address)
		}
	})
}

// heard forgets the connections to an address.
func (u *unheard) heard(address string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.counts, address)
}

// Heard says that a server has answered: it is one, and not the other end of a circle.
func (r *Resolver) Heard(server net.Addr) { r.unheard.heard(server.String()) }
