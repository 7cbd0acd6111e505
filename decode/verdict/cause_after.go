package verdict

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

// afterwards is the last word on a login that worked, where something is wrong with what
// came after it: a request that was never answered, a step that was left out.
func (c *scene) afterwards() []session.Note {
	if c.state.Joined || c.Servers {
		return nil
	}
	waiting := c.leftOpen()
	if waiting == nil {
		return c.missing()
	}
	what := fmt.Sprintf("%s; but %s was never answered", c.success, waiting.what)
	next := c.advice
	if c.sessionSkipped() && !c.session {
		what += ": the server requires the session request of RFC 3921 (its <session/> is not optional), and the client has left it out"
		next = "let the client ask for a session after it has bound its resource"
	} else {
		what += fmt.Sprintf(", for %s: what depends on it may hang in the client", session.ShortTime(waiting.since))
		next = strings.TrimPrefix(next+"; look into the server's log: it has got the request", "; ")
	}
	return []session.Note{verdictNote(session.Warning, place{}, what, next)}
}

// missing is about what came without a word after the login: an end, and what was asked for
// and is not there.
func (c *scene) missing() []session.Note {
	for _, s := range c.fitting() {
		switch {
		case slices.Contains(s.When, "cut"):
			what := fmt.Sprintf("%s; then the server cut the connection without a word, %s after it had asked for an acknowledgement: %s", c.success, c.ended().after, s.Why)
			return []session.Note{verdictNote(session.Notice, place{}, what, s.Tell)}
		case !strings.Contains(c.advice, s.Why): // it was not known when the login was done
			return []session.Note{verdictNote(session.Info, place{}, c.success, strings.TrimPrefix(c.advice+suspicion(s.Why, s.Tell), "; "))}
		}
	}
	return nil
}

// lack is a request of the client that its own server has never answered.
type lack struct {
	what  string
	since time.Duration
}

func (c *scene) leftOpen() *lack {
	st := c.state
	for _, q := range st.Waiting(session.C2S) {
		bare := session.BareJID(st.JID)
		if own := q.To == "" || strings.EqualFold(q.To, st.Domain()) || q.To == bare; !own {
			continue
		}
		since := c.now.Event.At.Sub(q.At)
		if since < decode.AnswerPatience {
			continue
		}
		what := "an iq"
		if q.Payload.Space != "" {
			what = fmt.Sprintf("the client's request with %q", q.Payload.Space)
		}
		return &lack{fmt.Sprintf("%s (#%d)", what, q.Seq), since}
	}
	return nil
}

// sessionSkipped says whether the server insists on the session request.
func (c *scene) sessionSkipped() bool {
	f := c.state.Features()
	if f == nil {
		return false
	}
	el := f.Child(decode.NSSession, "session")
	return el != nil && el.Child("", "optional") == nil && el.Child(decode.NSSession, "optional") == nil
}
