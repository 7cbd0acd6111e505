package verdict

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	propose("12 stream management", miscounted)
	propose("15 resumption", notBoundAnew)
	propose("15 requests of the server", notAnswered)
	propose("15 answers that nobody waits for", answeredAstray)
}

// notBoundAnew is about a client that gives up when its session cannot be resumed.
func notBoundAnew(c *scene) []Cause {
	if c.silentEnd() && c.management == managementRefused && c.last.name == "failed" && !c.Admitted.IsZero() && c.In.IsZero() {
		return []Cause{{ID: "managed-too-early", Guilty: Client, Weight: Shown, Evidence: []Evidence{{Seq: c.asking.seq}},
			What:   fmt.Sprintf("the client asked for stream management before it had bound a resource, and the server refused that (%s); then %s left", cmp.Or(c.seldom().denied, "no reason is given"), c.ended().by),
			Advice: "let the client bind a resource first, and then send <enable/> (XEP-0198 §3)"}}
	}
	if !c.silentEnd() || c.management != resumeRefused || c.last.name != "failed" || !c.ended().client {
		return nil
	}
	return []Cause{{ID: "not-bound-anew", Guilty: Client, Weight: Shown, Evidence: []Evidence{{Seq: c.last.seq}},
		What:   fmt.Sprintf("the session that the client wanted to resume is gone (%s), and the client left, where it had to bind a resource and begin a new session on the same stream (XEP-0198 §5)", cmp.Or(c.seldom().denied, "no reason is given")),
		Advice: "let the client go on with a bind request after <failed/>, and forget the old session's id; what it had not got acknowledged may be lost"}}
}

// answeredAstray is about a server that answers a request with an id that it did not have.
func answeredAstray(c *scene) []Cause {
	if !c.silentEnd() || c.seldom().stray.seq == 0 || c.seldom().stray.seq != c.last.seq {
		return nil
	}
	for _, q := range c.state.Waiting(session.C2S) {
		if q.Payload.Space != c.last.space {
			continue
		}
		return []Cause{{ID: "answer-astray", Guilty: Server, Weight: Shown, Evidence: []Evidence{{Seq: c.seldom().stray.seq}},
			Text:   fmt.Sprintf("the server's answer (#%d) bears the id %s, and the client's request with %q (#%d) has the id %s: so it is no answer to that, and the client waits for one", c.seldom().stray.seq, quote(c.seldom().stray.id), q.Payload.Space, q.Seq, quote(q.ID)),
			Advice: "mend the server: an answer bears the id of its request (RFC 6120 §8.2.3)"}}
	}
	return nil
}

// notAnswered is about a client that the server gave up, as it had no answer to a request
// of the server's: a ping (XEP-0199), mostly.
func notAnswered(c *scene) []Cause {
	r := c.Cause
	if r == nil || r.Kind != "stream-error" || r.By != "server" || r.Condition != "connection-timeout" && !strings.Contains(strings.ToLower(r.Text), "ping") {
		return nil
	}
	for _, q := range c.state.Waiting(session.S2C) {
		if q.Payload.Space == "" {
			continue
		}
		return []Cause{{ID: "request-unanswered", Guilty: Client, Weight: Shown, Evidence: []Evidence{{Seq: q.Seq}},
			Text:   fmt.Sprintf("the server had asked the client with %q (#%d), and had no answer for %s", q.Payload.Space, q.Seq, session.ShortTime(c.now.Event.At.Sub(q.At))),
			Advice: "let the client answer each iq of the types get and set, if only with an error (RFC 6120 §8.2.3); if it was cut off or asleep then, that is why"}}
	}
	return nil
}

// miscounted is about counts of stream management (XEP-0198) that a side complains of.
func miscounted(c *scene) []Cause {
	r := c.Cause
	if r == nil || r.Kind != "stream-error" || !c.aboutCounts() {
		return nil
	}
	complains, blamed := sides(r)
	h := c.told[blamed]
	if h == "" || unanswered.MatchString(r.Text) {
		return nil // it is about acknowledgements that did not come
	}
	cause := Cause{ID: "sm-count", Guilty: Side(blamed.Sender()), Weight: Shown, Evidence: []Evidence{{Seq: r.Seq}},
		Advice: fmt.Sprintf("look at how the %s counts: each <message>, <presence> and <iq> from <enable/> or <enabled/> on, and nothing else (XEP-0198 §4)", blamed.Sender())}
	sent, known := c.sent(complains, r)
	switch n, err := strconv.ParseUint(h, 10, 32); {
	case err != nil:
		cause.Text = fmt.Sprintf("the %s complains of the %s's count of stanzas (XEP-0198), which was %q", complains.Sender(), blamed.Sender(), h)
	case !known:
		cause.Text = fmt.Sprintf("the %s has acknowledged %s (h), and what the %s has sent is not known here as a whole", blamed.Sender(), session.Plural(int(n), "stanza"), complains.Sender())
	case n > sent:
		cause.Text = fmt.Sprintf("the %s has acknowledged %s (h), and the %s has sent only %d: the %s miscounts", blamed.Sender(), session.Plural(int(n), "stanza"), complains.Sender(), sent, blamed.Sender())
	default:
		cause.Guilty = Side(complains.Sender())
		cause.Text = fmt.Sprintf("the %s has acknowledged %s (h), and the %s has sent %d since stream management was on: the %s complains without reason, it is the one that miscounts", blamed.Sender(), session.Plural(int(n), "stanza"), complains.Sender(), sent, complains.Sender())
		cause.Advice = fmt.Sprintf("look at how the %s counts what it sends: each <message>, <presence> and <iq> since it turned stream management on, and nothing else (XEP-0198 §4)", complains.Sender())
	}
	if blamed == session.S2C && h != "" && h == c.told[session.C2S] {
		cause.Text += fmt.Sprintf("; %s is the number that the client itself has told: the server gives back the count of the wrong direction", h)
	}
	cause.Text += c.lost()
	return []Cause{cause}
}

var unanswered = about(`unacked|unacknowledged stanza|too many`)

// aboutCounts says whether an error is about the counts.
func (c *scene) aboutCounts() bool {
	if c.now.Root != nil && c.now.Root.Name.Local == "error" {
		for child := range c.now.Root.Elements() {
			if child.Name.Space == decode.NSSM3 || child.Name.Space == decode.NSSM2 {
				return true
			}
		}
	}
	return aboutAcks.MatchString(c.Cause.Text)
}

// sides are who complains, and of whom.
func sides(r *session.Refusal) (complains, blamed session.Dir) {
	if r.By == "client" {
		return session.C2S, session.S2C
	}
	return session.S2C, session.C2S
}

// sent is how many stanzas a side has sent, as it says itself with the error, or as they
// were counted.
func (c *scene) sent(dir session.Dir, r *session.Refusal) (n uint64, known bool) {
	if c.now.Root != nil {
		for child := range c.now.Root.Elements() {
			if v, err := strconv.ParseUint(child.Attr("send-count"), 10, 32); err == nil {
				return v, true
			}
		}
	}
	a := c.state.Acks
	if a == nil || !a.Known(dir) {
		return 0, false
	}
	return uint64(a.Sent[dir]), true
}

// lost is what stands in the queues, which a resume sends again and a new session loses.
func (c *scene) lost() string {
	a := c.state.Acks
	if a == nil {
		return ""
	}
	var out []string
	for _, dir := range []session.Dir{session.C2S, session.S2C} {
		if n := a.Unacked(dir); a.Known(dir) && n > 0 && n < 1<<31 {
			out = append(out, fmt.Sprintf("%s of the %s", session.Plural(int(n), "stanza"), dir.Sender()))
		}
	}
	if len(out) == 0 {
		return ""
	}
	return "; not acknowledged, and lost unless the session is resumed: " + strings.Join(out, ", ")
}
