package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"xmppscope/capture"
	"xmppscope/decode"
	"xmppscope/internal/demo"
	"xmppscope/internal/experiment"
	"xmppscope/internal/rebind"
	"xmppscope/proxy"
	"xmppscope/session"
	"xmppscope/tlsintercept"
)

// watchEvery is how often it is looked whether a client has done what there was to do.
const watchEvery = 50 * time.Millisecond

// one runs one experiment.
func (t *tryFlags) one(ctx context.Context, x experiment.Experiment, client []string) (row tried, err error) {
	row = tried{Name: x.Name, Title: x.Title, Good: x.Good, Ref: x.Ref}
	begun := time.Now()
	config, err := t.trust.config()
	if err != nil {
		return row, err
	}
	config.CA, config.Finished = t.ca, true
	target := t.target
	if target == nil {
		scenario := t.scenario
		if x.Server != nil {
			x.Server(&scenario)
		}
		server, err := demo.StartServer(scenario)
		if err != nil {
			return row, err
		}
		defer server.Close()
		config.Roots = server.Authority().Roots()
		embedded, err := proxy.ParseTarget(server.Addr(), "embedded")
		if err != nil {
			return row, err
		}
		target = &embedded
	}
	listener, err := listen(t.listen)
	if err != nil {
		return row, err
	}
	r := &trialRun{trial: &experiment.Trial{Experiment: x, Addr: listener.Addr().String()}}
	if t.keep != "" {
		if r.record, err = capture.Create(filepath.Join(t.keep, x.Name+".pcapng"), true, captureOptions(false)); err != nil {
			listener.Close()
			return row, err
		}
	}
	run, stop := context.WithCancel(ctx)
	defer stop()
	ended := r.serve(run, listener, t.options(target, config, r))
	started, err := t.begin(r.trial.Addr, x.Name, client)
	if err == nil {
		t.watch(ctx, r, started)
		started.end()
	}
	stop()
	err = errors.Join(err, <-ended)
	result := r.trial.Of(&r.outcome)
	row.Result, row.Why, row.Took = result.Grade, result.Why, time.Since(begun)
	row.Sessions = r.outcome.Sessions()
	return row, err
}

// options are those of the proxy for one run.
func (t *tryFlags) options(target *proxy.Target, config *tlsintercept.Config, r *trialRun) proxy.Options {
	control := proxy.NewControl()
	control.Explain = func() *decode.Session { return t.explain(r, false) }
	r.trial.Control = control
	control.Use(r.trial.Gate)
	return proxy.Options{
		Resolver: &proxy.Resolver{Upstream: target}, TLS: config, Tap: r.record != nil, Control: control,
		Gate: func(s *tlsintercept.Secured) proxy.Gate {
			return rebind.New(rebind.Options{
				Client: s.Bindings(session.ClientLeg), Server: s.Bindings(session.ServerLeg),
				Domain: s.Domain, Password: t.accounts.find, Tokens: &r.tokens,
			})
		},
	}
}

// explain makes what explains a session; knowing says that it may tell what a password shows.
func (t *tryFlags) explain(r *trialRun, knowing bool) *decode.Session {
	d := prepared().NewSession(&r.book)
	d.Share(&r.shared)
	d.Rebinds()
	if knowing {
		d.KnowPasswords(t.accounts.find)
	}
	return d
}

// trialRun is one run of the proxy for one experiment.
type trialRun struct {
	trial  *experiment.Trial
	record *capture.File // nil: none is kept
	tokens rebind.Tokens
	book   session.Book
	shared decode.Run

	mu      sync.Mutex // held while outcome is used
	outcome experiment.Outcome
}

// serve relays until ctx is done, and tells on a channel when all that was seen has been
// explained and taken.
func (r *trialRun) serve(ctx context.Context, l net.Listener, o proxy.Options) <-chan error {
	log := session.NewLog()
	o.Spool = session.NewSpool(session.SpoolOptions{Limit: 1 << 30})
	served := make(chan error, 1)
	go func() {
		served <- proxy.Serve(ctx, l, o)
		o.Spool.End()
	}()
	go func() {
		(&explainer{spool: o.Spool, log: log, begin: o.Control.Explain}).run()
		log.End()
	}()
	ended := make(chan error, 1)
	go func() {
		var failed error
		for next := 0; ; {
			events, to := log.Since(context.Background(), next)
			if len(events) == 0 {
				break
			}
			next = to
			r.mu.Lock()
			for i := range events {
				r.outcome.Add(&events[i])
			}
			r.mu.Unlock()
			if r.record != nil && failed == nil {
				failed = r.record.WriteAll(events)
			}
		}
		if r.record != nil {
			failed = errors.Join(failed, r.record.Close())
		}
		o.Spool.Close()
		ended <- errors.Join(failed, <-served, log.Close())
	}()
	return ended
}

// watch waits until the client has done what there was to do, or its time is over.
func (t *tryFlags) watch(ctx context.Context, r *trialRun, c *clientRun) {
	begun := time.Now()
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	exited := c.exited
	for over := false; !over; {
		select {
		case <-ctx.Done():
			over = true
		case <-exited:
			exited = nil // what it has said last is still on its way
		case <-tick.C:
			over = c.gone(watchEvery)
		}
		now := time.Now()
		r.mu.Lock()
		o := &r.outcome
		o.Now = now
		o.Exited, o.Code = over && c.gone(0), c.code()
		o.Fired, o.FiredIn = r.trial.Fired()
		switch connected := o.Connected(); {
		case o.Enough(&r.trial.Experiment):
			over = true
		case !o.Fired.IsZero():
			over = over || now.Sub(o.Fired) > t.window+r.trial.More
		case !connected.IsZero():
			over = over || now.Sub(connected) > t.start
		default: // without a client of ours, a person starts one
			over = over || c.cmd != nil && now.Sub(begun) > t.start
		}
		o.Over = over
		r.mu.Unlock()
	}
}

// clientRun is the client's program, or nothing where a person starts one.
type clientRun struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when it has ended
	at     time.Time     // when, then
	before []int         // processes that are not the client's
	out    *os.File
}

// begin starts the client.
func (t *tryFlags) begin(addr, name string, client []string) (*clientRun, error) {
	c := &clientRun{}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	values, env := t.given([2]string{"host", host}, [2]string{"port", port})
	if len(client) == 0 {
		say(os.Stderr, "%s: listening on %s for %s", name, addr, t.jid)
		for _, v := range env {
			say(os.Stderr, "    %s", v)
		}
		return c, nil
	}
	var args []string
	for _, a := range client {
		args = append(args, values.Replace(a))
	}
	c.cmd = exec.Command(args[0], args[1:]...)
	c.cmd.Env = append(clientEnvironment(), env...)
	c.cmd.WaitDelay = time.Second
	ownGroup(c.cmd)
	adopt()
	c.before = children()
	var out io.Writer = io.Discard
	if t.keep != "" {
		if c.out, err = create(filepath.Join(t.keep, name+".log")); err != nil {
			return nil, err
		}
		if err := c.out.Chmod(0o600); err != nil { // clients print what they send, secrets too
			return nil, errors.Join(err, c.out.Close())
		}
		out = c.out
	}
	c.cmd.Stdout, c.cmd.Stderr = out, out
	if err := c.cmd.Start(); err != nil {
		if c.out != nil {
			c.out.Close()
		}
		return nil, usageError{hinted{fmt.Errorf("the client cannot be started: %w", err), "name it as you would on the command line, behind --"}}
	}
	c.exited = make(chan struct{})
	go func() {
		c.cmd.Wait()
		c.at = time.Now()
		close(c.exited)
	}()
	return c, nil
}

// gone says whether the client has ended, so long ago.
func (c *clientRun) gone(since time.Duration) bool {
	if c.cmd == nil {
		return false
	}
	select {
	case <-c.exited:
		return time.Since(c.at) > since
	default:
		return false
	}
}

// code is its exit code, once it has ended; -1 if a signal has ended it.
func (c *clientRun) code() int {
	if !c.gone(0) {
		return 0
	}
	return c.cmd.ProcessState.ExitCode()
}

// end ends the client and all that it has started.
func (c *clientRun) end() {
	if c.cmd == nil {
		return
	}
	endGroup(c.cmd, false)
	select {
	case <-c.exited:
	case <-time.After(grace):
	}
	endGroup(c.cmd, true) // what it has started may be left
	<-c.exited
	endStrays(c.before)
	if c.out != nil {
		c.out.Close()
	}
}
