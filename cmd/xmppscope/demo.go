package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"xmppscope/certs"
	"xmppscope/internal/demo"
	"xmppscope/proxy"
	"xmppscope/tlsintercept"
)

// demoPace is the pause before each step of the client, for a person who watches.
const demoPace = 700 * time.Millisecond

type demoFlags struct {
	learn bool // --learn
	live
	ca       caFlags
	listen   string
	scenario string
}

func newDemo() *cobra.Command {
	d := new(demoFlags)
	var names []string
	for _, sc := range demo.Scenarios() {
		names = append(names, fmt.Sprintf("  %-12s %s", sc.Name, sc.Title))
	}
	cmd := &cobra.Command{
		Use: "demo", Short: "watch a login with an embedded server and client: nothing else is needed", Args: noArgs,
		Long: "An embedded server and an embedded client log in through the real proxy, with\nreal TLS. Both are for this demonstration and for tests only.\n\nScenarios:\n" + strings.Join(names, "\n"),
		RunE: func(cmd *cobra.Command, _ []string) error { return d.run(cmd) },
	}
	cmd.Flags().StringVar(&d.scenario, "scenario", demo.Default, "which login to show, a `name`")
	cmd.Flags().BoolVar(&d.learn, "learn", false, "lessons in the inspector: the eighteen steps, and logins that fail; it asks, you answer")
	addLive(cmd.Flags(), &d.live, &d.ca, &d.listen, "127.0.0.1:0")
	cmd.Flags().Lookup("ca-dir").Usage = "`folder` of the local CA (default: in memory, for this run)"
	return cmd
}

func (d *demoFlags) run(cmd *cobra.Command) error {
	sc, err := demo.Find(d.scenario)
	if err != nil {
		return usageError{err}
	}
	if _, err := d.out.matcher(); err != nil {
		return err
	}
	ca, err := d.openCA()
	if err != nil {
		return err
	}
	defer d.abandon()
	if err := d.open(); err != nil {
		return err
	}
	if d.learn {
		return d.teach(cmd.Context(), ca)
	}
	server, err := demo.StartServer(sc)
	if err != nil {
		return err
	}
	defer server.Close()
	target, err := proxy.ParseTarget(server.Addr(), "demo")
	if err != nil {
		return err
	}
	listener, err := listen(d.listen)
	if err != nil {
		return err
	}
	addr := listener.Addr().String()
	say(os.Stderr, "listening on %s", addr)
	resolver := &proxy.Resolver{Upstream: &target}
	d.title, d.where, d.made = "xmppscope demo", addr+" → "+server.Addr(), true
	d.welcome, d.guide = setupText(addr, ca, resolver, d.saves)
	d.welcome = append([]string{"This is the demo: its client logs in to its server, through the real proxy (" + sc.Title + ").", ""}, d.welcome...)
	pace := time.Duration(0)
	if d.inspector() {
		pace = demoPace
	}
	return d.live.run(cmd.Context(), listener, proxy.Options{
		Resolver: resolver,
		TLS:      &tlsintercept.Config{CA: ca, Roots: server.Authority().Roots()},
	}, func(ctx context.Context) error {
		return demo.RunClient(ctx, sc, addr, ca.Pool(), pace)
	})
}

// teach plays the logins of the lessons, which the inspector asks about.
func (d *demoFlags) teach(ctx context.Context, ca *certs.CA) error {
	room, err := newClassroom()
	if err != nil {
		return err
	}
	defer room.close()
	listener, err := listen(d.listen)
	if err != nil {
		return err
	}
	addr := listener.Addr().String()
	say(os.Stderr, "listening on %s", addr)
	d.title, d.where, d.made, d.tasks = "xmppscope lessons", addr, true, room.tasks()
	d.welcome = []string{"Lessons: " + fmt.Sprint(len(room.lessons)) + " logins are being played."}
	return d.live.run(ctx, listener, proxy.Options{
		Resolver: room.resolver,
		TLS:      &tlsintercept.Config{CA: ca, Roots: room.roots},
	}, func(ctx context.Context) error { return room.play(ctx, addr, ca.Pool()) })
}

// openCA keeps the demo's CA in memory unless a folder is named.
func (d *demoFlags) openCA() (*certs.CA, error) {
	if d.ca.dir == "" {
		return certs.NewMemory()
	}
	return d.ca.open()
}
