package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"xmppscope/internal/idn"
	"xmppscope/session"
)

// Target is a server to connect to.
type Target struct {
	Host   string
	Port   int
	Direct bool   // TLS from the first byte (XEP-0368)
	Via    string // who named it: "--upstream", "SRV _xmpp-client._tcp.…"
	Given  bool   // by the person who runs us: whatever address it has is meant
}

// Address is "host:port", IPv6 in brackets.
func (t Target) Address() string { return net.JoinHostPort(t.Host, strconv.Itoa(t.Port)) }

// Ports that a target has when none is named.
const (
	portClient = 5222 // RFC 6120 §14.7
	portDirect = 5223 // by custom
)

// portsXMPP are those at which a server's own protocol is expected: clients, and servers,
// with STARTTLS and with direct TLS.
var portsXMPP = []int{portClient, portDirect, 5269, 5270}

// ParseTarget reads HOST, HOST:PORT or tls://HOST[:PORT]; IPv6 in brackets.
func ParseTarget(s, via string) (Target, error) {
	t := Target{Via: via, Port: portClient, Given: true}
	rest, direct := strings.CutPrefix(s, "tls://")
	if direct {
		t.Direct, t.Port = true, portDirect
	} else if i := strings.Index(rest, "://"); i >= 0 {
		return t, fmt.Errorf("%s %q: unknown scheme %q: want HOST:PORT or tls://HOST:PORT", via, s, rest[:i])
	}
	host, port, err := net.SplitHostPort(rest)
	if err != nil {
		host, port = strings.Trim(rest, "[]"), ""
		if strings.Contains(host, ":") && net.ParseIP(host) == nil {
			return t, fmt.Errorf("%s %q: %v: want HOST:PORT or tls://HOST:PORT", via, s, errors.Unwrap(err))
		}
	}
	if port != "" {
		n, err := strconv.Atoi(port)
		if err != nil || n < 1 || n > 65535 {
			return t, fmt.Errorf("%s %q: %q is no port: want a number from 1 to 65535", via, s, port)
		}
		t.Port = n
	}
	if t.Host = host; host == "" {
		return t, fmt.Errorf("%s %q: it names no host: want HOST:PORT or tls://HOST:PORT", via, s)
	}
	return t, nil
}

// Resolver says where a client's server is, and connects to it: the fixed
// Upstream if there is one, else Overrides by domain, else SRV with fallback to
// the domain itself (RFC 6120 §3.2).
type Resolver struct {
	Upstream  *Target
	Overrides map[idn.Domain]Target
	// Ports are further ones, by "host:port", for clients that name a server so.
	Ports map[string]Target
	// Allow, if not nil, is the list of domains that may be connected to: without
	// it a listener that others can reach would be an open relay.
	Allow []idn.Domain
	// Remote says that clients of other machines can reach us. They are not led to
	// what listens on this machine alone, unless a Target is Given.
	Remote bool
	// Self are the addresses we listen on ourselves: connecting there would loop.
	Self []net.Addr
	// LookupSRV is net.Resolver's, for tests.
	LookupSRV func(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	// Timeout bounds one attempt to connect; 0 means 10 s.
	Timeout time.Duration

	unheard unheard
}

// mostTargets bounds how many servers of a domain are tried for one connection.
const mostTargets = 10

// Request is what a connection asks for: the domain of the stream's "to" or of
// the SNI ("" if there is none), and whether TLS comes first.
type Request struct {
	Domain string
	Direct bool
	Named  *Named // the server itself, which the client has named; nil: it is looked up
}

// Fixed says that the server does not depend on what the client says first.
func (r *Resolver) Fixed() bool { return r.Upstream != nil && !r.Upstream.Direct }

// Dial connects to the server that a request asks for, trying its targets in
// order, and records the outcome. Direct says that TLS is to begin at once.
func (r *Resolver) Dial(ctx context.Context, q Request, push func(session.Seen)) (conn net.Conn, direct bool, err error) {
	name := q.Domain
	targets, err := r.targets(ctx, q)
	if err == nil {
		timeout := r.Timeout
		if timeout == 0 {
			timeout = 10 * time.Second
		}
		for _, t := range targets[:min(len(targets), mostTargets)] {
			name = t.Address()
			if conn, err = r.dialOne(ctx, t, timeout); err == nil {
				r.unheard.add(ctx, conn.RemoteAddr().String())
				push(session.Seen{Leg: session.ServerLeg, Body: session.TCPOpened{
					Local: conn.LocalAddr().String(), Peer: conn.RemoteAddr().String(),
					Target: t.Address(), Via: t.Via, Direct: t.Direct || q.Direct,
				}})
				return conn, t.Direct || q.Direct, nil
			}
		}
	}
	reason, hint := explainDial(err)
	if name == "" {
		name = "the server"
	}
	push(session.Seen{Leg: session.ServerLeg, Body: session.TCPFailed{Target: name, Reason: reason, Hint: hint}})
	return nil, false, &dialError{name + ": " + reason, err}
}

// dialError is that no server could be connected to, in words.
type dialError struct {
	words string
	cause error
}

func (e *dialError) Error() string { return e.words }
func (e *dialError) Unwrap() error { return e.cause }

func (r *Resolver) dialOne(ctx context.Context, t Target, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if _, err := netip.ParseAddr(t.Host); err == nil { // some systems dial another than 0.0.0.0
		if no := r.refuse(t, t.Address()); no != nil {
			return nil, no
		}
	}
	var refused atomic.Pointer[refusal]
	dialer := net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		no := r.refuse(t, address)
		if no == nil {
			return nil
		}
		refused.Store(no) // tells more than why the other addresses did not answer
		return no
	}}
	conn, err := dialer.DialContext(ctx, "tcp", t.Address())
	if no := refused.Load(); err != nil && no != nil {
		return nil, no
	}
	return conn, err
}

var (
	errNoDomain   = &refusal{"the client's stream header has no \"to\", and no --upstream says where to connect", "start with --upstream HOST:PORT"}
	errNoSNI      = &refusal{"the client sent no SNI (XEP-0368), and no --upstream says where to connect", "start with --upstream tls://HOST:PORT, or name the account's domain with --domain"}
	errNotAllowed = &refusal{"this domain is not among those that --allow-domain names", "add --allow-domain for it"}
	errNotOffered = &refusal{"the domain's SRV record says that it offers no such service (target \".\")", hintUpstream}
)

const hintUpstream = "name the server with --upstream HOST:PORT"

// targets lists where a request may go, best first.
func (r *Resolver) targets(ctx context.Context, q Request) ([]Target, error) {
	if r.Upstream != nil {
		return []Target{*r.Upstream}, nil
	}
	if q.Named != nil {
		return r.named(*q.Named)
	}
	if q.Domain == "" && q.Direct {
		return nil, errNoSNI
	}
	if q.Domain == "" {
		return nil, errNoDomain
	}
	domain, err := idn.Parse(q.Domain)
	if err != nil {
		return nil, err
	}
	if r.Allow != nil && !slices.Contains(r.Allow, domain) {
		return nil, errNotAllowed
	}
	if t, ok := r.Overrides[domain]; ok {
		return []Target{t}, nil
	}
	if domain.IsIP() {
		if domain.IP.Is4() && strings.Contains(q.Domain, ":") {
			return nil, &refusal{fmt.Sprintf("%q is an IPv4 address in the clothes of IPv6, as no account has it", q.Domain), "let the account's domain be " + domain.ASCII + ", if that is meant"}
		}
		return []Target{{Host: domain.ASCII, Port: defaultPort(q.Direct), Via: "the stream's \"to\""}}, nil
	}
	service := "xmpp-client"
	if q.Direct {
		service = "xmpps-client"
	}
	lookup := r.LookupSRV
	if lookup == nil {
		lookup = net.DefaultResolver.LookupSRV
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, records, _ := lookup(ctx, service, "tcp", domain.ASCII)
	var out []Target
	for _, rec := range records {
		if rec.Target == "." {
			return nil, errNotOffered
		}
		out = append(out, Target{
			Host: strings.TrimSuffix(rec.Target, "."), Port: int(rec.Port), Direct: q.Direct,
			Via: session.ViaSRV + "_" + service + "._tcp." + domain.ASCII,
		})
	}
	if len(out) == 0 { // RFC 6120 §3.2.2: no SRV, then the domain itself
		out = append(out, Target{Host: domain.ASCII, Port: defaultPort(q.Direct), Direct: q.Direct, Via: "the domain itself (no SRV record)"})
	}
	return out, nil
}

// named is where a server that a client has named leads. Like a domain it has to be allowed.
func (r *Resolver) named(n Named) ([]Target, error) {
	host, err := idn.Parse(n.Host)
	if err != nil {
		return nil, err
	}
	if r.Allow != nil && !slices.Contains(r.Allow, host) {
		return nil, errNotAllowed
	}
	if t, ok := r.Ports[net.JoinHostPort(host.ASCII, strconv.Itoa(n.Port))]; ok {
		return []Target{t}, nil
	}
	if t, ok := r.Overrides[host]; ok && slices.Contains(portsXMPP, n.Port) {
		return []Target{t}, nil
	}
	return []Target{{Host: host.ASCII, Port: n.Port, Direct: n.Port == portDirect || n.Port == 5270, Via: n.By}}, nil
}

func defaultPort(direct bool) int {
	if direct {
		return portDirect
	}
	return portClient
}

// explainDial says in words why there is no connection, and what to do next.
func explainDial(err error) (reason, hint string) {
	var dns *net.DNSError
	var timeout interface{ Timeout() bool }
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		return refused.reason, refused.hint
	case outOfDescriptors(err):
		return "no file descriptor is left for the connection" + descriptorsText(), hintDescriptors
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused: nothing listens there", "check host and port, and that the server runs"
	case errors.As(err, &dns):
		return fmt.Sprintf("the name %q cannot be resolved", dns.Name), "name the server with --upstream HOST:PORT or --resolve DOMAIN=HOST:PORT"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "no route to it", "check the address and your network"
	case errors.Is(err, context.Canceled):
		return "given up before it was connected", ""
	case errors.As(err, &timeout) && timeout.Timeout():
		return "it did not answer in time", "check host, port and firewalls"
	}
	return err.Error(), hintUpstream
}
