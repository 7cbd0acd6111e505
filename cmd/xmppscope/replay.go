package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"xmppscope/certs"
	"xmppscope/decode"
	"xmppscope/decode/compare"
	"xmppscope/decode/facts"
	"xmppscope/internal/demo"
	"xmppscope/internal/rebind"
	"xmppscope/internal/replay"
	"xmppscope/proxy"
	"xmppscope/session"
	"xmppscope/tlsintercept"
)

type replayFlags struct {
	live
	ca       caFlags
	listen   string
	keylogs  []string
	to       string
	trust    trustFlags
	asServer bool
	account  string // --jid
	most     int    // --max-stanzas
	wait     time.Duration
	whole    time.Duration // --max-time
	verbatim bool
	inClear  bool
	sessions int

	score    *replay.Score
	recorded facts.Login
	departed atomic.Int64
	bindings atomic.Pointer[map[string]string] // channel-binding data of our client's connection, in hex
	mu       sync.Mutex
	played   map[int]*facts.Gatherer // by session
}

// maxPlayed bounds the sessions that are set beside the recording, of a server's part.
const maxPlayed = 100

func newReplay() *cobra.Command {
	r := new(replayFlags)
	cmd := &cobra.Command{
		Use: "replay FILE#N", Short: "play one side of a recorded session against a real peer",
		Long: `Plays session N of a capture again, of any format that can be read. What one side
said is said again, byte for byte, when what came before it in the recording has come
again; the other side is real.

--to HOST:PORT plays the client's part against a server: with STARTTLS or TLS from the
first byte, as the recording did. --to ws://HOST:PORT/PATH or wss://… is WebSocket, at the
recorded path where you name none. A stream of TCP can be played in WebSocket, and the
other way round: what is said is the same, without STARTTLS. BOSH is not played.

The client's part logs in anew, with the account's password (--password-file):
SCRAM of all hashes, with -PLUS too, PLAIN, ANONYMOUS, SASL2, a component's
handshake, and the login of before SASL. A mechanism that cannot be repeated, such as
a token, gives way to the best one on offer, which is said. --jid lets another account
play. The server's certificate is checked as the proxy does.

--as-server plays the server's part to clients that connect to --listen, by WebSocket too
(whatever the path), whichever the recording has. They are shown
a certificate of xmppscope's CA (xmppscope ca), as by the proxy. The account of
--password-file can log in, with real SCRAM or PLAIN, if the recorded login worked; if
it was refused then, it is refused now. Requests are answered in any order; one that
the recording lacks is answered with service-unavailable.

Ids, full JIDs, stream ids, tokens and counts of stream management are those of now.
The client's part says its login and nothing else unless --max-stanzas allows it: so
many of the recorded stanzas behind it, in order. (A login may have the server keep,
announce or deliver things; whoever is sent a message gets it again.) The server's
part says all. It is never more than that, but for the messages that a login takes,
acknowledgements that are asked for (XEP-0198), and the end of the stream.

It all runs through the real proxy: events, --save and the inspector are those of
xmppscope proxy. Where the other side does something else than the recording shows, it is said on standard
error, and at the end what it offered, agreed to or refused otherwise in the login.

Exit codes: 0 the other side did what the recording shows; 1 it departed from it, or
the part could not be played; 2 the command line is wrong or the capture could not be
read. To hold the login against expectations of your own: --save now.jsonl, and then
xmppscope check --expect FILE now.jsonl.`,
		Example: `  xmppscope replay bug.pcapng#1 --to xmpp.example.net:5222 --password-file alice@example.net=FILE
  xmppscope replay bug.jsonl --to wss://xmpp.example.net/xmpp-websocket --password-file alice@example.net=FILE
  xmppscope replay bug.jsonl --as-server --listen 127.0.0.1:5222 --password-file alice@example.net=FILE`,
		Args: takes(1, 1, "one session"),
		RunE: func(cmd *cobra.Command, args []string) error { return r.run(cmd, args[0]) },
	}
	f := cmd.Flags()
	f.StringVar(&r.to, "to", "", "play the client's part against this server, `HOST:PORT`, tls://HOST:PORT, ws://HOST:PORT/PATH or wss://HOST:PORT/PATH")
	f.BoolVar(&r.asServer, "as-server", false, "play the server's part to clients that connect")
	f.StringVar(&r.account, "jid", "", "the account that plays, a bare `JID` (default: the recorded one)")
	f.IntVar(&r.most, "max-stanzas", 0, "the most stanzas to send after the login, `N`; with --as-server 0 is all")
	f.DurationVar(&r.wait, "wait", 10*time.Second, "how long the other side may take for each answer")
	f.DurationVar(&r.whole, "max-time", 5*time.Minute, "how long a session may take as a whole")
	f.BoolVar(&r.verbatim, "verbatim", false, "send the client's messages of SASL as they were recorded, instead of logging in anew")
	f.BoolVar(&r.inClear, "in-clear", false, "send a password without TLS, where the recording has none")
	f.IntVar(&r.sessions, "sessions", 1, "with --as-server: end after `N` sessions; 0: go on until Ctrl-C")
	f.StringArrayVar(&r.keylogs, "keylog", nil, "TLS secrets of the capture, a `file` in the format of SSLKEYLOGFILE (repeatable)")
	r.trust.add(f)
	addLive(f, &r.live, &r.ca, &r.listen, "127.0.0.1:5222")
	f.Lookup("listen").Usage = "with --as-server: `address` to listen on; port 0 picks one"
	f.Lookup("ca-dir").Usage = "`folder` of the local CA that --as-server shows (default: in your configuration folder)"
	f.Lookup("password-file").Usage = "`JID=FILE`: the password of the account that logs in, the first line of FILE; domain=FILE for a component"
	return cmd
}

func (r *replayFlags) run(cmd *cobra.Command, name string) error {
	if err := r.check(cmd); err != nil {
		return usageError{err}
	}
	if _, err := r.out.matcher(); err != nil {
		return err
	}
	if err := r.load(cmd.Context(), name); err != nil {
		return err
	}
	defer r.abandon()
	if err := r.open(); err != nil {
		return err
	}
	var err error
	if err = r.score.Needs(r.options(nil)); err != nil {
		err = usageError{hinted{err, "give it with --password-file JID=FILE"}}
	} else if r.asServer {
		err = r.server(cmd.Context())
	} else {
		err = r.client(cmd.Context())
	}
	if err == nil && r.departed.Load() > 0 {
		err = errSaid
	}
	return err
}

func (r *replayFlags) check(cmd *cobra.Command) error {
	switch changed := cmd.Flags().Changed; {
	case r.asServer == (r.to != ""):
		return hinted{errors.New("replay plays one side"), "name the server to play the client against, --to HOST:PORT, or --as-server"}
	case r.asServer && (changed("upstream-ca") || changed("insecure-upstream") || r.verbatim || r.inClear):
		return errors.New("--upstream-ca, --insecure-upstream, --verbatim and --in-clear are for --to")
	case !r.asServer && (changed("listen") || changed("sessions")):
		return errors.New("--listen and --sessions are for --as-server")
	case r.most < 0 || r.sessions < 0:
		return errors.New("--max-stanzas and --sessions want a number from 0 on")
	case r.wait <= 0 || r.whole <= 0:
		return errors.New("--wait and --max-time want more than nothing")
	case r.account != "" && (!strings.Contains(r.account, "@") || strings.Contains(r.account, "/")):
		return fmt.Errorf("--jid %q: want a bare JID, user@domain", r.account)
	}
	if r.asServer { // what others reach is for --allow-remote, which only the proxy has
		return loopbackAlone(r.listen)
	}
	return nil
}

// load reads the session.
func (r *replayFlags) load(ctx context.Context, name string) error {
	in := inputFlags{keylogs: r.keylogs, known: r.known, trust: r.trust}
	scores := map[int]*replay.Score{}
	var recorded facts.Gatherer
	var ids []int
	err := in.read(ctx, []string{name}, func(e session.Event) error {
		switch {
		case e.Session == 0:
			return nil
		case len(ids) == 0 || !slices.Contains(ids, e.Session) && len(ids) < maxListed:
			ids = append(ids, e.Session)
		}
		if e.Session == ids[0] { // the others are only counted
			s := scores[e.Session]
			if s == nil {
				s = new(replay.Score)
				scores[e.Session] = s
			}
			s.Add(&e)
			recorded.Add(&e)
		}
		return nil
	})
	switch {
	case err != nil:
		return unreadable(stopped(err, "nothing was played"))
	case len(ids) == 0:
		return usageError{fmt.Errorf("%s holds no session", name)}
	case len(ids) > 1:
		return usageError{hinted{fmt.Errorf("%s holds several sessions", name), fmt.Sprintf("name one: %s#%d", name, ids[0])}}
	}
	r.score, r.recorded = scores[ids[0]], recorded.Login()
	if err := r.score.Ready(); err != nil {
		return usageError{fmt.Errorf("%s cannot be played: %w", name, err)}
	}
	if r.account != "" && r.score.Account == "" {
		return usageError{fmt.Errorf("--jid: the recording does not say which account it is in the place of")}
	}
	if n := r.score.Beyond; n > 0 {
		say(os.Stderr, "warning: %s: the last %s of the session are not played: it is too long", name, session.Plural(n, "element"))
	}
	if left := r.score.Later() - r.most; !r.asServer && left > 0 {
		say(os.Stderr, "not sent: %s of the client after the login (--max-stanzas)", session.Plural(left, "stanza"))
	}
	return nil
}

// options are those of one part.
func (r *replayFlags) options(t *tls.Config) replay.Options {
	most := r.most
	if r.asServer && most == 0 {
		most = 1 << 30
	}
	return replay.Options{
		Wait: r.wait, Most: most, Account: r.account, Password: r.inspect.accounts.find,
		TLS: t, Binding: r.binding, Verbatim: r.verbatim, InClear: r.inClear, Departs: r.departs,
	}
}

// binding is the channel-binding data of a type, as the proxy has seen it of our client: it
// knows of the client's Finished, too.
func (r *replayFlags) binding(kind string) []byte {
	if all := r.bindings.Load(); all != nil {
		if data, err := hex.DecodeString((*all)[kind]); err == nil && len(data) > 0 {
			return data
		}
	}
	return nil
}

func (r *replayFlags) departs(d replay.Departure) {
	r.departed.Add(1)
	r.board.say("%s", d)
}

// domain is that of the account that plays.
func (r *replayFlags) domain() string {
	if _, domain, ok := strings.Cut(r.account, "@"); ok {
		return domain
	}
	return r.score.Domain
}

// target is where the client's part is played, and the URL that it asks for, if that is
// WebSocket.
func (r *replayFlags) target() (t proxy.Target, url string, err error) {
	t, err = proxy.ParseTarget(r.to, "--to")
	switch {
	case err != nil || !t.Web:
		return t, "", err
	case t.BOSH:
		return t, "", hinted{fmt.Errorf("--to %s: BOSH is not played", r.to), "want HOST:PORT, tls://HOST:PORT, ws://HOST:PORT or wss://HOST:PORT"}
	case t.Path == "" && r.score.Path == "":
		return t, "", hinted{fmt.Errorf("--to %s: it names no path, and the recording has none", r.to), "name it: " + r.to + "/xmpp-websocket"}
	case t.Path == "" && strings.Contains(r.score.Path, " "): // no path has one, and a placeholder has
		return t, "", hinted{fmt.Errorf("--to %s: it names no path, and from that of the recording secrets were taken out", r.to), "name it, with what stands behind the ?"}
	}
	scheme, _, _ := strings.Cut(r.to, "://")
	url = scheme + "://" + t.Address() + cmp.Or(t.Path, r.score.Path)
	t.Path = "" // the request names it already
	return t, url, nil
}

// client plays the client's part, through the proxy and against the server.
func (r *replayFlags) client(ctx context.Context) error {
	target, url, err := r.target()
	if err != nil {
		return usageError{err}
	}
	config, err := r.trust.config()
	if err != nil {
		return err
	}
	ca, err := certs.NewMemory()
	if err != nil {
		return err
	}
	config.CA = ca
	conn, listener, err := ownConnection()
	if err != nil {
		return err
	}
	r.trust.warn()
	r.title, r.where = "xmppscope replay", "the recorded client → "+r.to
	r.welcome = []string{"The client's part of a recording is played against " + r.to + "."}
	o := proxy.Options{
		Resolver: &proxy.Resolver{Upstream: &target}, Domain: r.domain(), TLS: config,
	}
	if slices.ContainsFunc(r.score.Mechanisms(), decode.IsPlus) {
		r.rebinds = true
		config.Finished = true
		o.Gate = func(s *tlsintercept.Secured) proxy.Gate {
			bindings := s.Bindings(session.ClientLeg)
			r.bindings.Store(&bindings)
			return rebind.New(rebind.Options{
				Client: bindings, Server: s.Bindings(session.ServerLeg),
				Domain: s.Domain, Password: r.inspect.accounts.find,
			})
		}
	}
	r.watch = r.gather
	err = r.live.run(ctx, listener, o, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeoutCause(ctx, r.whole, fmt.Errorf("it has taken longer than %s (--max-time)", r.whole))
		defer cancel()
		o := r.options(&tls.Config{RootCAs: ca.Pool(), ServerName: r.domain()})
		o.WebSocket = url
		return r.score.Client(ctx, conn, o)
	})
	r.compare(session.S2C)
	return err
}

// server plays the server's part, through the proxy, to clients that connect to it.
func (r *replayFlags) server(ctx context.Context) error {
	authority, err := demo.NewAuthority("xmppscope replay")
	if err != nil {
		return err
	}
	certificate, err := authority.Issue(r.domain())
	if err != nil {
		return err
	}
	ca, err := r.ca.open()
	if err != nil {
		return err
	}
	stub, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer stub.Close()
	listener, err := listen(r.listen)
	if err != nil {
		return err
	}
	target, err := proxy.ParseTarget(stub.Addr().String(), "replay")
	if err != nil {
		return err
	}
	say(os.Stderr, "listening on %s", listener.Addr())
	resolver := &proxy.Resolver{Upstream: &target}
	r.title, r.where = "xmppscope replay", listener.Addr().String()+" → the recorded server"
	r.welcome, r.guide = setupText(listener.Addr().String(), ca, resolver, r.saves)
	r.welcome = append([]string{"The server's part of a recording is played to clients that connect.", ""}, r.welcome...)
	r.watch = r.gather
	err = r.live.run(ctx, listener, proxy.Options{
		Resolver: resolver, Domain: r.domain(),
		TLS: &tlsintercept.Config{CA: ca, Roots: authority.Roots()},
	}, func(ctx context.Context) error {
		return r.serve(ctx, stub, &tls.Config{Certificates: []tls.Certificate{certificate}})
	})
	r.compare(session.C2S)
	return err
}

// serve plays to so many clients as --sessions says.
func (r *replayFlags) serve(ctx context.Context, stub net.Listener, t *tls.Config) error {
	defer context.AfterFunc(ctx, func() { stub.Close() })()
	var parts sync.WaitGroup
	defer parts.Wait()
	for n := 0; r.sessions == 0 || n < r.sessions; n++ {
		conn, err := stub.Accept()
		if err != nil {
			return nil // ctx is done
		}
		parts.Go(func() {
			ctx, cancel := context.WithTimeoutCause(ctx, r.whole, fmt.Errorf("it has taken longer than %s (--max-time)", r.whole))
			defer cancel()
			if err := r.score.Server(ctx, conn, r.options(t)); err != nil && !errors.Is(err, context.Canceled) {
				r.departed.Add(1)
				r.board.say("%v", err)
			}
		})
	}
	return nil
}

// gather takes what happens now.
func (r *replayFlags) gather(e *session.Event) {
	if e.Session == 0 || e.Session > maxPlayed {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.played == nil {
		r.played = map[int]*facts.Gatherer{}
	}
	g := r.played[e.Session]
	if g == nil {
		g = new(facts.Gatherer)
		r.played[e.Session] = g
	}
	g.Add(e)
}

// compare tells where the login of now is another than the recorded one by what the other
// side said.
func (r *replayFlags) compare(theirs session.Dir) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := 1; id <= len(r.played); id++ {
		g := r.played[id]
		if g == nil {
			continue
		}
		now := g.Login()
		if len(now.Rungs) == 0 { // somebody who has said nothing
			continue
		}
		for _, line := range departures(&r.recorded, &now, theirs, r.renamed()) {
			r.departed.Add(1)
			say(os.Stderr, "departs from the recording: %s", line)
		}
		say(os.Stderr, "session %d: %s; the recording: %s", id, cmp.Or(now.Verdict, now.State.String()), cmp.Or(r.recorded.Verdict, r.recorded.State.String()))
	}
}

// renamed makes of names of the recorded account those of the one that plays (--jid).
func (r *replayFlags) renamed() *strings.Replacer {
	user, domain, ok := strings.Cut(r.score.Account, "@")
	if r.account == "" || !ok {
		return strings.NewReplacer()
	}
	nowUser, nowDomain, _ := strings.Cut(r.account, "@")
	return strings.NewReplacer(r.score.Account, r.account, domain, nowDomain, user, nowUser)
}

// departures are the differences of two logins in the steps of one side that matter.
// What is renamed is the same.
func departures(recorded, now *facts.Login, theirs session.Dir, renamed *strings.Replacer) (lines []string) {
	of := func(l *facts.Login, p *compare.Place) session.Dir {
		if p != nil {
			for i := range l.Rungs {
				if l.Rungs[i].N == p.N {
					return l.Rungs[i].Dir
				}
			}
		}
		return session.NoDir
	}
	below := behindSTARTTLS(recorded, now)
	for _, row := range compare.Logins(recorded, now, compare.Options{}).Rows {
		if cmp.Or(of(recorded, row.A), of(now, row.B)) != theirs {
			continue
		}
		switch row.Mark {
		case compare.OnlyA:
			if row.A.N <= below {
				continue
			}
			lines = append(lines, "step "+row.A.ID+" is missing now ("+row.Title+")")
		case compare.OnlyB:
			lines = append(lines, "step "+row.B.ID+" is new ("+row.Title+")")
		}
		for _, d := range row.Differences {
			shown := strings.HasSuffix(d.What, "-check") // by the password, where the recording still has its proof
			same := renamed.Replace(strings.Join(d.A, " ")) == strings.Join(d.B, " ")
			if d.Weight != compare.Detail && !d.Finding && !shown && !same {
				lines = append(lines, fmt.Sprintf("step %s, %s: recorded %s, now %s", row.A.ID, d.What, listed(d.A), listed(d.B)))
			}
		}
	}
	return lines
}

// behindSTARTTLS is the recorded step that ends STARTTLS, where the connection of now begins with
// TLS and has none of it: 0 where that is not so.
func behindSTARTTLS(recorded, now *facts.Login) (n int) {
	if len(now.Rungs) == 0 || now.Rungs[0].Kind != "tls" {
		return 0
	}
	for _, rung := range recorded.Rungs {
		if rung.ID == "proceed" {
			n = rung.N
		}
	}
	return n
}

func listed(values []string) string {
	if len(values) == 0 {
		return "nothing more"
	}
	return strings.Join(values, ", ")
}

// ownConnection is a connection of our own over loopback, and a listener that gives out its
// other end and nothing else: nobody who finds the port comes through.
func ownConnection() (net.Conn, net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	dialled, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return nil, nil, err
	}
	for {
		c, err := l.Accept()
		if err != nil {
			dialled.Close()
			return nil, nil, err
		}
		if c.RemoteAddr().String() == dialled.LocalAddr().String() {
			one := &oneConn{addr: l.Addr(), ready: make(chan net.Conn, 1), closed: make(chan struct{})}
			one.ready <- c
			return dialled, one, nil
		}
		c.Close()
	}
}

// oneConn is a listener to which one client comes.
type oneConn struct {
	addr   net.Addr
	ready  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *oneConn) Accept() (net.Conn, error) {
	select {
	case c := <-l.ready:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *oneConn) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *oneConn) Addr() net.Addr { return l.addr }
