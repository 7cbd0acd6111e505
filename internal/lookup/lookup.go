// Package lookup asks DNS where servers are: the system's resolver, or one that the user
// has named.
package lookup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"xmppscope/session"
)

// Resolver asks for names. The zero value asks the system. It may be used by several
// goroutines.
type Resolver struct {
	// Server is the resolver that is asked, "IP:port"; "" is the system's.
	Server string
	// Timeout bounds one question with all its tries; 0 means 5 s.
	Timeout time.Duration
	// Thorough asks the system's resolver about aliases too, which is another question.
	Thorough bool
}

// Parse reads HOST or HOST:PORT of a resolver. Host is an IP address, as a name would have
// to be resolved first.
func Parse(s string) (*Resolver, error) {
	if at, err := netip.ParseAddrPort(s); err == nil && at.Port() != 0 {
		return &Resolver{Server: at.String()}, nil
	}
	ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	if err != nil {
		return nil, fmt.Errorf("%q is no resolver: want an IP address, or ADDRESS:PORT", s)
	}
	return &Resolver{Server: netip.AddrPortFrom(ip, 53).String()}, nil
}

// The kinds of record that are asked for.
const (
	SRV  = "SRV"  // RFC 2782
	A    = "A"    // RFC 1035 §3.4.1
	AAAA = "AAAA" // RFC 3596
)

// Service is a record of the kind SRV.
type Service struct {
	Priority, Weight, Port uint16
	Target                 string // without the dot at its end; "." is: not offered
}

// NotOffered says that the domain says by this record that it has no such service.
func (s Service) NotOffered() bool { return s.Target == "." }

// String is the record as a zone file has it.
func (s Service) String() string {
	return fmt.Sprintf("%d %d %d %s", s.Priority, s.Weight, s.Port, s.Target)
}

// Answer is what came of a question.
type Answer struct {
	Kind, Name string
	Server     string // who was asked, as session.DNSAnswered has it
	Services   []Service
	Addrs      []netip.Addr
	Aliases    []string // names that CNAME records led to, in their order
	NoName     bool     // there is nothing of that name, of whatever kind; false if that is not known
	Err        error    // why there is no answer, in words; nil where there is no record
	Took       time.Duration
}

// Found says that there is a record.
func (a *Answer) Found() bool { return len(a.Services)+len(a.Addrs) > 0 }

// Event is the answer as it is shown.
func (a *Answer) Event() session.DNSAnswered {
	e := session.DNSAnswered{Question: a.Kind + " " + a.Name, Server: a.Server, Aliases: a.Aliases, Took: a.Took}
	for _, s := range a.Services {
		e.Answers = append(e.Answers, s.String())
	}
	for _, ip := range a.Addrs {
		e.Answers = append(e.Answers, ip.String())
	}
	if a.Err != nil {
		e.Problem = a.Err.Error()
	}
	return e
}

// Ask asks for the records of a kind that a name has. It returns within a bounded time.
func (r *Resolver) Ask(ctx context.Context, kind, name string) Answer {
	timeout := cmp.Or(r.Timeout, 5*time.Second)
	within, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	a := Answer{Kind: kind, Name: strings.TrimSuffix(name, "."), Server: cmp.Or(r.Server, session.SystemResolver)}
	began := time.Now()
	switch {
	case isLocalhost(a.Name) && kind != SRV && r.Server != "": // RFC 6761 §6.3: no resolver has a say in it
		a.Addrs = []netip.Addr{netip.IPv6Loopback()}
		if kind == A {
			a.Addrs[0] = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		}
	case r.Server != "":
		r.exchange(within, &a)
	default:
		r.askSystem(within, &a)
	}
	a.Took = time.Since(began)
	if a.Err != nil && within.Err() != nil && ctx.Err() == nil {
		a.Err = fmt.Errorf("%s did not answer within %s", a.Server, session.ShortTime(timeout))
	}
	return a
}

func isLocalhost(name string) bool {
	name = strings.ToLower(name)
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// askSystem asks as every other program of this machine does, its file of hosts included.
func (r *Resolver) askSystem(ctx context.Context, a *Answer) {
	var err error
	switch a.Kind {
	case SRV:
		var records []*net.SRV
		// Records with names that are none are left out, with an error.
		_, records, err = net.DefaultResolver.LookupSRV(ctx, "", "", a.Name+".")
		for _, s := range records {
			a.Services = append(a.Services, Service{s.Priority, s.Weight, s.Port, bare(s.Target)})
		}
	default:
		network := "ip4"
		if a.Kind == AAAA {
			network = "ip6"
		}
		a.Addrs, err = net.DefaultResolver.LookupNetIP(ctx, network, a.Name)
		for i := range a.Addrs {
			a.Addrs[i] = a.Addrs[i].Unmap()
		}
		if r.Thorough && a.Found() && !isLocalhost(a.Name) {
			if name, failed := net.DefaultResolver.LookupCNAME(ctx, a.Name); failed == nil && !strings.EqualFold(bare(name), a.Name) {
				a.Aliases = []string{bare(name)}
			}
		}
	}
	var dns *net.DNSError
	switch {
	case a.Found() || err == nil:
	case errors.As(err, &dns) && dns.IsNotFound: // which does not tell whether the name has other records
	case errors.As(err, &dns):
		a.Err = errors.New(session.ShortLine(dns.Err))
	default:
		a.Err = errors.New(session.ShortLine(err.Error()))
	}
}

// bare is a name without the dot at its end.
func bare(name string) string {
	if name == "." {
		return name
	}
	return strings.TrimSuffix(name, ".")
}

// Order puts records in the order in which they are to be tried: by priority, and among
// equals by chance, in proportion to their weights (RFC 2782).
func Order[T any](list []T, of func(T) Service) []T {
	rest := slices.Clone(list)
	slices.SortStableFunc(rest, func(a, b T) int {
		return cmp.Or(cmp.Compare(of(a).Priority, of(b).Priority), cmp.Compare(min(of(a).Weight, 1), min(of(b).Weight, 1)))
	})
	for i := range rest {
		n, sum := 0, 0 // of those with the same priority
		for n < len(rest)-i && of(rest[i+n]).Priority == of(rest[i]).Priority {
			sum += int(of(rest[i+n]).Weight)
			n++
		}
		at, chosen := 0, rand.IntN(sum+1)
		for at < n-1 && chosen > int(of(rest[i+at]).Weight) {
			chosen -= int(of(rest[i+at]).Weight)
			at++
		}
		picked := rest[i+at]
		copy(rest[i+1:i+at+1], rest[i:i+at])
		rest[i] = picked
	}
	return rest
}

// HostPort is "host:port" of the record.
func (s Service) HostPort() string { return net.JoinHostPort(s.Target, strconv.Itoa(int(s.Port))) }
