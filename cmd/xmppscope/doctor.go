package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"xmppscope/internal/doctor"
	"xmppscope/internal/idn"
	"xmppscope/proxy"
	"xmppscope/session"
)

type doctorFlags struct {
	wayOut  wayOutFlags
	resolve []string
	trust   trustFlags
	json    bool
	timeout time.Duration
}

func newDoctor() *cobra.Command {
	o := new(doctorFlags)
	cmd := &cobra.Command{
		Use: "doctor DOMAIN", Short: "look at what a domain offers to clients and servers, and what is wrong with it",
		Long: `Looks at a domain without an account and without a client: its SRV records for clients and
servers, with STARTTLS and with direct TLS; each address that they lead to; the certificate
there, its names, its chain and its expiry; what is offered, to who says who they are ("from" in the
stream header) and to who does not; and the ways in over WebSocket and BOSH that host-meta names.
It logs in nowhere. What is wrong stands first, the worst on top.

--json prints one object: domain; problems, with severity (notice, warning, error), rule, text,
next, ref and where; records; ports; web.

Exit codes: 0 nothing is wrong, or no more than a notice; 1 something is; 2 nothing could be looked
at, as no question to DNS was answered, or the command line is wrong.`,
		Example: "  xmppscope doctor example.net\n  xmppscope doctor --resolver 127.0.0.1:5353 --upstream-ca ca.pem --json lab.test",
		Args:    takes(1, 1, "one domain"),
		RunE:    func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) },
	}
	f := cmd.Flags()
	o.wayOut.add(f)
	f.StringArrayVar(&o.resolve, "resolve", nil, "look at this server in place of what DNS says, `DOMAIN=HOST:PORT` or DOMAIN=tls://HOST:PORT; DOMAIN:443=HOST:PORT is its web server (repeatable)")
	o.trust.addRoots(f, "the server's certificate")
	o.trust.addLegacy(f)
	f.BoolVar(&o.json, "json", false, "print the report as JSON")
	f.DurationVar(&o.timeout, "timeout", 15*time.Second, "how long one conversation may take")
	return cmd
}

func (o *doctorFlags) run(cmd *cobra.Command, name string) error {
	domain, err := idn.Parse(name)
	if err != nil {
		return usageError{hinted{err, "name the part of an account behind the @, such as example.net"}}
	}
	if o.timeout <= 0 {
		return usageError{fmt.Errorf("--timeout %s: want more than nothing", o.timeout)}
	}
	resolver := &proxy.Resolver{Overrides: map[idn.Domain]proxy.Target{}, Ports: map[string]proxy.Target{}, Timeout: o.timeout}
	if err := o.wayOut.apply(resolver); err != nil {
		return usageError{err}
	}
	for _, s := range o.resolve {
		d, port, t, err := parseResolve(s)
		if err != nil {
			return usageError{err}
		}
		if port != "" {
			resolver.Ports[net.JoinHostPort(d.ASCII, port)] = t
		} else {
			resolver.Overrides[d] = t
		}
	}
	config, err := o.trust.config()
	if err != nil {
		return err
	}
	report, err := doctor.Look(cmd.Context(), doctor.Options{
		Domain: domain, Resolver: resolver, Rules: rules(), Timeout: o.timeout, TLS: config,
	})
	blind := errors.Is(err, doctor.ErrBlind)
	if err != nil && !blind {
		return err
	}
	if o.json {
		out := json.NewEncoder(os.Stdout)
		out.SetEscapeHTML(false)
		err = out.Encode(report)
	} else {
		err = report.Print(os.Stdout)
	}
	switch {
	case err != nil:
		return err
	case blind:
		return usageError{hinted{fmt.Errorf("doctor: nothing could be looked at: %w", doctor.ErrBlind), "ask another resolver with --resolver ADDRESS, or name the server with --resolve DOMAIN=HOST:PORT"}}
	case report.Worst() >= session.Warning:
		return errSaid
	}
	return nil
}
