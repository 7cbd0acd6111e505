// Package verdict says in one sentence how a login went: what failed, at which
// step, and what to do next; or how long it took and what would have saved time.
//
// It is one rule that speaks last and sees what the others said. Its note stands
// on the event that decides: the end of the login, or the end of the connection
// if there was none. A later verdict of a session replaces an earlier one.
//
// How far a login has come is told by its story (session.Story). Why it went wrong is told
// by causes: each family of them is a file (cause_*.go) that proposes what there is evidence
// for, and the best one is told.
package verdict

import (
	"fmt"

	"xmppscope/decode"
	"xmppscope/session"
)

// Rules is the one rule of this package; it has to come after all others.
func Rules() []decode.Rule {
	return []decode.Rule{{
		ID: session.RuleVerdict, Title: "Verdict", Ref: "RFC 6120 §1.4",
		New: func() decode.Explainer { return new(judge) },
	}}
}

// judge watches one session.
type judge struct {
	session.Story
	clues
	first   *finding // what was found at the first error, nil without one
	success string   // the verdict on a login that worked
	advice  string   // and what would save time
}

// finding is what happened when something went wrong, and why.
type finding struct {
	seq    uint64
	what   string
	step   *session.Step
	causes []Cause
}

// Explain watches every event, and speaks on the one that decides.
func (j *judge) Explain(s *decode.Seen) []session.Note {
	e := s.Event
	was := j.In
	j.Tell(e)
	j.look(s, &j.Story)
	c := &scene{judge: j, now: s, state: s.State}
	j.follow(c)
	switch b := e.Body.(type) {
	case session.RelayTimeout:
		return c.waiting(b)
	case session.TCPClosed:
		if e.Leg == session.ClientLeg {
			return c.closed()
		}
	}
	switch {
	case j.In.IsZero():
	case !was.Equal(j.In):
		return c.succeeded()
	case j.Cause != nil && j.Cause.Seq == e.Seq && e.Step != nil:
		return []session.Note{c.tell(session.Error, j.first.step, j.first.what, "", j.first.causes)}
	}
	return nil
}

// follow looks into the first error when it comes, and lets go of it when something good
// came after it.
func (j *judge) follow(c *scene) {
	if j.Cause == nil {
		j.first = nil
		return
	}
	if j.first == nil || j.first.seq != j.Cause.Seq {
		j.first = &finding{seq: j.Cause.Seq, step: c.now.Event.Step}
		if j.first.step == nil {
			j.first.step = j.last.step
		}
		j.first.what = c.account()
		j.first.causes = c.causes()
	}
}

// closed is the last word: on a login that never was, or on nothing new.
func (c *scene) closed() []session.Note {
	switch {
	case c.locked && c.In.IsZero() && c.Cause == nil:
		return []session.Note{verdictNote(session.Notice, nil, "the login runs inside TLS, which could not be decrypted here", c.unlock)}
	case c.Cause != nil && !c.In.IsZero(): // it has been said
		return nil
	case !c.In.IsZero():
		return c.afterwards()
	case c.Cause == nil:
		return nil // a recording that begins in the middle
	}
	return []session.Note{c.tell(session.Error, c.first.step, c.first.what, c.ending(), c.first.causes)}
}

// verdictNote makes the note.
func verdictNote(severity session.Severity, step *session.Step, what, next string) session.Note {
	if step != nil {
		what = fmt.Sprintf("at step %d (%s) %s", step.N, step.ID, what)
	}
	return session.Note{Severity: severity, Name: session.FieldVerdict, Value: what, Text: next}
}

// waiting notes that one side keeps the other waiting. It is a verdict of its
// own: a connection may hang like that for hours.
func (c *scene) waiting(b session.RelayTimeout) []session.Note {
	if !c.In.IsZero() {
		return nil
	}
	what := fmt.Sprintf("%s, for %s and more", b.Waiting, decode.Since(b.After))
	return []session.Note{c.tell(session.Warning, c.last.step, what, "", c.causes())}
}
