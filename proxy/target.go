package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"xmppscope/internal/idn"
	"xmppscope/internal/lookup"
	"xmppscope/session"
)

// Target is a server to connect to.
type Target struct {
	Host   string
	Port   int
	Direct bool   // TLS from the first byte (XEP-0368)
	Clear  bool   // TLS begins in the stream, whatever the client does; neither: as the client does
	Via    string // who named it: "--upstream", "SRV _xmpp-client._tcp.…"
	Given  bool   // by the person who runs us: whatever address it has is meant
	Web    bool   // it was given as a URL: HTTP is spoken there
	BOSH   bool   // by http:// or https://, which BOSH has
	Path   string // that it was given with: requests ask for it, at Host; "" has them ask as they came
	// Renamed has requests ask at Host, for whatever they ask.
	Renamed bool
}

// Address is "host:port", IPv6 in brackets.
func (t Target) Address() string { return net.JoinHostPort(t.Host, strconv.Itoa(t.Port)) }

// Ports that a target has when none is named.
const (
	portClient = 5222 // RFC 6120 §14.7
	portServer = 5269
	portDirect = 5223 // by custom, as the next
	portPeer   = 5270
)

// portsXMPP are those at which a server's own protocol is expected: clients, and servers,
// with STARTTLS and with direct TLS.
var portsXMPP = []int{portClient, portDirect, portServer, portPeer}

// portsWeb are those of WebSocket and BOSH, by custom.
var portsWeb = []int{portHTTP, portHTTPS, 5280, 5281, 5443}

// ParseTarget reads HOST, HOST:PORT or tls://HOST[:PORT]; IPv6 in brackets.
func ParseTarget(s, via string) (Target, error) {
	t := Target{Via: via, Port: portClient, Given: true}
	scheme, rest, ok := strings.Cut(s, "://")
	switch {
	case !ok:
		rest = s
	case scheme == "tls":
		t.Direct, t.Port = true, portDirect
	case scheme == "wss" || scheme == "https":
		t.Direct, t.Web, t.Port = true, true, portHTTPS
	case scheme == "ws" || scheme == "http":
		t.Web, t.Port = true, portHTTP
	default:
		return t, fmt.Errorf("%s %q: unknown scheme %q: want HOST:PORT, tls://HOST:PORT, ws://HOST:PORT or wss://HOST:PORT", via, s, scheme)
	}
	t.BOSH = t.Web && strings.HasPrefix(scheme, "http")
	if t.Web {
		rest = strings.TrimSuffix(rest, "/")
		if i := strings.IndexAny(rest, "/?#"); i >= 0 {
			rest, t.Path = rest[:i], rest[i:]
			if _, err := url.ParseRequestURI(t.Path); err != nil || strings.ContainsFunc(t.Path, func(c rune) bool { return c <= ' ' || c > '~' || c == '#' }) {
				return t, fmt.Errorf("%s %q: %q is no path: want %s://HOST:PORT/PATH", via, s, t.Path, scheme)
			}
		}
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

// Names answers what is asked of DNS: a lookup.Resolver.
type Names interface {
	Ask(ctx context.Context, kind, name string) lookup.Answer
}

// Resolver says where a client's server is, and connects to it: the fixed
// Upstream if there is one, else Overrides by domain, else SRV with fallback to
// the domain itself (RFC 6120 §3.2, XEP-0368 §3).
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
	// Names is asked for SRV records and addresses; nil is the system's resolver.
	Names Names
	// Through, if not nil, is the proxy through which servers are reached.
	Through *Through
	// Keep, if not nil, knows where servers have sent their clients, who were kept (--keep).
	Keep *Keeper
	// Timeout bounds one attempt to connect; 0 means 10 s. It is a third of that where another
	// server can be tried.
	Timeout time.Duration

	reached *reached // the server of one connection, if that is connected
	unheard unheard
}

// mostTargets bounds how many servers of a domain are tried for one connection.
const mostTargets = 10

// Request is what a connection asks for: the domain of the stream's "to" or of
// the SNI ("" if there is none), whether TLS comes first, and whether it is a server that
// asks for another.
type Request struct {
	Domain string
	Direct bool
	Server bool
	Web    bool         // HTTP is spoken
	Named  *Named       // the server itself, which the client has named; nil: it is looked up
	Alike  bool         // the server has to begin as the client does: TLS is not ended here
	Won    func(Target) // if not nil, is told which target was connected to
}

// Fixed says that the server does not depend on what the client says first.
func (r *Resolver) Fixed() bool {
	return r.reached != nil || r.Upstream != nil && !r.Upstream.Direct && r.Keep == nil // which goes by the domain
}

func (r *Resolver) names() Names {
	if r.Names != nil {
		return r.Names
	}
	return new(lookup.Resolver)
}

// Dial connects to the server that a request asks for, trying its targets in
// order, and records what was looked up and tried, and the outcome. Of the target that was
// reached Direct says that TLS is to begin at once.
func (r *Resolver) Dial(ctx context.Context, q Request, push func(session.Seen)) (net.Conn, Target, error) {
	if r.reached != nil {
		return r.reached.take(q, push)
	}
	name := q.Domain
	tell := func(b session.Body) { push(session.Seen{Leg: session.ServerLeg, Body: b}) }
	targets, err := r.targets(ctx, q, tell)
	if err == nil {
		targets = r.Keep.first(q, targets)
		targets = targets[:min(len(targets), mostTargets)]
		for i, t := range targets {
			name = t.Address()
			t.Direct = t.Direct || q.Direct && !t.Clear
			var conn net.Conn
			var took time.Duration
			if conn, took, err = r.connect(ctx, t, i < len(targets)-1, tell); err == nil {
				r.unheard.add(ctx, conn.RemoteAddr().String())
				opened := session.TCPOpened{
					Local: conn.LocalAddr().String(), Peer: conn.RemoteAddr().String(),
					Target: t.Address(), Via: t.Via, Direct: t.Direct, Order: order(targets), Took: took,
				}
				if r.Through != nil {
					opened.Through = r.Through.String()
				}
				tell(opened)
				if q.Won != nil {
					q.Won(t)
				}
				return conn, t, nil
			}
		}
	}
	reason, hint := explainDial(err)
	if name == "" {
		name = "the server"
	}
	tell(session.TCPFailed{Target: name, Reason: reason, Hint: hint})
	return nil, Target{}, &dialError{name + ": " + reason, err}
}

// dialError is that no server could be connected to, in words.
type dialError struct {
	words string
	cause error
}

func (e *dialError) Error() string { return e.words }
func (e *dialError) Unwrap() error { return e.cause }

var (
	errNoDomain   = &refusal{"the client's stream header has no \"to\", and no --upstream says where to connect", "start with --upstream HOST:PORT"}
	errNoSNI      = &refusal{"the client sent no SNI (XEP-0368), and no --upstream says where to connect", "start with --upstream tls://HOST:PORT, or name the account's domain with --domain"}
	errNoHost     = &refusal{"the client's request names no host, and no --upstream says where to connect", "start with --upstream ws://HOST:PORT or wss://HOST:PORT"}
	errNotAllowed = &refusal{"this domain is not among those that --allow-domain names", "add --allow-domain for it"}
	// A domain is allowed for its XMPP, and not for all that its hosts do besides.
	errPortNotAllowed = &refusal{"this port is none that XMPP usually has, and --allow-domain is about XMPP", "name the port with --resolve HOST:PORT=HOST:PORT"}
	errNotOffered     = &refusal{"the domain's SRV record says that it offers no such service (target \".\")", hintUpstream}
)

const hintUpstream = "name the server with --upstream HOST:PORT"

// targets lists where a request may go, best first.
func (r *Resolver) targets(ctx context.Context, q Request, tell func(session.Body)) ([]Target, error) {
	if r.Upstream != nil {
		return []Target{*r.Upstream}, nil
	}
	if q.Named != nil {
		return r.named(*q.Named)
	}
	if q.Web {
		return nil, errNoHost
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
		return []Target{{Host: domain.ASCII, Port: q.port(), Via: "the stream's \"to\""}}, nil
	}
	return r.services(ctx, q, domain.ASCII, tell)
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
	if r.Allow != nil && !slices.Contains(portsXMPP, n.Port) && !slices.Contains(portsWeb, n.Port) {
		return nil, errPortNotAllowed
	}
	if t, ok := r.Overrides[host]; ok && slices.Contains(portsXMPP, n.Port) {
		return []Target{t}, nil
	}
	return []Target{{Host: host.ASCII, Port: n.Port, Direct: n.Port == portDirect || n.Port == portPeer, Via: n.By}}, nil
}

// service is the SRV service of a request's kind: TLS from the first byte, or STARTTLS.
func (q Request) service(direct bool) string {
	switch {
	case q.Server && direct:
		return "_xmpps-server._tcp."
	case q.Server:
		return "_xmpp-server._tcp."
	case direct:
		return "_xmpps-client._tcp."
	}
	return "_xmpp-client._tcp."
}

// port is where a domain without records is looked for.
func (q Request) port() int {
	switch {
	case q.Server && q.Direct:
		return portPeer
	case q.Server:
		return portServer
	case q.Direct:
		return portDirect
	}
	return portClient
}

// record is one of a domain's, of either kind.
type record struct {
	lookup.Service
	direct bool
	of     string // its name
}

// services asks for the SRV records of a domain. Those of both kinds are one list, by priority
// and weight (XEP-0368 §3); where these leave it open, those come first that begin TLS as the
// client does.
func (r *Resolver) services(ctx context.Context, q Request, domain string, tell func(session.Body)) ([]Target, error) {
	kinds := []bool{q.Direct, !q.Direct}
	if q.Alike {
		kinds = kinds[:1]
	}
	answers := make(chan lookup.Answer, len(kinds))
	for _, direct := range kinds {
		go func() { answers <- r.names().Ask(ctx, lookup.SRV, q.service(direct)+domain) }()
	}
	found, absent := map[bool][]record{}, map[bool]bool{}
	for range kinds {
		a := <-answers
		tell(a.Event())
		direct := a.Name == q.service(true)+domain
		for _, s := range a.Services {
			if s.NotOffered() {
				absent[direct] = true
				continue
			}
			found[direct] = append(found[direct], record{s, direct, a.Name})
		}
	}
	var out []Target
	for _, s := range lookup.Order(append(found[q.Direct], found[!q.Direct]...), func(s record) lookup.Service { return s.Service }) {
		out = append(out, Target{Host: s.Target, Port: int(s.Port), Direct: s.direct, Clear: !s.direct, Via: session.ViaSRV + s.of})
	}
	if len(out) > 0 {
		return out, nil
	}
	for _, direct := range kinds { // RFC 6120 §3.2.2, which knows of STARTTLS alone
		if !absent[direct] && (!direct || q.Direct) {
			q.Direct = direct
			out = append(out, Target{Host: domain, Port: q.port(), Direct: direct, Clear: !direct, Via: "the domain itself (no SRV record)"})
		}
	}
	if len(out) == 0 {
		return nil, errNotOffered
	}
	return out, nil
}

// order is that in which the servers of records of both kinds are tried, nil where there is
// one kind alone.
func order(targets []Target) (out []string) {
	kinds := map[bool]bool{}
	for _, t := range targets {
		if strings.HasPrefix(t.Via, session.ViaSRV) {
			kinds[t.Direct] = true
			out = append(out, t.Address()+" ("+kindOf(t.Direct)+")")
		}
	}
	if len(kinds) < 2 {
		return nil
	}
	return out
}

// explainDial says in words why there is no connection, and what to do next.
func explainDial(err error) (reason, hint string) {
	var timeout interface{ Timeout() bool }
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		return refused.reason, refused.hint
	case outOfDescriptors(err):
		return "no file descriptor is left for the connection" + descriptorsText(), hintDescriptors
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused: nothing listens there", "check host and port, and that the server runs"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "no route to it", "check the address and your network"
	case errors.Is(err, context.Canceled):
		return "given up before it was connected", ""
	case errors.As(err, &timeout) && timeout.Timeout():
		return "it did not answer in time", "check host, port and firewalls"
	}
	return err.Error(), hintUpstream
}
