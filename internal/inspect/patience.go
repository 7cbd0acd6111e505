package inspect

import (
	"cmp"
	"fmt"
	"time"

	"xmppscope/session"
)

// What is known of how long the two ends of a session wait, for who holds something of it back.

// limits are a server's own, as it comes: how long a login may take, a client may be silent,
// <r/> may go unanswered (XEP-0198). 0: that does not end anything.
type limits struct {
	login, silence, ack time.Duration
}

// serverLimits are those of the servers that were looked into: the options c2s_timeout and
// network_settings.read_timeout of Prosody 0.12, and negotiation_timeout and mod_stream_mgmt's
// ack_timeout of ejabberd 23.
var serverLimits = map[string]limits{
	"prosody":  {login: 5 * time.Minute, silence: 14 * time.Minute},
	"ejabberd": {login: 30 * time.Second, ack: time.Minute},
}

// openMax bounds the requests without an answer that are kept of a session.
const openMax = 64

// Pulse is what each side of a session was heard to say last, and what it waits for.
type Pulse struct {
	Software string           // of the server, one of session.ServerNames
	heard    [3]time.Time     // by direction: anything
	alive    [3]time.Time     // by direction: a keep-alive
	every    [3]time.Duration // by direction: what lay between the last two
	asked    [3]unanswered    // by direction: the oldest <r/> without an answer
	open     []request
}

type unanswered struct {
	seq uint64
	at  time.Time
}

type request struct {
	unanswered
	dir  session.Dir
	what string
}

// feel takes the next event.
func (p *Pulse) feel(e *session.Event) {
	if e.Dir == session.NoDir || !session.IsPlaintext(e.Body) {
		return
	}
	p.heard[e.Dir] = e.At
	switch e.Body.(type) {
	case session.StreamWhitespace:
		p.keptAlive(e)
	case session.StreamOpened:
		p.asked, p.open = [3]unanswered{}, nil
		if e.Dir == session.S2C {
			p.Software = cmp.Or(session.ServerByID(session.StartTag(e.Raw)["id"]), p.Software)
		}
	case session.StreamElement:
		p.element(e)
	}
}

func (p *Pulse) keptAlive(e *session.Event) {
	if last := p.alive[e.Dir]; !last.IsZero() {
		p.every[e.Dir] = e.At.Sub(last)
	}
	p.alive[e.Dir] = e.At
}

func (p *Pulse) element(e *session.Event) {
	switch back := e.Dir.Opposite(); e.Name {
	case "r":
		if p.asked[e.Dir].seq == 0 {
			p.asked[e.Dir] = unanswered{e.Seq, e.At}
		}
	case "a":
		p.asked[back] = unanswered{}
	case "iq":
		for i := range p.open {
			if p.open[i].seq == e.Answers {
				p.open = append(p.open[:i:i], p.open[i+1:]...)
				return
			}
		}
		c := session.ColumnsOf(e, true)
		if c.Payload == "urn:xmpp:ping" {
			p.keptAlive(e)
		}
		if (c.Type == "get" || c.Type == "set") && len(p.open) < openMax {
			p.open = append(p.open, request{unanswered{e.Seq, e.At}, e.Dir, c.Payload})
		}
	}
}

// Wait is something that a side of a session waits for while an element is held.
type Wait struct {
	Who  string // "client", "server"
	Text string // what for, and since when
	Then string // what it does at the end, "" if that is not known
	Left time.Duration
}

// Waits are what both sides wait for, while something is held in a direction.
func (c *Conversation) Waits(dir session.Dir, now time.Time) (out []Wait) {
	own, name := serverLimits[c.Software], session.ServerNames[c.Software]
	ago := func(at time.Time) string { return session.ShortTime(max(0, now.Sub(at)).Truncate(time.Second)) }
	add := func(who, format string, args ...any) *Wait {
		out = append(out, Wait{Who: who, Text: fmt.Sprintf(format, args...)})
		return &out[len(out)-1]
	}
	to := dir.Opposite().Sender() // who would get it
	ends := func(w *Wait, at time.Time, most time.Duration, does string) {
		if w.Who == "server" && most > 0 {
			w.Then, w.Left = name+" "+does, most-now.Sub(at)
		}
	}
	if c.In.IsZero() && c.Admitted.IsZero() {
		ends(add("server", "this login has been going on for %s", ago(c.Began)), c.Began, own.login, "ends it")
	}
	if last := c.Pulse.heard[dir]; !last.IsZero() {
		ends(add(to, "it has heard nothing for %s", ago(last)), last, own.silence, "asks whether the client is still there")
	}
	if a := c.asked[dir.Opposite()]; a.seq != 0 {
		ends(add(to, "its <r/> #%d has had no answer for %s", a.seq, ago(a.at)), a.at, own.ack, "ends the session")
	}
	for _, r := range c.open {
		if r.dir == dir.Opposite() { // its answer comes the way that is held up
			add(to, "its request #%d (%s) has had no answer for %s", r.seq, r.what, ago(r.at))
		}
	}
	for _, d := range []session.Dir{session.C2S, session.S2C} {
		if every := c.every[d]; every > 0 {
			add(d.Sender(), "it sends a keep-alive about every %s, the last one %s ago", session.ShortTime(every.Truncate(time.Second)), ago(c.alive[d]))
		}
	}
	return out
}
