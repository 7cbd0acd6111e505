package verdict

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

// succeeded sums up a login: who, how, how long, and what would have saved time.
func (c *scene) succeeded() []session.Note {
	if c.now.Event.Step == nil || strings.HasPrefix(c.now.Event.Step.ID, "dialback") {
		return c.proved()
	}
	what, who := "logged in", c.name()
	if c.Resumed {
		what = "took up an earlier session"
	}
	if who != "" {
		what += " as " + who
	}
	if c.Mechanism != "" {
		what += " by " + c.Mechanism
	}
	what += c.cost()
	severity := session.Info
	if c.state.InClear() && !c.Component { // XEP-0114 has no TLS
		severity = session.Warning
	}
	if f := c.state.TLS[session.ServerLeg]; f != nil && f.Verdict != nil && f.Verdict.Ignored {
		what += "; the server's certificate is no good, and only --insecure-upstream let it pass: " + f.Verdict.Problem
		severity = session.Warning
	}
	c.success, c.advice = what, c.savings()
	return []session.Note{verdictNote(severity, place{}, c.success, c.advice)}
}

// name is the JID that has logged in, as far as it is known.
func (c *scene) name() string {
	head := c.state.Header[session.C2S]
	switch {
	case c.JID == "" && c.now.Event.Step.ID == "iqauth-result" && c.User != "": // nobody tells it (XEP-0078 §3.1)
		return strings.TrimSuffix(c.Who()+"/"+c.Asked, "/")
	case c.Who() != "":
		return c.Who()
	case c.Servers && head != nil && head.From != "":
		return head.From
	case c.Resumed: // the domain alone is nobody
		return ""
	}
	return c.state.Domain()
}

// cost is what a login ran over, and what it took.
func (c *scene) cost() (what string) {
	if f := c.state.TLS[session.ClientLeg]; f != nil {
		what += " over " + f.Version
	} else if f := c.state.TLS[session.ServerLeg]; f != nil && c.target != "" {
		what += " over " + f.Version + " to the server, and IN THE CLEAR to the client,"
	} else if c.Component {
		what += " in the clear, as components do"
	} else if !c.state.Secure[session.ServerLeg] {
		what += " WITHOUT TLS"
	}
	if n := len(c.Attempts) - 1; n > 0 {
		what += fmt.Sprintf(" after %d refused", n)
	}
	return what + fmt.Sprintf(", in %s and %d round trips%s", session.ShortTime(c.now.Event.At.Sub(c.Began)), c.Trips, c.phases())
}

// phases splits the time, as far as its borders were seen.
func (c *scene) phases() string {
	var out []string
	for _, p := range c.Phases() {
		out = append(out, fmt.Sprintf("%s %s", p.Name, session.ShortTime(p.Took)))
	}
	if len(out) == 0 {
		return ""
	}
	return " (" + strings.Join(out, ", ") + ")"
}

// savings lists what would have made the login shorter.
func (c *scene) savings() string {
	var out []string
	if w := c.Slowest; w.Took >= slow {
		out = append(out, fmt.Sprintf("the %s was slow: it took %s to go on after #%d (%s)", w.By, session.ShortTime(w.Took), w.Seq, w.ID))
	}
	out = append(out, c.wasted()...)
	if c.upgraded {
		out = append(out, "direct TLS (XEP-0368) would save 2 round trips")
	}
	_, sasl2 := c.state.Mechanisms()
	if h := c.state.Header[session.C2S]; c.state.Secure[session.ClientLeg] && len(c.Attempts) > 0 && c.now.Event.Step.ID != "sasl2-success" {
		switch {
		case len(sasl2) > 0:
			out = append(out, "SASL2 with Bind 2 (XEP-0388, XEP-0386), which the server offers, would save 2 more")
		case h != nil && h.From == "":
			out = append(out, "SASL2 with Bind 2 would save 2 more; some servers offer it only to clients whose stream header has \"from\"")
		}
	}
	if c.session && !c.sessionSkipped() {
		out = append(out, "the session request (RFC 3921) does nothing on servers of today: leaving it out saves 1")
	}
	return strings.TrimPrefix(strings.Join(out, "; ")+c.suspicions(), "; ")
}

// suspicions are what this server is known to do without a word, where something is
// missing though the login worked.
func (c *scene) suspicions() (out string) {
	for _, s := range c.fitting() {
		out += suspicion(s.Why, s.Tell)
	}
	return out
}

// slow is how long a side may think without anybody asking why.
const slow = time.Second

// wasted is what refused attempts cost. A weaker mechanism that comes first would cost
// less, and is no advice to give.
func (c *scene) wasted() []string {
	n := len(c.Attempts) - 1
	if n <= 0 {
		return nil
	}
	trips := c.Attempts[n].Trips - c.Attempts[0].Trips
	if trips <= 0 {
		return nil
	}
	last := c.Attempts[n].Mechanism
	switch bound := func(a session.Attempt) bool { return decode.BindsChannel(a.Mechanism) }; {
	case c.intercepted() && all(c.Attempts[:n], bound):
		return []string{fmt.Sprintf("the refused attempts cost %d round trips, but only here: a binding to TLS cannot pass xmppscope", trips)}
	case strings.HasPrefix(strings.ToUpper(last), "SCRAM-") && all(c.Attempts[:n], func(a session.Attempt) bool { return !bound(a) }):
		return []string{fmt.Sprintf("beginning with %s would save %d round trips", last, trips)}
	}
	return []string{fmt.Sprintf("the refused attempts cost %d round trips: see why each of them was refused", trips)}
}

func all[T any](list []T, is func(T) bool) bool {
	return !slices.ContainsFunc(list, func(v T) bool { return !is(v) })
}
