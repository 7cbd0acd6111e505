package experiment

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

// Of says how an experiment went: what is true of all of them first, then what it is about.
func (x *Experiment) Of(o *Outcome) Result {
	switch leak := o.leak(); {
	case leak != "":
		return result(Bad, "%s", leak)
	case len(o.sessions) == 0 || !o.sessions[0].spoke():
		return result(NoUse, "the client has not connected%s", o.end())
	case o.Fired.IsZero():
		return result(NoUse, "it did not come to it: %s%s", cmp.Or(o.failed(), x.Needs), o.end())
	}
	r := x.Judge(o)
	if o.Exited && o.Code < 0 {
		r.Grade = Bad
	}
	if o.storms() {
		r.Why += fmt.Sprintf("; and it came back %d times without a pause", len(o.later()))
		if r.Grade == Good {
			r.Grade = Weak
		} else {
			r.Grade = Bad
		}
	}
	return r
}

// failed is the verdict on a login that failed by itself, "" if none did.
func (o *Outcome) failed() string {
	for _, s := range o.sessions {
		if l := s.Login(); l.State == session.Failed {
			return l.Verdict
		}
	}
	return ""
}

// end says how the client's program ended, "" while it runs.
func (o *Outcome) end() string {
	if !o.Exited {
		return ""
	}
	if o.Code < 0 {
		return "; it was ended by a signal"
	}
	return fmt.Sprintf("; it ended with exit code %d", o.Code)
}

// after is how long after the experiment something was.
func (o *Outcome) after(at time.Time) string { return session.ShortTime(at.Sub(o.Fired)) }

// watched is how long the client was watched then.
func (o *Outcome) watched() string { return session.ShortTime(o.Now.Sub(o.Fired)) }

// comesBack is for what a client should get over by itself.
func comesBack(o *Outcome) Result {
	back := o.back()
	switch {
	case back != nil && back.Login().Resumed:
		return result(Good, "it came back after %s and took up its session", o.after(back.Began))
	case back != nil:
		return result(Good, "it came back after %s and logged in", o.after(back.Began))
	case len(o.later()) > 0:
		return result(Weak, "it came back after %s, and did not get in%s", o.after(o.later()[0].Began), o.end())
	case o.Exited:
		return result(Weak, "it gave up%s", o.end())
	}
	return result(Weak, "it did not come back within %s", o.watched())
}

// staysAway is for what a client must not answer by trying again.
func staysAway(o *Outcome) Result {
	later := o.later()
	switch {
	case len(later) > 0:
		return result(Bad, "it came back after %s, %s", o.after(later[0].Began), times(len(later)))
	case o.Exited:
		return result(Good, "it did not come back%s", o.end())
	}
	return result(Good, "it did not come back within %s", o.watched())
}

// haste is how soon a client comes back that has not paused.
const haste = time.Second

// backsOff is for what a client may try again, but not at once.
func backsOff(o *Outcome) Result {
	switch later := o.later(); {
	case len(later) == 0 && o.Exited:
		return result(Good, "it did not come back%s", o.end())
	case len(later) == 0:
		return result(Good, "it did not come back within %s", o.watched())
	case later[0].Began.Sub(o.Fired) < haste:
		return result(Weak, "it came back at once, after %s", o.after(later[0].Began))
	case len(later) > 1:
		return result(Weak, "it came back %s within %s, the first time after %s", times(len(later)), o.watched(), o.after(later[0].Began))
	default:
		return result(Good, "it came back once, after %s", o.after(later[0].Began))
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// logsIn is for what only takes longer, or comes in another shape.
func logsIn(o *Outcome) Result {
	s := o.hit()
	back := o.back()
	switch {
	case s.in():
		return result(Good, "it logged in, %s after it began", session.ShortTime(s.Login().Bound.Sub(s.Began)))
	case back != nil:
		return result(Weak, "it gave up after %s, came back and logged in", session.ShortTime(s.Ended.Sub(s.Began)))
	case s.refused():
		return result(NoUse, "it did not come to it: %s%s", s.Login().Verdict, o.end())
	case !s.Ended.IsZero():
		return result(Bad, "it gave up after %s%s", session.ShortTime(s.Ended.Sub(s.Began)), o.end())
	case o.Exited:
		return result(Bad, "it gave up%s", o.end())
	}
	return result(Bad, "it did not log in within %s", o.watched())
}

// refused says whether the server would have this login under no circumstances: another
// domain, or another password.
func (s *visit) refused() bool {
	c := s.Login().Cause
	return c != nil && slices.Contains([]string{"host-unknown", "host-gone", "not-authorized", "account-disabled"}, c.Condition)
}

// strength ranks mechanisms by what a server learns by them: more is better for the client.
func strength(mechanism string) int {
	m := decode.MechanismOf(mechanism)
	switch {
	case m.Sends != "":
		return 0
	case m.Historic != "":
		return 1
	}
	return 2
}

// hashOf ranks mechanisms of SCRAM by their hash (RFC 7677); 0 is none.
func hashOf(mechanism string) int {
	name, is := strings.CutPrefix(strings.ToUpper(mechanism), "SCRAM-SHA")
	if !is {
		return 0
	}
	n, _ := strconv.Atoi(strings.TrimPrefix(strings.TrimSuffix(strings.TrimPrefix(name, "3"), "-PLUS"), "-"))
	return n // that of SHA-1 is the smallest
}

// smallerHash says that the client went on with a weaker hash than it had chosen first, "" if it
// did not.
func (o *Outcome) smallerHash() string {
	all := o.attempts()
	for i := 1; i < len(all); i++ {
		if was, is := hashOf(all[0].Mechanism), hashOf(all[i].Mechanism); is > 0 && is < was {
			return fmt.Sprintf("with %s after %s: whoever refuses a login once has it take the weaker hash", session.ShortLine(all[i].Mechanism), session.ShortLine(all[0].Mechanism))
		}
	}
	return ""
}

// fellBack says that the client went on with a weaker mechanism than it had chosen first, ""
// if it did not.
func (o *Outcome) fellBack() string {
	all := o.attempts()
	for i := 1; i < len(all); i++ {
		if strength(all[i].Mechanism) < strength(all[0].Mechanism) {
			return fmt.Sprintf("it went on with %s after %s, without asking", session.ShortLine(all[i].Mechanism), session.ShortLine(all[0].Mechanism))
		}
	}
	return ""
}
