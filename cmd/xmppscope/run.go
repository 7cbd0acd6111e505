package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"xmppscope/internal/dnsrelay"
	"xmppscope/internal/launch"
	"xmppscope/proxy"
	"xmppscope/session"
)

// runFlags are those of run, which has the proxy's ways with TLS and with what is seen.
type runFlags struct {
	proxyFlags
	ends      []string // --domain
	inspectIn string   // --inspect-in
	went      outcomes
	noNFT     bool
}

func newRun() *cobra.Command {
	r := new(runFlags)
	cmd := &cobra.Command{
		Use: "run [flags] -- CLIENT [ARGUMENT…]", Short: "start a client so that it comes through xmppscope with no setting at all (Linux)",
		Long: `Starts a client in namespaces of its own (user, network and mount; no root), where each
connection and each DNS query that it makes comes through here, and the CA is trusted.
Neither the client nor the system is changed, and nothing is left behind.

XMPP is known by what is said, on any port: a stream header, STARTTLS, TLS with ALPN
xmpp-client or xmpp-server, and TLS to what a _xmpps-client or _xmpps-server SRV record
named. --domain names further servers whose TLS is ended. All else passes as it is.

The client has the terminal. To look, open another one and use

  xmppscope attach

or let --inspect-in open one: "tmux" splits the window of tmux, anything else is a
command such as "xterm -e" to which the rest is added. --save keeps a file. With --plain
or --json events go to standard output, and what the client writes there to standard
error; without them standard output is the client's own.

Ctrl-C and Ctrl-Z reach the client. The exit code is the client's: its own, 128 + N for
signal N, 127 if it was not found, 126 if it cannot be executed; 1 and 2 may also be ours,
with a line that says why.

Where the system forbids such namespaces, and on macOS and Windows, variables do what
they can: the client trusts the CA, and has to be pointed at the address that is printed.`,
		Example: "  xmppscope run -- profanity -a me@example.net\n  xmppscope run --save login.pcapng -- ./bot --verbose",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{hinted{errors.New("run: no client is named"), "usage: xmppscope run [flags] -- CLIENT [ARGUMENT…]"}}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return r.run(cmd, args) },
	}
	f := cmd.Flags()
	f.SetInterspersed(false)
	r.add(f)
	return cmd
}

func (r *runFlags) add(f *pflag.FlagSet) {
	f.StringArrayVar(&r.ends, "domain", nil, "end TLS to this server too, `HOST[:PORT]`, whatever the client says it is for (repeatable)")
	f.StringVar(&r.inspectIn, "inspect-in", "", "open the inspector elsewhere: tmux, or a `COMMAND` such as \"xterm -e\"")
	f.BoolVar(&r.noNFT, "no-nft", false, "do without nf_tables: connections are taken on the ports of XMPP, of the web and of DNS alone")
	r.addTLS(f)
	r.live.add(f, &r.ca)
}

func (r *runFlags) run(cmd *cobra.Command, args []string) error {
	r.headless, r.deaf, r.watch = true, true, r.went.take
	o, err := r.tlsOptions()
	if err != nil {
		return usageError{err}
	}
	ends, err := endsTLS(r.ends)
	if err != nil {
		return usageError{err}
	}
	if o.ClientTLS, err = r.clientTLS(); err != nil {
		return usageError{err}
	}
	if _, err := r.out.matcher(); err != nil {
		return err
	}
	if _, err := exec.LookPath(args[0]); err != nil {
		return notStarted(args[0], err)
	}
	ca, err := r.ca.open()
	if err != nil {
		return err
	}
	defer r.abandon()
	if err := r.open(); err != nil {
		return err
	}
	removeRunFolders(os.TempDir())
	folder, err := os.MkdirTemp("", fmt.Sprintf("%s%d-*", runFolder, os.Getpid()))
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	o.TLS.CA = ca
	c := &client{r: r, args: args, folder: folder, ca: ca.RootDER(), ends: ends}
	if r.closed.keylog != "" && cmd.Flags().Changed("untouched") && !r.closed.untouched {
		return usageError{errors.New("--keylog is for --untouched, and that is off")}
	}
	keylog := ""
	if c.mayLeaveTLS(cmd.Flags()) { // else Node would warn of it for nothing
		if keylog, c.keyEnv, err = c.keylog(); err != nil {
			return err
		}
	}
	err = c.start()
	o.Untouched = c.untouched(cmd.Flags(), keylog)
	var no *launch.Refused
	switch {
	case err == nil:
		defer c.program.Close()
		o.Resolver, o.Transit, o.Events = new(proxy.Resolver), c.transit(), &c.events
		return c.serve(cmd.Context(), c.program.Conns, o)
	case errors.Is(err, launch.ErrUnsupported):
		say(os.Stderr, "warning: %s; here variables alone do what they can", err)
	case errors.As(err, &no):
		say(os.Stderr, "warning: the client's connections cannot be taken: %s", session.SafeLine(no.Error()))
		if no.Hint != "" {
			say(os.Stderr, "hint: %s", no.Hint)
		}
	default:
		return notStarted(args[0], err)
	}
	return c.fallBack(cmd.Context(), o)
}

// runFolder begins the name of the folder of a run, before its process id.
const runFolder = "xmppscope-run-"

// removeRunFolders removes what runs have left that were killed.
func removeRunFolders(in string) {
	found, _ := filepath.Glob(filepath.Join(in, runFolder+"*-*"))
	for _, path := range found {
		number, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(path), runFolder), "-")
		pid, err := strconv.Atoi(number)
		info, lost := os.Lstat(path)
		if err == nil && lost == nil && info.IsDir() && session.Stray(info, pid) {
			os.RemoveAll(path)
		}
	}
}

// notStarted is the error of a client that was not started, with the exit code of a shell.
func notStarted(name string, err error) error {
	code := launch.ExitCode(err)
	if code == 0 {
		return err
	}
	say(os.Stderr, "xmppscope: %s: %s", name, cause(err))
	return exitCode(code)
}

// cause is an error without what was tried.
func cause(err error) error {
	var path *os.PathError
	var found *exec.Error
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &found):
		return found.Err
	}
	return err
}

// endsTLS reads --domain.
func endsTLS(names []string) (func(at netip.AddrPort, sni string) bool, error) {
	type server struct {
		host string
		port uint16 // 0: any
	}
	var servers []server
	for _, name := range names {
		host, port, err := net.SplitHostPort(name)
		if err != nil {
			host, port = name, "0"
		}
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || host == "" || strings.ContainsAny(host, ":/") {
			return nil, fmt.Errorf("--domain %q: want HOST or HOST:PORT", name)
		}
		servers = append(servers, server{strings.ToLower(host), uint16(n)})
	}
	return func(at netip.AddrPort, sni string) bool {
		return slices.ContainsFunc(servers, func(s server) bool {
			return (s.port == 0 || s.port == at.Port()) && (s.host == strings.ToLower(sni) || s.host == at.Addr().String())
		})
	}, nil
}

// client is the client that is run.
type client struct {
	r      *runFlags
	args   []string
	folder string // for files that it reads
	ca     []byte // in DER
	ends   func(netip.AddrPort, string) bool
	keyEnv []string // has it log its TLS secrets

	program  *launch.Program // nil where there are no namespaces
	plain    *exec.Cmd       // nil where there are
	way      *proxy.Transit
	events   proxy.RunEvents
	book     dnsrelay.Book
	queries  atomic.Int64
	signals  chan os.Signal
	terminal bool // we have one, whose signals reach the client by themselves
	code     int
	decided  decision // about TLS
}

// environment is the client's: ours, with what has it trust the CA.
func (c *client) environment(mounts bool) (env []string, over []launch.Mount, err error) {
	t, err := launch.NewTrust(c.folder, c.ca, os.Getenv, mounts)
	if err != nil {
		return nil, nil, err
	}
	for _, path := range t.Without {
		say(os.Stderr, "warning: the CA could not be added to %s, which cannot be read", session.SafeLine(path))
	}
	return slices.Concat(clientEnvironment(), t.Env, c.keyEnv), t.Mounts, nil
}

// streams are the client's standard input, output and error: where events are printed, it
// writes to standard error.
func (c *client) streams() [3]*os.File {
	out := os.Stdout
	if (c.r.out.plain || c.r.out.json) && !isTerminal(os.Stdout) || c.r.piped != nil {
		out = os.Stderr
	}
	return [3]*os.File{os.Stdin, out, os.Stderr}
}

// hear has signals come here rather than end us: those of the terminal reach the client by
// themselves. They are not ignored, for that the client would inherit.
func (c *client) hear() {
	if tty, err := os.Open("/dev/tty"); err == nil {
		c.terminal = true
		tty.Close()
	}
	c.signals = make(chan os.Signal, 8)
	signal.Notify(c.signals, ourSignals...)
}

// start starts the client in namespaces.
func (c *client) start() error {
	if err := os.Chmod(c.folder, 0o755); err != nil { // programs that change their user read in it
		return err
	}
	env, mounts, err := c.environment(true)
	if err != nil {
		return err
	}
	c.hear()
	c.program, err = launch.Start(launch.Options{
		Path: c.args[0], Args: c.args, Env: env, Mounts: mounts, IPv6: launch.HasIPv6(), NoNFT: c.r.noNFT, Streams: c.streams(),
	})
	if err != nil {
		signal.Stop(c.signals)
	}
	return err
}

// transit says what becomes of the client's connections.
func (c *client) transit() *proxy.Transit {
	dns := &dnsrelay.Relay{Tell: c.answered}
	c.way = &proxy.Transit{
		To: c.program.Original, Via: c.via,
		Ends: func(at netip.AddrPort, sni string) bool {
			return c.ends(at, sni) || slices.ContainsFunc(c.book.Services(at), func(s dnsrelay.Service) bool { return strings.HasPrefix(s.Name, "_xmpps-") })
		},
		Aside: func(ctx context.Context, at netip.AddrPort, client, server net.Conn) bool {
			if at.Port() != 53 {
				return false
			}
			dns.Carry(ctx, client, server)
			return true
		},
		Unreachable: func(at netip.AddrPort) { c.program.Unreachable(at) },
	}
	for _, q := range c.program.Queries {
		go dns.Serve(q)
	}
	return c.way
}

// answered takes what DNS has answered the client.
func (c *client) answered(e dnsrelay.Exchange) {
	c.queries.Add(1)
	c.book.Learn(&e)
	c.events.Record(dnsEvent(&e))
}

// via is what DNS has told of an address.
func (c *client) via(at netip.AddrPort) (host, via string) {
	for _, s := range c.book.Services(at) {
		if strings.HasPrefix(s.Name, "_xmpp") {
			return s.Host, session.ViaSRV + s.Name
		}
	}
	if names := c.book.Names(at.Addr()); len(names) > 0 {
		return names[0], ""
	}
	return "", ""
}

// serve records what the client does until it has ended, and everything is written.
func (c *client) serve(ctx context.Context, listener net.Listener, o proxy.Options) error {
	r := c.r
	name := filepath.Base(c.args[0])
	r.title, r.where = "xmppscope run "+name, strings.Join(c.args, " ")
	r.attached = c.tellWhere
	err := r.live.run(context.WithoutCancel(ctx), listener, o, func(ctx context.Context) error {
		if onTerminal := isTerminal(os.Stderr); onTerminal {
			defer r.board.begin()()
		}
		return c.work(ctx, listener)
	})
	signal.Stop(c.signals)
	c.conclude()
	if err != nil {
		return err
	}
	if c.code != 0 {
		return exitCode(c.code)
	}
	return nil
}

// tellWhere says, before the client has the terminal, how to look.
func (c *client) tellWhere() {
	r := c.r
	where := fmt.Sprintf("xmppscope attach %d shows it, in another terminal", os.Getpid())
	switch {
	case r.out.plain || r.out.json:
		where = "events go to standard output"
	case r.alone && len(r.saves) > 0:
		where = "it is saved to " + strings.Join(r.saves, ", ")
	case r.alone:
		where = "nobody can look (--no-attach)"
	}
	say(os.Stderr, "xmppscope: %s runs, and its connections come through here: %s", filepath.Base(c.args[0]), where)
	if c.program != nil && c.program.Ports != nil {
		say(os.Stderr, "warning: without nf_tables connections to other ports than %s reach nobody", strings.Trim(fmt.Sprint(c.program.Ports), "[]"))
	}
	if r.inspectIn != "" {
		if err := inspectIn(r.inspectIn, r.out.reveal); err != nil {
			say(os.Stderr, "warning: --inspect-in: %s", err)
		}
	}
}

// inspectIn opens the inspector in another terminal.
func inspectIn(in string, reveal bool) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	look := []string{self, "attach", strconv.Itoa(os.Getpid())}
	if reveal {
		look = append(look, "--reveal")
	}
	words := strings.Fields(in)
	if in == "tmux" {
		if os.Getenv("TMUX") == "" {
			return hinted{errors.New("this terminal is not in tmux"), "start tmux first, or name a command such as \"xterm -e\""}
		}
		words = []string{"tmux", "split-window", "-d", "-h", "--"}
	}
	cmd := exec.Command(words[0], append(words[1:], look...)...)
	if err := cmd.Start(); err != nil {
		return err
	}
	go cmd.Wait()
	return nil
}

// sessionsEnd is how long sessions may take to end by themselves once the client has.
const sessionsEnd = 3 * time.Second

// work waits for the client, and then for its sessions.
func (c *client) work(ctx context.Context, listener net.Listener) error {
	defer listener.Close()
	if err := c.begin(); err != nil {
		return notStarted(c.args[0], err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.code = c.wait()
	}()
	for waiting := true; waiting; {
		select {
		case <-ended:
			waiting = false
		case sig := <-c.signals:
			c.forward(sig)
		case <-ctx.Done(): // listening has failed
			c.forward(syscall.SIGTERM)
			<-ended
			waiting = false
		}
	}
	c.waitForOthers(ctx)
	c.sweep()
	listener.Close()
	select {
	case <-c.r.served:
	case <-time.After(sessionsEnd):
	}
	return nil
}

// begin has the client start.
func (c *client) begin() error {
	if c.program != nil {
		return c.program.Run()
	}
	return c.plain.Start()
}

// wait waits until the client itself has ended.
func (c *client) wait() int {
	if c.program != nil {
		return c.program.Wait()
	}
	c.plain.Wait()
	if n, yes := signalled(c.plain.ProcessState); yes {
		return 128 + n
	}
	return c.plain.ProcessState.ExitCode()
}

// forward sends the client a signal that was sent to us alone.
func (c *client) forward(sig os.Signal) {
	switch {
	case slices.Contains(terminalSignals, sig) && c.terminal: // it has sent it to the client too
	case c.program != nil:
		c.program.Signal(sig)
	default:
		c.plain.Process.Signal(sig)
	}
}

// waitForOthers waits for what the client has left running, if it came to nothing itself:
// then it has gone to the background.
func (c *client) waitForOthers(ctx context.Context) {
	if c.program == nil {
		return
	}
	if passed, _ := c.way.Passed(); c.code != 0 || passed > 0 || c.queries.Load() > 0 || c.r.went.any() {
		return
	}
	left := c.program.Left()
	if len(left) == 0 {
		return
	}
	c.r.board.say("the client has gone to the background: waiting for %s (Ctrl-C ends that)", strings.Join(left, ", "))
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for len(c.program.Left()) > 0 {
		select {
		case <-tick.C:
		case <-c.signals:
			return
		case <-ctx.Done():
			return
		}
	}
}

// sweep ends what the client has left running in namespaces that lead nowhere from now on.
func (c *client) sweep() {
	if c.program == nil {
		return
	}
	if left := c.program.Sweep(); len(left) > 0 {
		c.r.board.say("the client has ended, and so has what it left running: %s", strings.Join(left, ", "))
	}
}

// conclude says how the logins went.
func (c *client) conclude() {
	for _, why := range c.decided.told() {
		say(os.Stderr, "xmppscope: %s", why)
	}
	sessions := c.r.went.tell(os.Stderr)
	passed, failed := 0, 0
	if c.way != nil {
		passed, failed = c.way.Passed()
	}
	switch {
	case c.program == nil:
	case sessions == 0 && passed+failed == 0 && c.queries.Load() == 0:
		say(os.Stderr, "xmppscope: the client has made no connection: if it handed its work to a copy of it that was running already, end that first")
	case sessions == 0:
		say(os.Stderr, "xmppscope: no XMPP was seen; %s passed untouched", session.Plural(passed, "other connection"))
	case passed > 0:
		say(os.Stderr, "xmppscope: %s passed untouched", session.Plural(passed, "other connection"))
	}
	if failed > 0 {
		say(os.Stderr, "xmppscope: %s reached nobody", session.Plural(failed, "other connection"))
	}
}

// dnsEvent is what a client has asked DNS, as an event of the run.
func dnsEvent(e *dnsrelay.Exchange) session.DNSAnswered {
	out := session.DNSAnswered{Question: e.Type + " " + e.Name, Server: e.Server.String(), Took: e.Took}
	for _, r := range e.Records {
		if r.Type == "CNAME" && e.Type != "CNAME" {
			out.Aliases = append(out.Aliases, r.Target)
		} else if r.Type == e.Type {
			out.Answers = append(out.Answers, r.Text)
		}
	}
	var timeout interface{ Timeout() bool }
	switch {
	case e.Code == "NXDOMAIN": // which is an answer: there is no record
	case e.Code != "":
		out.Problem = "the resolver refused: " + e.Code
	case errors.As(e.Err, &timeout) && timeout.Timeout():
		out.Problem = "no answer came"
	case e.Err != nil:
		out.Problem = cause(e.Err).Error()
	}
	return out
}

// fallBack runs the client where its connections cannot be taken: it trusts the CA by
// variables, and has to be pointed at the listener.
func (c *client) fallBack(ctx context.Context, o proxy.Options) error {
	env, _, err := c.environment(false)
	if err != nil {
		return err
	}
	listener, err := listen("127.0.0.1:5222")
	if err != nil {
		listener, err = listen("127.0.0.1:0")
	}
	if err != nil {
		return err
	}
	o.Resolver = &proxy.Resolver{Self: []net.Addr{listener.Addr()}}
	say(os.Stderr, "listening on %s", listener.Addr())
	say(os.Stderr, "hint: let the client connect to %s (host and port, or SOCKS5 proxy); its account stays as it is", listener.Addr())
	streams := c.streams()
	cmd := &exec.Cmd{Args: c.args, Env: env, Stdin: streams[0], Stdout: streams[1], Stderr: streams[2]}
	if cmd.Path, err = exec.LookPath(c.args[0]); err != nil {
		listener.Close()
		return notStarted(c.args[0], err)
	}
	c.hear()
	c.plain = cmd
	return c.serve(ctx, listener, o)
}
