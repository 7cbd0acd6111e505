package doctor

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"xmppscope/internal/lookup"
	"xmppscope/proxy"
	"xmppscope/session"
)

// Record is what DNS says about one kind of service.
type Record struct {
	Name    string   `json:"name"` // "_xmpp-client._tcp.example.net"
	Hosts   []Host   `json:"hosts,omitempty"`
	Refused bool     `json:"not_offered,omitempty"` // by the target "."
	Problem string   `json:"problem,omitempty"`     // why there is no answer
	Server  string   `json:"asked"`                 // who was asked
	Aliases []string `json:"aliases,omitempty"`
}

// Host is one that a record names.
type Host struct {
	Priority  uint16   `json:"priority"`
	Weight    uint16   `json:"weight"`
	Port      uint16   `json:"port"`
	Name      string   `json:"name"`
	Addresses []string `json:"addresses,omitempty"`
	Aliases   []string `json:"aliases,omitempty"`
}

// kind is a service that a domain may offer.
type kind struct {
	service string // of the record
	direct  bool   // TLS from the first byte
	peer    bool   // between servers
	port    int    // where there is no record; 0: nowhere
}

var kinds = []kind{
	{service: "_xmpp-client._tcp.", port: 5222},
	{service: "_xmpps-client._tcp.", direct: true},
	{service: "_xmpp-server._tcp.", peer: true, port: 5269},
	{service: "_xmpps-server._tcp.", direct: true, peer: true},
}

func (k kind) String() string {
	who := "clients"
	if k.peer {
		who = "servers"
	}
	if k.direct {
		return "direct TLS for " + who
	}
	return "STARTTLS for " + who
}

// place is where a kind of service is to be looked at.
type place struct {
	kind
	target proxy.Target
	named  string // "host:port" as the record has it
}

// audit asks for all records, says what is wrong with them, and where they lead.
func (d *doctor) audit(ctx context.Context) (out []place) {
	if t, ok := d.Resolver.Overrides[d.Domain]; ok {
		return []place{{kind{service: t.Via, direct: t.Direct}, t, t.Address()}}
	}
	if d.Domain.IsIP() {
		for _, k := range kinds {
			if k.port != 0 {
				t := proxy.Target{Host: d.Domain.ASCII, Port: k.port, Via: "the domain itself"}
				out = append(out, place{k, t, t.Address()})
			}
		}
		return out
	}
	answers := make([]lookup.Answer, len(kinds))
	each(kinds, func(i int, k kind) { answers[i] = d.names.Ask(ctx, lookup.SRV, k.service+d.Domain.ASCII) })
	for i, k := range kinds {
		found := d.record(ctx, k, &answers[i])
		if k.port != 0 && !answers[i].Found() && answers[i].Err == nil {
			found = d.domainItself(ctx, k, &answers[i], answers[i+1].Found()) // the next kind is direct TLS
		}
		out = append(out, found...)
	}
	if both := d.report.Records; len(both[0].Hosts)+len(both[1].Hosts) == 0 && (both[0].Refused || both[1].Refused) {
		d.report.wrong(session.Notice, both[0].Name, "RFC 2782", "", "the domain says that it serves no clients (target \".\")")
	}
	return out
}

// record judges the answer about one kind, and looks its hosts up.
func (d *doctor) record(ctx context.Context, k kind, a *lookup.Answer) (out []place) {
	r := Record{Name: a.Name, Server: a.Server, Aliases: a.Aliases}
	d.asked++
	if a.Err != nil {
		d.unanswered++
		r.Problem = a.Err.Error()
		d.report.wrong(session.Error, r.Name, "RFC 6120 §3.2.1", "look at the name servers of the domain, or ask another resolver with --resolver ADDRESS", "the record cannot be looked up: %s", a.Err)
	}
	for _, s := range lookup.Order(a.Services, func(s lookup.Service) lookup.Service { return s }) {
		if s.NotOffered() {
			r.Refused = true
			continue
		}
		h := Host{Priority: s.Priority, Weight: s.Weight, Port: s.Port, Name: s.Target}
		addrs := d.host(ctx, r.Name, &h)
		r.Hosts = append(r.Hosts, h)
		if s.Port == 0 {
			d.report.wrong(session.Error, r.Name, "RFC 2782", "name the port in the record", "the record names port 0 of %s, and nothing can be reached there", session.ShortLine(s.Target))
			continue
		}
		out = append(out, d.places(k, proxy.Target{Host: s.Target, Port: int(s.Port), Direct: k.direct, Via: session.ViaSRV + r.Name}, addrs)...)
	}
	if r.Refused && len(r.Hosts) > 0 {
		d.report.wrong(session.Warning, r.Name, "RFC 2782", "take one of the two out", "the target \".\", which says that there is no such service, stands beside hosts that offer it")
	}
	d.report.Records = append(d.report.Records, r)
	return out
}

// domainItself is where a domain without a record is looked for (RFC 6120 §3.2.2); direct
// says that it has one for direct TLS.
func (d *doctor) domainItself(ctx context.Context, k kind, a *lookup.Answer, direct bool) []place {
	who, next := "clients", "add the record "+a.Name+" with the host and port of the server"
	if k.peer {
		who = "servers"
	}
	if direct {
		d.report.wrong(session.Notice, a.Name, "XEP-0368 §3", next, "there is no such record: %s that do not know direct TLS try port %d of the domain itself", who, k.port)
		return nil
	}
	h := Host{Port: uint16(k.port), Name: d.Domain.ASCII}
	addrs := d.host(ctx, "", &h)
	switch {
	case len(addrs) == 0 && d.Resolver.Through == nil && k.peer:
		d.report.wrong(session.Notice, a.Name, "RFC 6120 §3.2.2", next, "there is no such record, and the domain has no address of its own: no other server finds it")
		return nil
	case len(addrs) == 0 && d.Resolver.Through == nil:
		d.report.wrong(session.Error, a.Name, "RFC 6120 §3.2.2", next, "there is no such record, and the domain has no address of its own: no client finds the server")
		return nil
	}
	d.report.wrong(session.Notice, a.Name, "RFC 6120 §3.2.2", "", "there is no such record: %s try port %d of the domain itself", who, k.port)
	return d.places(k, proxy.Target{Host: d.Domain.ASCII, Port: k.port, Via: "the domain itself (no SRV record)"}, addrs)
}

// host looks the addresses of a host up; record is what named it, "" if nothing did.
func (d *doctor) host(ctx context.Context, record string, h *Host) (addrs []netip.Addr) {
	if ip, err := netip.ParseAddr(h.Name); err == nil && record != "" {
		d.report.wrong(session.Error, record, "RFC 2782", "give the host a name with an address record, and name that", "the record names the address %s where the name of a host belongs; most clients cannot use it", ip)
		return []netip.Addr{ip}
	}
	if d.Resolver.Through != nil { // the proxy resolves names
		return nil
	}
	failed := error(nil)
	for _, kind := range []string{lookup.A, lookup.AAAA} {
		a := d.names.Ask(ctx, kind, h.Name)
		if a.Err != nil {
			failed = a.Err
		}
		if len(a.Aliases) > 0 {
			h.Aliases = a.Aliases
		}
		addrs = append(addrs, a.Addrs...)
	}
	for _, ip := range addrs {
		h.Addresses = append(h.Addresses, ip.String())
	}
	if record == "" {
		return addrs
	}
	if len(h.Aliases) > 0 {
		d.report.wrong(session.Warning, record, "RFC 2782", "name the host itself", "the target %s is an alias (CNAME) of %s, which a record of this kind must not name; some clients do not follow it", session.ShortLine(h.Name), session.ShortLine(strings.Join(h.Aliases, ", ")))
	}
	switch {
	case len(addrs) == 0 && failed != nil:
		d.report.wrong(session.Error, record, "RFC 6120 §3.2.1", "look at the name servers of "+h.Name, "the target %s cannot be looked up: %s", session.ShortLine(h.Name), failed)
	case len(addrs) == 0:
		d.report.wrong(session.Error, record, "RFC 6120 §3.2.1", "give it an A or AAAA record, or take it out of "+record, "the target %s has no address", session.ShortLine(h.Name))
	}
	return addrs
}

// mostAddresses bounds the addresses of a host that are looked at.
const mostAddresses = 4

// places are the addresses of a target, each for itself: so one that does not answer shows.
func (d *doctor) places(k kind, t proxy.Target, addrs []netip.Addr) (out []place) {
	if d.Resolver.Through != nil {
		return []place{{k, t, t.Address()}}
	}
	for _, ip := range addrs[:min(len(addrs), mostAddresses)] {
		at := t
		at.Host = ip.String()
		out = append(out, place{k, at, t.Address()})
	}
	return out
}

// said is how a record's host is shown.
func (h Host) said() string {
	out := fmt.Sprintf("%d %d %d %s", h.Priority, h.Weight, h.Port, h.Name)
	if len(h.Aliases) > 0 {
		out += " → " + strings.Join(h.Aliases, " → ")
	}
	if len(h.Addresses) > 0 {
		out += " → " + strings.Join(h.Addresses, ", ")
	}
	return out
}
