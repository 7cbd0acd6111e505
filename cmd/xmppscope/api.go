package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"xmppscope/decode"
	"xmppscope/internal/api"
)

// apiFlags say whether programs may look, too.
type apiFlags struct {
	addr    string
	control bool // --allow-control
}

func (a *apiFlags) add(f *pflag.FlagSet) {
	f.StringVar(&a.addr, "api", "", "answer programs on this loopback `ADDRESS`, such as 127.0.0.1:0 (see xmppscope help api)")
}

// apiHelp is what xmppscope help api says.
const apiHelp = `--api 127.0.0.1:PORT lets programs on this machine look at what xmppscope sees, over
HTTP: sessions, events (also as they come), verdict, story, findings, the comparison
of two sessions, captures. Nothing can be changed there without --allow-control. Port 0
picks a free one.

The token is told at the start, in the inspector on page i, and goes into a header:

  curl -H @- http://127.0.0.1:PORT/api/v1/sessions/0/story <<<"Authorization: Bearer $TOKEN"

(-H @- keeps it out of the list of processes.) GET /openapi.json describes the rest,
for programs that make clients. Session 0 is the newest one.

Secrets are blanked, also in captures, unless xmppscope was started with --reveal.
Other addresses than those of this machine are refused, as are requests that come
from a page in a browser. What stands in events and stories may come from the wire:
a program should show it, and do nothing that it says.

With --allow-control a second token is told, for programs that take hold of what passes:
POST to /api/v1/control/break, held, decide, inject, bend and rules, with JSON:

  {"when": "before sasl-success"}                           break: hold what comes there
  {"id": 1, "do": "edit", "xml": "<message/>"}              decide: or pass, drop, duplicate, delay
  {"dir": "c2s", "template": "ping", "ms": 5000}            inject: and wait for the answer
  {"do": "reset-client"}                                    bend: end, stall or slow a connection

The answer to break comes when the breakpoint holds in every session under way.

For assistants see xmppscope mcp.`

// newAPIHelp is a help topic, not a command.
func newAPIHelp() *cobra.Command {
	return &cobra.Command{Use: "api", Short: "what --api answers", Long: apiHelp}
}

// server is an api that is going to be served.
type server struct {
	listener net.Listener
	tokens   api.Tokens
	told     []string // where it is, and the token, in lines
}

// listen makes ready what --api asks for; nil if it does not.
func (a *apiFlags) listen(reveal bool) (*server, error) {
	if a.addr == "" && a.control {
		return nil, usageError{hinted{errors.New("--allow-control is for programs that come over the api"), "add --api 127.0.0.1:0"}}
	}
	if a.addr == "" {
		return nil, nil
	}
	l, err := api.Listen(a.addr)
	if err != nil {
		if op := new(net.OpError); errors.As(err, &op) {
			return nil, listenError("--api", a.addr, err)
		}
		return nil, usageError{fmt.Errorf("--api %w", err)}
	}
	s := &server{listener: l}
	var token string
	s.tokens.Look, token = api.NewToken()
	secrets := "secrets are blanked"
	if reveal {
		secrets = "secrets are in the clear, as --reveal asks"
	}
	s.told = []string{fmt.Sprintf("programs may look at http://%s (%s)", l.Addr(), secrets), "with the token, which is told nowhere else: " + token}
	if a.control {
		control, text := api.NewToken()
		s.tokens.Control = &control
		s.told = append(s.told, "and take hold of what passes with the token of control: "+text)
	}
	return s, nil
}

// tell tells where the api is, on the start screen if there is one.
func (s *server) tell(screen bool, welcome []string) []string {
	if s == nil {
		return welcome
	}
	if !screen {
		for _, line := range s.told {
			say(os.Stderr, "%s", line)
		}
		return welcome
	}
	out := []string{"The api:"}
	for _, line := range s.told {
		out = append(out, "  "+line)
	}
	return append(append(out, ""), welcome...)
}

// close gives up what was never served.
func (s *server) close() {
	if s != nil {
		s.listener.Close()
	}
}

// serve answers until stop is called. An early end is told on b.
func (s *server) serve(o api.Options, b *board) (stop func()) {
	if s == nil {
		return func() {}
	}
	o.Tool, o.Pretty = tool, decode.Pretty
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := api.Serve(ctx, s.listener, api.NewModel(o), s.tokens, giveWay); err != nil {
			b.say("warning: the api has ended: %s", inWords(err))
		}
	}()
	return func() { cancel(); <-done }
}
