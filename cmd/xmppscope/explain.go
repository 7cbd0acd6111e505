package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"xmppscope/session"
)

// explainFlags say which sessions are told of.
type explainFlags struct {
	in inputFlags
}

func newExplain() *cobra.Command {
	o := new(explainFlags)
	cmd := &cobra.Command{
		Use: "explain FILE…", Short: "say in ten lines how a login went, and why", Args: someFiles,
		Long: `Says of each session in a capture, in ten lines that one could send to a colleague:
who logged in where, how it went, why, what to do next, what was tried, and how long
it took. Secrets are not in it.

All formats that print and open read are read.`,
		Example: "  xmppscope explain login.pcapng\n  xmppscope explain --keylog keys.txt wire.pcap",
		RunE:    func(cmd *cobra.Command, args []string) error { return explain(cmd, o, args) },
	}
	o.in.add(cmd.Flags())
	return cmd
}

func explain(cmd *cobra.Command, o *explainFlags, files []string) (err error) {
	out := bufio.NewWriter(os.Stdout)
	defer func() { err = errors.Join(err, out.Flush()) }()
	told := map[int]*tale{}
	failed := o.in.read(cmd.Context(), files, func(e session.Event) error {
		if e.Session == 0 {
			return nil
		}
		t := told[e.Session]
		if t == nil {
			t = new(tale)
			told[e.Session] = t
		}
		t.add(&e)
		return nil
	})
	for i, id := range slices.Sorted(maps.Keys(told)) {
		if i > 0 {
			fmt.Fprintln(out)
		}
		told[id].write(out)
	}
	if failed == nil {
		return nil
	}
	return unreadable(stopped(failed, "what came before it is told"))
}

// tale is what is told of a session: the story, and what else a colleague would ask.
type tale struct {
	checked
	target string
	doubt  string // about the server's certificate
	count  [session.Error + 1]int
	worst  finding
}

func (t *tale) add(e *session.Event) {
	blanked := session.Blank(*e)
	t.apply(&blanked)
	switch b := e.Body.(type) {
	case session.TCPOpened:
		t.target = cmp.Or(b.Target, t.target)
	case session.TLSEstablished:
		if b.Verdict != nil && b.Verdict.Problem != "" {
			t.doubt = b.Verdict.Problem
		}
	}
	for i := range blanked.Notes {
		n := &blanked.Notes[i]
		if n.Rule == session.RuleVerdict || n.Severity == session.Info {
			continue
		}
		t.count[n.Severity]++
		if n.Severity > t.worst.Severity {
			t.worst = findingOf(&blanked, n)
		}
	}
}

// write writes the lines; what is not known has none.
func (t *tale) write(w io.Writer) {
	domain := cmp.Or(t.Domain, "a server that is not known")
	say(w, "%s at %s, %s (session %d)", cmp.Or(t.Who(), "someone"), domain, t.Began.Format(time.DateTime), t.ID)
	line := func(name, text string) {
		if text != "" {
			say(w, "  %-9s %s", name, text)
		}
	}
	line("outcome", t.Outcome())
	line("verdict", t.Verdict)
	line("do", t.Advice)
	line("between", t.between())
	line("TLS", t.secured())
	line("but", t.doubt)
	line("tried", strings.Join(t.Tries(), ", "))
	line("time", t.took())
	line("then", t.consequences())
	line("besides", t.besides())
}

func (t *tale) between() string {
	server := t.Server
	if t.target != "" && t.target != server {
		server = fmt.Sprintf("%s (%s)", t.target, server)
	}
	switch {
	case t.Client == "" || server == "":
		return ""
	case t.Captured:
		return fmt.Sprintf("the client %s and the server %s, from a capture of their wire", t.Client, server)
	}
	return fmt.Sprintf("the client %s and the server %s, with xmppscope in between", t.Client, server)
}

func (t *tale) secured() string {
	client, server := t.TLS[session.ClientLeg], t.TLS[session.ServerLeg]
	switch {
	case client == "" && server == "":
		if t.Secured.IsZero() && t.State != session.Encrypted {
			return "none: everything was in the clear"
		}
		return ""
	case server == "":
		return client
	case client == "":
		return server + " to the server, none to the client"
	case client == server:
		return client + " on both sides"
	}
	return fmt.Sprintf("%s to the client, %s to the server", client, server)
}

func (t *tale) took() string {
	end, until := t.In, "until the login was complete"
	if end.IsZero() {
		end, until = t.Last, "until the end"
	}
	out := fmt.Sprintf("%s %s, %s", session.ShortTime(end.Sub(t.Began)), until, session.Plural(t.Trips, "round trip"))
	var parts []string
	for _, p := range t.Phases() {
		parts = append(parts, p.Name+" "+session.ShortTime(p.Took))
	}
	if len(parts) > 0 {
		out += ": " + strings.Join(parts, ", ")
	}
	if w := t.Slowest; w.Took > 0 && w.ID != "" {
		out += fmt.Sprintf("; the longest wait, %s, was for the %s after #%d (%s)", session.ShortTime(w.Took), w.By, w.Seq, w.ID)
	}
	return out
}

func (t *tale) consequences() string {
	var out []string
	for i := range t.Then {
		r := &t.Then[i]
		what := cmp.Or(r.Condition, r.Kind)
		if r.Text != "" {
			what += fmt.Sprintf(" (%q)", r.Text)
		}
		out = append(out, fmt.Sprintf("%s by the %s", what, r.By))
	}
	return strings.Join(out, ", ")
}

func (t *tale) besides() string {
	var out []string
	for sev := session.Error; sev > session.Info; sev-- {
		if n := t.count[sev]; n > 0 {
			out = append(out, session.Plural(n, sev.String()))
		}
	}
	if len(out) == 0 {
		return ""
	}
	return fmt.Sprintf("%s; the first of the worst, %s at #%d: %s", strings.Join(out, ", "), t.worst.Rule, t.worst.Seq, t.worst.Text)
}
