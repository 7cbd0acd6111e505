package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"xmppscope/certs"
	"xmppscope/internal/dnsrelay"
	"xmppscope/internal/idn"
	"xmppscope/internal/rebind"
	"xmppscope/proxy"
	"xmppscope/session"
	"xmppscope/tlsintercept"
)

type proxyFlags struct {
	live
	ca       caFlags
	listen   []string
	upstream string
	resolve  []string
	wayOut   wayOutFlags
	keep     bool
	trust    trustFlags
	domain   string
	remote   bool
	allow    []string
	most     int // --max-sessions
	tokens   rebind.Tokens
	own      string    // --own-cert
	mine     certPairs // --upstream-cert
	ask      string    // --ask-client-cert
	headers  bool      // --proxy-protocol
	toClient string    // --client-tls
	passTLS  []string
	closed   untouchedFlags
	behind   behindFlags
}

func (p *proxyFlags) add(f *pflag.FlagSet) {
	f.StringVarP(&p.upstream, "upstream", "u", "", "the real server, `HOST:PORT`, or tls://, ws:// or wss:// before it; a path behind ws:// or wss:// is what requests ask for there, at HOST (default: from the stream's \"to\" by SRV)")
	f.StringArrayVar(&p.resolve, "resolve", nil, "the server of one domain, `DOMAIN=HOST:PORT`; DOMAIN:PORT=HOST:PORT is that of clients that name the port, through SOCKS or CONNECT (repeatable)")
	p.wayOut.add(f)
	f.BoolVar(&p.keep, "keep", false, "keep clients here whom their server sends elsewhere (see-other-host, see-other-uri, the location of stream management, WebSocket and BOSH in host-meta): they are told this address, and led to the other")
	p.addTLS(f)
	f.StringVar(&p.domain, "domain", "", "the account's `DOMAIN`, for direct TLS clients that do not name it (no SNI)")
	f.BoolVar(&p.remote, "allow-remote", false, "allow --listen and --dns-listen on an address that others can reach")
	f.BoolVar(&p.headers, "proxy-protocol", false, "take off the header with which a load balancer says where a client is (PROXY protocol 1 and 2); anybody can write one")
	f.StringArrayVar(&p.allow, "allow-domain", nil, "a `domain` that clients may ask for, and no other, at the ports that XMPP usually has; --allow-remote without --upstream needs it (repeatable)")
	p.behind.add(f)
	f.StringArrayVarP(&p.listen, "listen", "l", []string{"127.0.0.1:5222"}, "`ADDRESS[=TARGET]` to listen on, port 0 picks one; TARGET, as of --upstream, is the server of those who come there (repeatable)")
	p.live.add(f, &p.ca)
}

// addTLS adds the flags on how TLS is ended, which proxy and run share.
func (p *proxyFlags) addTLS(f *pflag.FlagSet) {
	p.trust.add(f)
	p.trust.addLegacy(f)
	f.IntVar(&p.most, "max-sessions", proxy.DefaultSessions, "let no more than `N` sessions be under way at once; fewer if the system has no file descriptors for so many")
	f.BoolVar(&p.rebinds, "rebind", false, "bind logins that are bound to the client's TLS connection to the server's: SCRAM-*-PLUS with the password of --password-file, HT-* with the token that was issued")
	f.Var(&p.mine, "upstream-cert", "a client's certificate and key, `CERT,KEY` in PEM, for servers that ask for one: with it EXTERNAL works; of several the one that names who opens the stream (repeatable)")
	f.StringVar(&p.ask, "ask-client-cert", "mirror", "`WHEN` to ask clients for a certificate of theirs, and show it: mirror, when the server asks; always; never")
	f.StringVar(&p.own, "own-cert", "", "the server's real certificate and key, `CERT,KEY` in PEM: clients are shown it, so that pins and tls-server-end-point hold")
	f.StringVar(&p.toClient, "client-tls", "mirror", "`HOW` clients come, with TLS or without: mirror, as the server has it; off, for clients that can trust no CA: they stay in the clear, and TLS to the server begins here; required: nobody logs in before TLS")
	f.StringArrayVar(&p.passTLS, "pass-tls", nil, "a `domain` whose TLS is passed on as it is, and not looked into (repeatable)")
	p.closed.add(f)
}

// addLive adds the flags that proxy and demo share.
func addLive(f *pflag.FlagSet, l *live, ca *caFlags, listen *string, addr string) {
	f.StringVarP(listen, "listen", "l", addr, "`address` to listen on; port 0 picks one")
	l.add(f, ca)
}

// add adds the flags of all that is recorded live.
func (l *live) add(f *pflag.FlagSet, ca *caFlags) {
	f.StringArrayVarP(&l.saves, "save", "w", nil, "save to `FILE`, format by its extension; - is pcapng on standard output (repeatable; see xmppscope help save)")
	f.StringVar(&l.rotate, "save-rotate", "", "go on in another file at a `LIMIT`: 100MB, 1h, or 100MB,1h")
	addNoRecovery(f, &l.noRecovery)
	f.BoolVar(&l.replace, "overwrite", false, "let --save replace a file that is not empty")
	l.known.add(f)
	l.backlog = 4 << 30
	f.Var(&l.backlog, "backlog", "`SIZE` of what may wait to be explained, in memory and in a private file; what comes beyond it passes, and is counted as lost")
	f.DurationVar(&l.drain, "drain", 8*time.Second, "how long SIGTERM lets explaining and saving go on")
	f.DurationVar(&l.limits.FirstByte, "first-byte-timeout", 5*time.Minute, "how long a client may say nothing at first; 0: as long as it likes")
	f.DurationVar(&l.limits.Header, "header-timeout", 10*time.Minute, "how long a stream header may take, of either side; 0: as long as it likes")
	f.DurationVar(&l.limits.Answer, "starttls-timeout", 30*time.Second, "how long a server may leave <starttls/> unanswered before what stands behind it goes on in the clear; 0: as long as it likes")
	f.DurationVar(&l.limits.Idle, "idle-timeout", 0, "how long neither side may say anything; 0: as long as they like")
	l.api.add(f)
	f.BoolVar(&l.api.control, "allow-control", false, "let programs that have the token of control hold, change and put in what passes, over --api")
	l.rules.add(f)
	l.script.add(f)
	l.config.add(f)
	l.out.config = &l.config
	f.BoolVar(&l.alone, "no-attach", false, "let nobody look by xmppscope attach")
	ca.add(f)
	l.out.add(f)
	l.share.add(f)
}

func newProxy() *cobra.Command {
	p := new(proxyFlags)
	cmd := &cobra.Command{
		Use: "proxy", Short: "listen and open the inspector", Args: noArgs,
		Example: "  xmppscope --upstream xmpp.example.net:5222\n  xmppscope --plain --save login.pcapng",
		RunE:    func(cmd *cobra.Command, _ []string) error { return p.run(cmd) },
	}
	p.add(cmd.Flags())
	return cmd
}

func (p *proxyFlags) run(cmd *cobra.Command) error {
	if cmd.Flags().Changed("upstream") && p.upstream == "" {
		return usageError{hinted{errors.New("--upstream is empty"), "name a server, or leave the flag out to look it up by the account's domain"}}
	}
	o, err := p.tlsOptions()
	if err != nil {
		return usageError{err}
	}
	if err := p.behind.check(p); err != nil {
		return usageError{err}
	}
	if p.upstream == "" { // who is led here may be led on
		p.allow = append(p.allow, p.behind.dnsFor...)
	}
	clientTLS, err := p.clientTLS()
	if err != nil {
		return usageError{err}
	}
	ways, err := p.ways()
	if err != nil {
		return usageError{err}
	}
	if _, err := p.out.matcher(); err != nil {
		return err
	}
	if own := o.TLS.Own; own != nil {
		say(os.Stderr, "clients are shown %s (until %s) where it names their domain, else a certificate of xmppscope", own.Leaf.Subject, own.Leaf.NotAfter.Format(time.DateOnly))
	}
	closed, err := p.closed.open()
	if err != nil {
		return err
	}
	ca, err := p.ca.open()
	if err != nil {
		return err
	}
	defer p.abandon()
	if err := p.open(); err != nil {
		return err
	}
	if err := p.enter(ways); err != nil {
		return err
	}
	listener, resolver := ways[0].Listener, ways[0].Resolver
	events := new(proxy.RunEvents)
	stopResolver, err := p.behind.resolve(listener.Addr().(*net.TCPAddr).Port, p.wayOut.dns, func(e *dnsrelay.Exchange) { events.Record(dnsEvent(e)) })
	if err != nil {
		closeWays(ways)
		return err
	}
	defer stopResolver()
	remote := false
	for _, w := range ways {
		remote = remote || w.Resolver.Remote
	}
	for _, w := range ways[1:] {
		p.further = append(p.further, w.Entrance)
	}
	if warning := clearWarning(clientTLS, remote); warning != "" {
		say(os.Stderr, "warning: %s", warning)
	}
	p.trust.warn()
	if !p.out.plain && !p.out.json && !p.headless && !p.inspector() {
		at := listener.Addr().(*net.TCPAddr)
		say(os.Stderr, "there is no terminal for the inspector: events are printed as text, as --plain has it")
		say(os.Stderr, "hint: set the client's host to %s and its port to %d, and let it trust %s; xmppscope --help tells more, Ctrl-C ends it", at.IP, at.Port, ca.RootFile())
	}
	p.title, p.where = "xmppscope", p.lines(ways)
	p.welcome, p.guide = setupText(listener.Addr().String(), ca, resolver, p.saves)
	for _, w := range ways[1:] {
		p.welcome = append(p.welcome, "Also listening: "+p.line(w))
	}
	o.TLS.CA, o.Resolver, o.Domain, o.Events = ca, resolver, p.domain, events
	o.ProxyHeaders, o.ClientTLS, o.Untouched = p.headers, clientTLS, closed
	o.Transit = p.behind.transit(listener.Addr(), p.domain, len(p.allow) > 0)
	if p.keep {
		keeper := proxy.NewKeeper()
		for _, w := range ways {
			w.Resolver.Keep = keeper
		}
		p.control.Use(keeper.Gate(p.control))
	}
	return p.live.run(cmd.Context(), listener, o, nil)
}

// tlsOptions reads the flags of addTLS. The CA, and all that is not about TLS, is for the
// caller to add.
func (p *proxyFlags) tlsOptions() (o proxy.Options, err error) {
	switch {
	case p.rebinds && len(p.known.pairs) == 0 && !p.inspector():
		return o, hinted{errors.New("--rebind needs the passwords of the accounts"), "give them with --password-file JID=FILE"}
	case p.most < 1:
		return o, fmt.Errorf("--max-sessions %d: want a number from 1 on", p.most)
	}
	c, err := p.trust.config()
	if err != nil {
		return o, err
	}
	if p.own != "" {
		if c.Own, err = certPair("--own-cert", "the server's", p.own); err != nil {
			return o, err
		}
	}
	for _, pair := range p.mine {
		mine, err := certPair("--upstream-cert", "the account's", pair)
		if err != nil {
			return o, err
		}
		c.Mine = append(c.Mine, *mine)
	}
	if c.Ask, err = askClients(p.ask); err != nil {
		return o, err
	}
	if o.PassTLS, err = domains("--pass-tls", p.passTLS); err != nil {
		return o, err
	}
	o.MaxSessions, o.TLS = p.most, c
	if p.rebinds {
		o.Gate, c.Finished = p.gate, true
	}
	return o, nil
}

// clientTLS reads --client-tls.
func (p *proxyFlags) clientTLS() (proxy.ClientTLS, error) {
	way := proxy.ClientTLS(p.toClient)
	switch {
	case p.toClient == "mirror":
		return proxy.MirrorTLS, nil
	case way != proxy.WithoutTLS && way != proxy.RequireTLS:
		return "", hinted{fmt.Errorf("--client-tls %q is unknown", p.toClient), "it is mirror, off or required"}
	case p.closed.untouched || p.behind.transparent:
		return "", fmt.Errorf("--client-tls %s changes what is said before TLS, and --untouched and --transparent leave that as it is", p.toClient)
	}
	return way, nil
}

// clearWarning is what is to be said where clients of other machines come without TLS.
func clearWarning(way proxy.ClientTLS, remote bool) string {
	if way != proxy.WithoutTLS || !remote {
		return ""
	}
	return "--client-tls off: whoever can read the network between clients and here reads all that they say, passwords too"
}

// gate makes what binds the logins of a session anew (--rebind).
func (p *proxyFlags) gate(s *tlsintercept.Secured) proxy.Gate {
	return rebind.New(rebind.Options{
		Client: s.Bindings(session.ClientLeg), Server: s.Bindings(session.ServerLeg),
		Domain: s.Domain, Password: p.inspect.accounts.find, Tokens: &p.tokens,
	})
}

// target is whom clients are taken to, for the inspector's first line.
func (p *proxyFlags) target() string {
	switch {
	case p.upstream != "":
		return p.upstream
	case len(p.resolve) == 1:
		_, target, _ := strings.Cut(p.resolve[0], "=")
		return target
	case len(p.resolve) > 1:
		return "as --resolve says"
	}
	return "by SRV"
}

// resolver is that of an entrance.
func (p *proxyFlags) resolver(e listenAt) (*proxy.Resolver, error) {
	r := &proxy.Resolver{Overrides: map[idn.Domain]proxy.Target{}, Ports: map[string]proxy.Target{}}
	if err := p.wayOut.apply(r); err != nil {
		return nil, err
	}
	given, flag := p.upstream, "--upstream"
	if e.target != "" {
		given, flag = e.target, "--listen"
	}
	if given != "" {
		t, err := proxy.ParseTarget(given, flag)
		if err != nil {
			return nil, err
		}
		r.Upstream = &t
	}
	if len(p.allow) > 0 && r.Upstream != nil && e.target == "" {
		return nil, hinted{errors.New("--upstream names the one server, and --allow-domain servers to look up"), "leave one of the two out"}
	}
	for _, s := range p.resolve {
		d, port, t, err := parseResolve(s)
		if err != nil {
			return nil, err
		}
		if port != "" {
			r.Ports[net.JoinHostPort(d.ASCII, port)] = t
			continue
		}
		r.Overrides[d] = t
	}
	allow, err := domains("--allow-domain", p.allow)
	r.Allow = allow
	return r, err
}

// domains reads the values of a flag that names domains; nil if there are none.
func domains(flag string, values []string) (out []idn.Domain, err error) {
	for _, s := range values {
		d, err := idn.Parse(s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", flag, err)
		}
		out = append(out, d)
	}
	return out, nil
}

// parseResolve reads --resolve; port is "" where none is named beside the domain.
func parseResolve(s string) (d idn.Domain, port string, t proxy.Target, err error) {
	domain, target, ok := strings.Cut(s, "=")
	if !ok || domain == "" || target == "" {
		return d, "", t, fmt.Errorf("--resolve %q: want DOMAIN=HOST:PORT", s)
	}
	if t, err = proxy.ParseTarget(target, "--resolve"); err != nil {
		return d, "", t, err
	}
	if host, p, failed := net.SplitHostPort(domain); failed == nil {
		domain, port = host, p
	}
	if d, err = idn.Parse(domain); err != nil {
		err = fmt.Errorf("--resolve %q: %w", s, err)
	}
	return d, port, t, err
}

// checkListen keeps xmppscope to loopback unless the user means it, and from
// being an open relay even then. It says whether others can reach us.
func (p *proxyFlags) checkListen(e listenAt) (remote bool, err error) {
	host, port, err := net.SplitHostPort(e.addr)
	if err != nil {
		return false, fmt.Errorf("--listen %q: want ADDRESS:PORT, such as 127.0.0.1:5222", e.addr)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return false, fmt.Errorf("--listen %q: %q is no port: want a number from 0 to 65535", e.addr, port)
	}
	if isLoopback(host) {
		return false, nil
	}
	if !p.remote {
		return true, hinted{fmt.Errorf("--listen %q: others can reach this address, and everything that passes is readable here", e.addr), "add --allow-remote if you mean it"}
	}
	if p.upstream == "" && e.target == "" && len(p.allow) == 0 && !p.behind.transparent {
		return true, hinted{fmt.Errorf("--listen %q without a fixed server would be an open relay", e.addr), "add --upstream HOST:PORT, or --allow-domain for each domain"}
	}
	say(os.Stderr, "warning: %s can be reached from other machines", e.addr)
	return true, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// loopbackAlone says what is wrong with --listen where others must not reach us.
func loopbackAlone(addr string) error {
	if host, _, err := net.SplitHostPort(addr); err != nil || !isLoopback(host) {
		return fmt.Errorf("--listen %q: want an address of loopback, such as 127.0.0.1:5222", addr)
	}
	return nil
}

func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err == nil {
		return l, nil
	}
	return nil, listenError("--listen", addr, err)
}

// listenError says why nothing can listen at the address of a flag, and what to do.
func listenError(flag, addr string, err error) error {
	why := err
	if op := new(net.OpError); errors.As(err, &op) {
		why = op.Err
	}
	if call := new(os.SyscallError); errors.As(why, &call) {
		why = call.Err
	}
	hint := "another program may have the port"
	switch {
	case errors.Is(why, syscall.EADDRNOTAVAIL):
		hint = "this machine has no such address"
	case errors.Is(why, syscall.EACCES):
		hint = "ports below 1024 take root"
	}
	return hinted{fmt.Errorf("cannot listen on %s: %w", addr, why), fmt.Sprintf("%s: choose another one with %s ADDRESS:PORT (port 0 picks a free one)", hint, flag)}
}

// setupText is the inspector's start screen: what to set in a client, and how clients trust
// the CA.
func setupText(addr string, ca *certs.CA, r *proxy.Resolver, saves []string) (out, guide []string) {
	host, port, _ := net.SplitHostPort(addr)
	out = []string{
		"Set this in your client:",
		"  server / host   " + host,
		"  port            " + port,
		"  account         unchanged: the JID and its password stay as they are",
		"  encryption      unchanged: STARTTLS, or direct TLS on the same port",
		"",
	}
	if r.Upstream != nil {
		out = append(out, "The real server is "+r.Upstream.Address()+" ("+r.Upstream.Via+").", "")
	} else {
		out = append(out, "The real server is looked up from the account's domain (SRV records).", "")
	}
	if r.Through != nil {
		out = append(out, "It is reached through the proxy "+r.Through.String()+".", "")
	}
	file := ca.RootFile()
	if file == "" {
		out = append(out, "The CA of this run is kept in memory and gone at its end; --ca-dir keeps one.")
	} else {
		out = append(out, "Let the client trust the CA of xmppscope (how, for each client, stands below):", "  "+file, "  SHA-256 "+ca.Fingerprint())
	}
	if len(saves) == 0 {
		out = append(out, "", "Nothing is saved (--save FILE would); e exports what was seen.")
	}
	if file == "" {
		return out, nil
	}
	for _, kind := range []string{certs.GuideClient, certs.GuideVariable, certs.GuideSystem} {
		for _, g := range certs.Guides(file) {
			if g.Kind != kind {
				continue
			}
			guide = append(guide, g.For+":")
			for _, line := range strings.Split(g.Text, "\n") {
				guide = append(guide, "  "+line)
			}
			guide = append(guide, "")
		}
	}
	return out, guide
}
