package lookup

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"xmppscope/session"
)

const (
	tryTime     = 1500 * time.Millisecond // before a question that may have been lost is asked again
	mostAliases = 8                       // that are followed
	mostRecords = 100                     // that are kept of an answer
)

// exchange asks the resolver that was named.
func (r *Resolver) exchange(ctx context.Context, a *Answer) {
	kind := dns.StringToType[a.Kind]
	name := dns.Fqdn(a.Name)
	if _, ok := dns.IsDomainName(name); !ok {
		a.Err = fmt.Errorf("%q is no name that can be asked for", a.Name)
		return
	}
	for {
		m, err := r.ask(ctx, name, kind)
		if err != nil {
			a.Err = err
			return
		}
		before := len(a.Aliases)
		a.take(m, name, kind)
		switch {
		case len(a.Aliases) >= mostAliases:
			a.Err = fmt.Errorf("its aliases (CNAME) lead on and on: %s", strings.Join(a.Aliases, ", "))
			return
		case a.Found() || a.NoName || a.Err != nil || len(a.Aliases) == before:
			return
		}
		name = dns.Fqdn(a.Aliases[len(a.Aliases)-1]) // an authoritative server leaves this to us
	}
}

// ask asks one question, by UDP, and by TCP where the answer is too long for that.
func (r *Resolver) ask(ctx context.Context, name string, kind uint16) (*dns.Msg, error) {
	q := new(dns.Msg).SetQuestion(name, kind)
	q.SetEdns0(1232, false) // bytes that pass everywhere
	client := dns.Client{Timeout: tryTime}
	for {
		m, _, err := client.ExchangeContext(ctx, q, r.Server)
		var timeout net.Error
		switch {
		case err == nil && m.Truncated && client.Net == "":
			client.Net = "tcp"
		case err == nil:
			return m, nil
		case ctx.Err() != nil || !errors.As(err, &timeout) || !timeout.Timeout():
			return nil, inWords(r.Server, err)
		}
	}
}

func inWords(server string, err error) error {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nothing answers at %s (connection refused)", server)
	case errors.Is(err, context.Canceled):
		return errors.New("given up")
	}
	return fmt.Errorf("asking %s failed: %s", server, session.ShortLine(err.Error()))
}

// take takes what the resolver has answered about a name.
func (a *Answer) take(m *dns.Msg, name string, kind uint16) {
	switch m.Rcode {
	case dns.RcodeSuccess:
	case dns.RcodeNameError:
		a.NoName = true // of the last alias, where there are some
	default:
		a.Err = errors.New(meaning(m.Rcode))
		return
	}
	for range len(m.Answer) { // aliases may stand in any order
		i := slices.IndexFunc(m.Answer, func(rr dns.RR) bool {
			c, ok := rr.(*dns.CNAME)
			return ok && strings.EqualFold(c.Hdr.Name, name)
		})
		if i < 0 || len(a.Aliases) >= mostAliases {
			break
		}
		name = m.Answer[i].(*dns.CNAME).Target
		a.Aliases = append(a.Aliases, bare(name))
	}
	for _, rr := range m.Answer {
		if h := rr.Header(); h.Rrtype != kind || !strings.EqualFold(h.Name, name) || len(a.Services)+len(a.Addrs) >= mostRecords {
			continue
		}
		switch rr := rr.(type) {
		case *dns.SRV:
			a.Services = append(a.Services, Service{rr.Priority, rr.Weight, rr.Port, bare(rr.Target)})
		case *dns.A:
			a.address(rr.A)
		case *dns.AAAA:
			a.address(rr.AAAA)
		}
	}
}

func (a *Answer) address(ip net.IP) {
	if addr, ok := netip.AddrFromSlice(ip); ok {
		a.Addrs = append(a.Addrs, addr.Unmap())
	}
}

// meaning puts a response code into words (RFC 1035 §4.1.1).
func meaning(code int) string {
	switch code {
	case dns.RcodeServerFailure:
		return "the resolver could not find out (SERVFAIL): a name server of the domain may be down, or DNSSEC does not fit"
	case dns.RcodeRefused:
		return "the resolver refuses to answer (REFUSED): it may not serve this machine, or not this domain"
	}
	if name, ok := dns.RcodeToString[code]; ok {
		return "the resolver answered " + name
	}
	return fmt.Sprintf("the resolver answered with the code %d", code)
}
