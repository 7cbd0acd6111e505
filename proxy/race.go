package proxy

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"xmppscope/internal/lookup"
	"xmppscope/session"
)

// Times of RFC 8305 §5 and §8.
const (
	resolutionDelay = 50 * time.Millisecond  // that IPv4 waits for the answer about IPv6
	attemptDelay    = 250 * time.Millisecond // before the next address is tried too
)

// connect connects to a target, through the proxy if there is one. Where others follow it is not
// waited for so long: the client waits meanwhile, and gives up some time.
func (r *Resolver) connect(ctx context.Context, t Target, more bool, tell func(session.Body)) (conn net.Conn, took time.Duration, err error) {
	patience := cmp.Or(r.Timeout, 10*time.Second)
	if more && r.Through == nil { // of what a proxy does is not known how long it takes
		patience /= 3
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if r.Through != nil {
		return r.through(ctx, t, tell)
	}
	return r.race(ctx, t, tell)
}

// race connects to the address of a target that answers first, of those that may be
// connected to: IPv6 and IPv4 in turn, each with a head start (RFC 8305).
func (r *Resolver) race(ctx context.Context, t Target, tell func(session.Body)) (net.Conn, time.Duration, error) {
	race := &race{r: r, target: t, tell: tell, dial: new(net.Dialer).DialContext, after: time.After}
	return race.run(ctx)
}

// race is one target's addresses, in one goroutine but for the attempts.
type race struct {
	r      *Resolver
	target Target
	tell   func(session.Body)
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	after  func(time.Duration) <-chan time.Time

	waiting [2][]netip.Addr // addresses to be tried: IPv6, IPv4
	last    int             // the family that was tried last, as an index of waiting
	asked   [2]bool         // a question about it is open
	running []*attempt
	refused *refusal
	failed  error
	unnamed error // why there is no address
}

type attempt struct {
	address string
	began   time.Time
	conn    net.Conn
	err     error
	over    bool
}

func (c *race) run(ctx context.Context) (net.Conn, time.Duration, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers, results := c.ask(ctx), make(chan *attempt)
	var hold, next <-chan time.Time // IPv4 waits for IPv6; the next address for the one before
	for {
		if next == nil && (hold == nil || len(c.waiting[0]) > 0) {
			if c.start(ctx, results) {
				next = c.after(attemptDelay)
			}
		}
		if c.busy() == 0 && !c.asked[0] && !c.asked[1] && len(c.waiting[0])+len(c.waiting[1]) == 0 {
			return nil, 0, c.why()
		}
		select {
		case a := <-answers:
			c.answered(&a)
			if hold = nil; c.asked[0] && !c.asked[1] && len(c.running) == 0 {
				hold = c.after(resolutionDelay)
			}
		case <-hold:
			hold = nil
		case <-next:
			next = nil
		case a := <-results:
			a.over = true
			if a.err == nil {
				took := time.Since(a.began)
				cancel()
				c.lose(results)
				return a.conn, took, nil
			}
			c.failed = a.err
			c.tried(a, false)
			next = nil
		}
	}
}

// ask asks for both kinds of address; an address needs no question.
func (c *race) ask(ctx context.Context) <-chan lookup.Answer {
	answers := make(chan lookup.Answer, 2)
	c.last = 1
	if ip, err := netip.ParseAddr(c.target.Host); err == nil {
		c.add(ip)
		return answers
	}
	for family, kind := range [...]string{lookup.AAAA, lookup.A} {
		c.asked[family] = true
		go func() { answers <- c.r.names().Ask(ctx, kind, c.target.Host) }()
	}
	return answers
}

func (c *race) answered(a *lookup.Answer) {
	c.tell(a.Event())
	family := 0
	if a.Kind == lookup.A {
		family = 1
	}
	c.asked[family] = false
	for _, ip := range a.Addrs {
		c.add(ip)
	}
	if a.Err != nil {
		c.unnamed = a.Err
	}
}

// mostAddresses bounds how many addresses of one target are tried.
const mostAddresses = 16

// add has an address tried, if it may be.
func (c *race) add(ip netip.Addr) {
	if no := c.r.refuse(c.target, netip.AddrPortFrom(ip, uint16(c.target.Port)).String()); no != nil {
		c.refused = no
		return
	}
	family := 0
	if ip.Unmap().Is4() {
		family = 1
	}
	if len(c.waiting[family]) < mostAddresses/2 {
		c.waiting[family] = append(c.waiting[family], ip)
	}
}

// start tries the next address, if there is one: of the family that was not tried last.
func (c *race) start(ctx context.Context, results chan<- *attempt) bool {
	family := 1 - c.last
	if len(c.waiting[family]) == 0 {
		family = c.last
	}
	if len(c.waiting[family]) == 0 {
		return false
	}
	ip := c.waiting[family][0]
	c.waiting[family], c.last = c.waiting[family][1:], family
	a := &attempt{address: netip.AddrPortFrom(ip, uint16(c.target.Port)).String(), began: time.Now()}
	c.running = append(c.running, a)
	go func() {
		a.conn, a.err = c.dial(ctx, "tcp", a.address)
		results <- a
	}()
	return true
}

// busy is how many attempts are under way.
func (c *race) busy() (n int) {
	for _, a := range c.running {
		if !a.over {
			n++
		}
	}
	return n
}

// lose ends the attempts that came too late.
func (c *race) lose(results <-chan *attempt) {
	for c.busy() > 0 {
		a := <-results
		a.over = true
		if a.conn != nil {
			a.conn.Close()
		}
		c.tried(a, true)
	}
}

func (c *race) tried(a *attempt, lost bool) {
	reason := "another address had answered before"
	if !lost {
		reason, _ = explainDial(a.err)
	}
	c.tell(session.TCPTried{Target: c.target.Address(), Address: a.address, Lost: lost, Reason: reason, Took: time.Since(a.began)})
}

// why says why there is no connection. What was refused tells more than why the other
// addresses did not answer.
func (c *race) why() error {
	switch {
	case c.refused != nil:
		return c.refused
	case c.failed != nil:
		return c.failed
	}
	reason := fmt.Sprintf("the name %q cannot be resolved", c.target.Host)
	if c.unnamed != nil {
		reason += ": " + c.unnamed.Error()
	} else {
		reason += ": it has no address"
	}
	return &refusal{reason, "name the server with --upstream HOST:PORT or --resolve DOMAIN=HOST:PORT, or ask another resolver with --resolver"}
}
