package dnsrelay

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
)

// mostNames bounds what a Book keeps of each kind; the newest stay out then.
const mostNames = 10_000

// Book keeps which names addresses came from. It may be used by any number of goroutines.
type Book struct {
	mu       sync.Mutex
	names    map[netip.Addr][]string // the names that were asked for, and their aliases
	services map[string][]Service    // by host
}

// Service is a SRV record that led somewhere.
type Service struct {
	Name string // "_xmpp-client._tcp.example.net"
	Host string
	Port uint16
}

// Learn keeps what an exchange tells.
func (b *Book) Learn(e *Exchange) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.names == nil {
		b.names, b.services = map[netip.Addr][]string{}, map[string][]Service{}
	}
	asked := strings.ToLower(e.Name)
	for i := range e.Records {
		switch r := &e.Records[i]; {
		case r.Addr.IsValid():
			for _, name := range []string{asked, strings.ToLower(r.Name)} {
				at := r.Addr.Unmap()
				if names := b.names[at]; !slices.Contains(names, name) && len(b.names) < mostNames && len(names) < 64 {
					b.names[at] = append(names, name)
				}
			}
		case r.Type == "SRV" && r.Target != ".":
			s := Service{asked, strings.ToLower(r.Target), r.Port}
			if known := b.services[s.Host]; !slices.Contains(known, s) && len(b.services) < mostNames && len(known) < 64 {
				b.services[s.Host] = append(known, s)
			}
		}
	}
}

// Names are those that an address was found under, the oldest first.
func (b *Book) Names(at netip.Addr) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.names[at.Unmap()])
}

// Services are the SRV records that lead to an address and port.
func (b *Book) Services(at netip.AddrPort) (out []Service) {
	b.mu.Lock()
	defer b.mu.Unlock()
	hosts := b.names[at.Addr().Unmap()]
	for _, host := range append(slices.Clone(hosts), at.Addr().String()) {
		for _, s := range b.services[host] {
			if s.Port == at.Port() {
				out = append(out, s)
			}
		}
	}
	return out
}
