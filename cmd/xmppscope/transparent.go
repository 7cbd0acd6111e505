package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/miekg/dns"
	"github.com/spf13/pflag"

	"xmppscope/internal/dnsrelay"
	"xmppscope/internal/idn"
	"xmppscope/internal/launch"
	"xmppscope/internal/lookup"
	"xmppscope/proxy"
)

// behindFlags are for phones and devices that this machine stands before: their connections
// come to it on their way, or because it is their resolver.
type behindFlags struct {
	transparent bool
	dnsListen   string
	dnsFor      []string
}

func (b *behindFlags) add(f *pflag.FlagSet) {
	f.BoolVar(&b.transparent, "transparent", false, "take connections that the firewall redirects here to where they were going (Linux, as the devices' gateway); it prints the firewall's rules, and sets none")
	f.StringVar(&b.dnsListen, "dns-listen", "", "be a resolver at `ADDRESS[:PORT]`, for devices that can only be given one: those of --dns-for lead here, all else is passed on")
	f.StringArrayVar(&b.dnsFor, "dns-for", nil, "a `domain` whose XMPP --dns-listen leads here (repeatable)")
}

// check says what does not fit together.
func (b *behindFlags) check(p *proxyFlags) error {
	switch {
	case b.transparent && (p.upstream != "" || len(p.resolve) > 0):
		return hinted{errors.New("--transparent takes connections to where they were going, and --upstream and --resolve elsewhere"), "leave one of the two out"}
	case b.dnsListen == "" && len(b.dnsFor) > 0:
		return hinted{errors.New("--dns-for is for --dns-listen"), "add --dns-listen ADDRESS"}
	case b.dnsListen != "" && len(b.dnsFor) == 0:
		return hinted{errors.New("--dns-listen without --dns-for would lead nobody here"), "add --dns-for DOMAIN"}
	case b.dnsListen == "":
		return nil
	}
	at, err := b.resolverAt()
	if err == nil && !at.IP.IsLoopback() && !p.remote {
		err = hinted{fmt.Errorf("--dns-listen %q: others can reach this address, and would have a resolver in it", b.dnsListen), "add --allow-remote if you mean it"}
	}
	return err
}

// resolverAt is the address of --dns-listen.
func (b *behindFlags) resolverAt() (*net.UDPAddr, error) {
	addr := b.dnsListen
	if _, _, err := net.SplitHostPort(addr); err != nil {
		addr = net.JoinHostPort(strings.Trim(addr, "[]"), "53")
	}
	at, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, usageError{fmt.Errorf("--dns-listen %q: want ADDRESS or ADDRESS:PORT", b.dnsListen)}
	}
	return at, nil
}

// listen listens, for what the firewall redirects too where that is asked for.
func (b *behindFlags) listen(addr string) (net.Listener, error) {
	if !b.transparent {
		return listen(addr)
	}
	l, tproxy, err := launch.ListenTransparent(addr)
	if errors.Is(err, launch.ErrUnsupported) {
		return nil, usageError{errors.New("--transparent needs netfilter, which Linux alone has")}
	}
	if err != nil {
		return nil, listenError("--listen", addr, err)
	}
	for _, line := range rulesFor(l.Addr().(*net.TCPAddr).Port, tproxy) {
		say(os.Stderr, "%s", line)
	}
	return l, nil
}

// rulesFor are the lines that have the firewall redirect to a port of ours.
func rulesFor(port int, tproxy bool) []string {
	lines := []string{
		"xmppscope changes nothing of the system. As root, for devices whose gateway this machine is (192.0.2.0/24 stands for theirs):",
		"  nft add table inet xmppscope",
		"  nft 'add chain inet xmppscope take { type nat hook prerouting priority dstnat; }'",
		fmt.Sprintf("  nft add rule inet xmppscope take ip saddr 192.0.2.0/24 tcp dport { 5222, 5223 } redirect to :%d", port),
		"and to undo it: nft delete table inet xmppscope",
	}
	if !tproxy {
		lines = append(lines, "hint: as root, or with CAP_NET_ADMIN, xmppscope takes what TPROXY brings, too")
	}
	return lines
}

// transit says what becomes of what the firewall has redirected; nil where nothing is. Direct
// says that clients may also connect to xmppscope itself.
func (b *behindFlags) transit(self net.Addr, domain string, direct bool) *proxy.Transit {
	if !b.transparent {
		return nil
	}
	return &proxy.Transit{
		Direct: direct,
		To: func(c net.Conn) (netip.AddrPort, error) {
			at, err := launch.Redirected(c)
			if err == nil && at.Port() == uint16(self.(*net.TCPAddr).Port) && at.String() == c.LocalAddr().String() {
				return at, errors.New("it was not redirected, but made to xmppscope itself")
			}
			return at, err
		},
		Ends: func(_ netip.AddrPort, sni string) bool { return domain != "" && strings.EqualFold(sni, domain) },
	}
}

// resolve is the resolver of --dns-listen, until stop is called. Port is where clients of the
// domains are led to, at the address that they have asked.
func (b *behindFlags) resolve(port int, resolver string, record func(*dnsrelay.Exchange)) (stop func(), err error) {
	if b.dnsListen == "" {
		return func() {}, nil
	}
	at, err := b.resolverAt()
	if err != nil {
		return nil, err
	}
	server, err := otherResolver(resolver)
	if err != nil {
		return nil, err
	}
	domains, err := domains("--dns-for", b.dnsFor)
	if err != nil {
		return nil, usageError{err}
	}
	packets, err := net.ListenUDP("udp", at)
	if err != nil {
		return nil, listenError("--dns-listen", at.String(), err)
	}
	if proxy.Loops(packets.LocalAddr(), server) {
		packets.Close()
		return nil, usageError{hinted{fmt.Errorf("--dns-listen %s: it would ask itself, as the system's resolver is %s", packets.LocalAddr(), server), "name another resolver with --resolver ADDRESS"}}
	}
	streams, err := net.Listen("tcp", packets.LocalAddr().String())
	if err != nil {
		packets.Close()
		return nil, listenError("--dns-listen", at.String(), err)
	}
	r := &dnsrelay.Relay{Server: server, Tell: func(e dnsrelay.Exchange) { record(&e) }, Answer: leadHere(domains, port)}
	go r.Serve(packets)
	go r.ServeStreams(streams)
	say(os.Stderr, "resolver at %s: XMPP of %s leads here, all else is asked of %s", packets.LocalAddr(), strings.Join(b.dnsFor, ", "), server)
	return func() { packets.Close(); streams.Close() }, nil
}

// otherResolver is who answers the names that are not ours: that of --resolver, or the
// system's.
func otherResolver(named string) (netip.AddrPort, error) {
	if named != "" {
		r, err := lookup.Parse(named)
		if err != nil {
			return netip.AddrPort{}, usageError{fmt.Errorf("--resolver: %w", err)}
		}
		return netip.ParseAddrPort(r.Server)
	}
	config, err := dns.ClientConfigFromFile("/etc/resolv.conf")
	if err == nil && len(config.Servers) > 0 {
		if at, err := netip.ParseAddr(config.Servers[0]); err == nil {
			return netip.AddrPortFrom(at, 53), nil
		}
	}
	return netip.AddrPort{}, hinted{errors.New("--dns-listen: this system's resolver is not known: /etc/resolv.conf names none"), "name one with --resolver ADDRESS"}
}

// leadHere answers for the domains: their XMPP, with STARTTLS or TLS, is at the port, at the
// address that was asked. Their other records are not given: they would lead past us.
func leadHere(domains []idn.Domain, port int) func(q dns.Question, at netip.Addr) ([]dns.RR, bool) {
	return func(q dns.Question, at netip.Addr) ([]dns.RR, bool) {
		name := strings.ToLower(strings.TrimSuffix(q.Name, "."))
		head := dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: dns.ClassINET, Ttl: 30}
		for _, d := range domains {
			switch {
			case name == "_xmpp-client._tcp."+d.ASCII, name == "_xmpps-client._tcp."+d.ASCII:
				if q.Qtype != dns.TypeSRV {
					return nil, true
				}
				return []dns.RR{&dns.SRV{Hdr: head, Port: uint16(port), Target: dns.Fqdn(d.ASCII)}}, true
			case name == "_xmppconnect."+d.ASCII: // WebSocket and BOSH elsewhere (XEP-0156 of before host-meta)
				return nil, true
			case name != d.ASCII:
			case q.Qtype == dns.TypeA && at.Is4():
				return []dns.RR{&dns.A{Hdr: head, A: at.AsSlice()}}, true
			case q.Qtype == dns.TypeAAAA && at.Is6():
				return []dns.RR{&dns.AAAA{Hdr: head, AAAA: at.AsSlice()}}, true
			default:
				return nil, true
			}
		}
		return nil, false
	}
}
