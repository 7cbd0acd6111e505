// Package tale says how a session went in words that one could send to a colleague, and
// what was found wrong in it.
package tale

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"xmppscope/session"
)

// Brief is the overview of a session that may be one of thousands: of the ladder it keeps
// the newest rung, which tells how far the session has come.
type Brief struct{ session.Overview }

// Apply brings the overview up to date with the next event of its session.
func (b *Brief) Apply(e *session.Event) {
	b.Overview.Apply(e)
	if n := len(b.Steps); n > 0 {
		b.Steps[0] = b.Steps[n-1]
		b.Steps[0].Events = nil
		clear(b.Steps[1:])
		b.Steps = b.Steps[:1]
	}
}

// Tale is what is told of a session: the story, and what else a colleague would ask.
type Tale struct {
	Brief
	target string
	doubt  string // about the server's certificate
	failed bool   // a TLS handshake
	count  [session.Error + 1]int
	worst  Finding
}

// Add tells on with the next event of the session.
func (t *Tale) Add(e *session.Event) {
	blanked := session.Blank(*e)
	t.Apply(&blanked)
	switch b := e.Body.(type) {
	case session.TCPOpened:
		if !e.Beside {
			t.target = cmp.Or(b.Target, t.target)
		}
	case session.TLSFailed:
		t.failed = t.failed || !e.Beside
	case session.TLSEstablished:
		if !e.Beside && b.Verdict != nil && b.Verdict.Problem != "" {
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
			t.worst = FindingOf(&blanked, n)
		}
	}
}

// Write writes the lines; what is not known has none.
func (t *Tale) Write(w io.Writer) {
	domain := cmp.Or(t.Domain, "a server that is not known")
	say := func(format string, args ...any) { fmt.Fprintln(w, session.SafeLine(fmt.Sprintf(format, args...))) }
	who := cmp.Or(t.Who(), "someone") + " at " + domain
	if t.Component {
		who = "the component " + domain
	}
	say("%s, %s (session %d)", who, t.Began.Format(time.DateTime), t.ID)
	line := func(name, text string) {
		if text != "" {
			say("  %-9s %s", name, text)
		}
	}
	line("outcome", t.Outcome())
	line("verdict", t.Verdict)
	line("do", t.Advice)
	line("touched", strings.TrimPrefix(t.TouchedBy(), "touched "))
	line("between", t.between())
	line("TLS", t.secured())
	line("but", t.doubt)
	line("tried", strings.Join(t.Tries(), ", "))
	line("time", t.took())
	line("then", t.consequences())
	line("besides", t.besides())
}

func (t *Tale) between() string {
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

func (t *Tale) secured() string {
	client, server := t.TLS[session.ClientLeg], t.TLS[session.ServerLeg]
	switch {
	case client != "" && client == server:
		return client + " on both sides"
	case client != "" && server != "":
		return fmt.Sprintf("%s to the client, %s to the server", client, server)
	case client != "":
		return client
	case server != "":
		return server + " to the server, none to the client"
	case t.Server == "":
		return "none: no server was reached"
	case t.failed:
		return "none: its handshake failed"
	case t.Secured.IsZero() && t.State != session.Encrypted:
		return "none: everything was in the clear"
	}
	return ""
}

func (t *Tale) took() string {
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

func (t *Tale) consequences() string {
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

func (t *Tale) besides() string {
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
