package experiment

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"xmppscope/decode"
	"xmppscope/decode/facts"
	"xmppscope/session"
)

// Outcome is what a client did. It is filled by Add, with the explained events of all its
// sessions, and used by one goroutine.
type Outcome struct {
	Fired   time.Time // when something was done to it; zero if it did not come to it
	FiredIn int       // the session
	Exited  bool      // the client's program has ended
	Code    int       // its exit code; below 0 if a signal has ended it
	Now     time.Time // until when it was watched
	Over    bool      // what happens later is not the client's doing

	sessions []*visit
}

// visit is one session of the client's.
type visit struct {
	ID           int
	Began, Ended time.Time // zero while it is under way
	ClosedStream bool      // the client has ended its stream
	Answered     bool      // the client has answered the experiment's own question
	gathered     facts.Gatherer
	login        *facts.Login
	flags        []string // what its logins with SCRAM say of channel binding
}

// Connected is when the client said something first; zero if it has not.
func (o *Outcome) Connected() time.Time {
	for _, s := range o.sessions {
		if s.spoke() {
			return s.Began
		}
	}
	return time.Time{}
}

// Sessions is how many there were in which the client said something.
func (o *Outcome) Sessions() (n int) {
	for _, s := range o.sessions {
		if s.spoke() {
			n++
		}
	}
	return n
}

// question is the id of an experiment's own request.
const question = "xmppscope-try"

// Add takes the next event.
func (o *Outcome) Add(e *session.Event) {
	if e.Session == 0 || o.Over && e.At.After(o.Now) {
		return
	}
	at := slices.IndexFunc(o.sessions, func(s *visit) bool { return s.ID == e.Session })
	if at < 0 {
		o.sessions = append(o.sessions, &visit{ID: e.Session, Began: e.At})
		at = len(o.sessions) - 1
	}
	s := o.sessions[at]
	s.login = nil
	s.gathered.Add(e)
	switch e.Body.(type) {
	case session.TCPClosed:
		if e.Leg == session.ClientLeg && !e.Beside {
			s.Ended = e.At
		}
	case session.StreamClosed:
		s.ClosedStream = s.ClosedStream || e.Dir == session.C2S
	case session.StreamElement:
		if e.Dir == session.C2S && e.Name == "iq" && strings.Contains(string(e.Raw), question) {
			s.Answered = true
		}
		if flag, ok := e.Field("gs2-flag"); ok && e.Dir == session.C2S {
			s.flags = append(s.flags, flag)
		}
	}
}

// Login is what the session came to.
func (s *visit) Login() *facts.Login {
	if s.login == nil {
		l := s.gathered.Login()
		s.login = &l
	}
	return s.login
}

// spoke says whether the client said anything.
func (s *visit) spoke() bool { return len(s.Login().Rungs) > 0 }

// in says whether the client got in, by a new login or by taking up an earlier one.
func (s *visit) in() bool {
	return !s.Login().Bound.IsZero()
}

// hit is the session to which it was done, nil if it did not come to it.
func (o *Outcome) hit() *visit {
	for _, s := range o.sessions {
		if s.ID == o.FiredIn && !o.Fired.IsZero() {
			return s
		}
	}
	return nil
}

// later are the sessions in which the client came back.
func (o *Outcome) later() (out []*visit) {
	for _, s := range o.sessions {
		if !o.Fired.IsZero() && s.ID > o.FiredIn && s.spoke() {
			out = append(out, s)
		}
	}
	return out
}

// back is the session in which the client got in again, nil if there is none.
func (o *Outcome) back() *visit {
	for _, s := range o.later() {
		if s.in() {
			return s
		}
	}
	return nil
}

// attempts are the tries to log in since something was done, with those of the session to
// which it was.
func (o *Outcome) attempts() (out []facts.Attempt) {
	if s := o.hit(); s != nil {
		out = append(out, s.Login().Attempts...)
	}
	for _, s := range o.later() {
		out = append(out, s.Login().Attempts...)
	}
	return out
}

// leak says which login has sent a password, or the like, that anybody on the way could
// read; "" if none has.
func (o *Outcome) leak() string {
	for _, s := range o.sessions {
		for _, a := range s.Login().Attempts {
			if m := decode.MechanismOf(a.Mechanism); a.Phase == facts.InClear && (m.Sends != "" || a.Mechanism == decode.NSIQAuth) {
				return "with " + session.ShortLine(a.Mechanism) + " it sent the " + cmp.Or(m.Sends, "password") + " without TLS"
			}
		}
	}
	return ""
}

// Bounds of how soon a client may come back: so many times within so long is a storm.
const (
	storm     = 5
	stormTime = 5 * time.Second
)

// storms says whether the client came back again and again without a pause.
func (o *Outcome) storms() bool {
	later := o.later()
	for i := range later {
		if j := i + storm - 1; j < len(later) && later[j].Began.Sub(later[i].Began) < stormTime {
			return true
		}
	}
	return false
}

// settled is how long the client is watched when it has done what there was to do.
const settled = 500 * time.Millisecond

// Enough says whether there is nothing more to wait for.
func (o *Outcome) Enough(x *Experiment) bool {
	if o.Exited || o.storms() {
		return true
	}
	if o.Fired.IsZero() || x.Patient {
		return false
	}
	if s := o.back(); s != nil {
		return o.Now.Sub(s.Login().Bound) > settled
	}
	s := o.hit()
	return s != nil && s.in() && s.Login().Bound.After(o.Fired) && o.Now.Sub(s.Login().Bound) > settled
}
