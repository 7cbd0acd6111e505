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
	"slices"

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
	place
	seq    uint64 // of the error
	what   string
	causes []Cause
}

// Explain watches every event, and speaks on the one that decides. On most there is nothing
// to look into: they cost next to nothing. Where somebody has taken hold of the session that
// is part of the verdict.
func (j *judge) Explain(s *decode.Seen) []session.Note {
	notes := j.judge(s)
	if touched := j.TouchedBy(); touched != "" && touched != "touched by "+session.ByRebind {
		for i := range notes {
			notes[i].Value += "; this session was " + touched
		}
	}
	return notes
}

func (j *judge) judge(s *decode.Seen) []session.Note {
	was := j.In
	j.Tell(s.Event)
	j.look(s, &j.Story)
	failed := j.Cause != nil && (j.first == nil || j.first.seq != j.Cause.Seq)
	if j.Cause == nil {
		j.first = nil // something good came after it
	}
	switch b := s.Event.Body.(type) {
	case session.RelayTimeout:
		return j.scene(s).waiting(b)
	case session.TCPClosed:
		if s.Event.Leg == session.ClientLeg {
			if failed {
				j.scene(s).examine()
			}
			return j.scene(s).closed()
		}
	}
	switch {
	case failed:
		c := j.scene(s)
		if c.examine(); !j.In.IsZero() {
			return []session.Note{c.tell(session.Error, j.first.place, j.first.what, "", j.first.causes)}
		}
	case !was.Equal(j.In):
		return j.scene(s).succeeded()
	}
	return nil
}

func (j *judge) scene(s *decode.Seen) *scene { return &scene{judge: j, now: s, state: s.State} }

// examine looks into the first error when it comes.
func (c *scene) examine() {
	c.first = &finding{seq: c.Cause.Seq, place: place{c.now.Event.Seq, c.now.Event.Step}}
	if c.first.step == nil {
		c.first.place = place{c.last.seq, c.last.step}
	}
	c.first.what = c.account()
	c.first.causes = c.causes()
}

// closed is the last word: on a login that never was, or on nothing new.
func (c *scene) closed() []session.Note {
	switch {
	case c.locked && c.In.IsZero() && c.Cause == nil:
		return []session.Note{verdictNote(session.Notice, place{}, "the login runs inside TLS, which could not be decrypted here", c.unlock)}
	case c.Cause != nil && !c.In.IsZero(): // it has been said
		return nil
	case !c.In.IsZero():
		return c.afterwards()
	case c.Cause == nil:
		return nil // a recording that begins in the middle
	}
	causes := slices.DeleteFunc(c.first.causes, func(cause Cause) bool { return cause.Weight == Suspected })
	return []session.Note{c.tell(session.Error, c.first.place, c.first.what, c.ending(), append(causes, suspected(c)...))} // the end may give more to suspect
}

// place is the event that a verdict is about; without a step it is about the session.
type place struct {
	seq  uint64
	step *session.Step
}

// verdictNote makes the note.
func verdictNote(severity session.Severity, at place, what, next string) session.Note {
	return because(severity, at, what, "", next)
}

// because makes the note of what happened, and why.
func because(severity session.Severity, at place, what, why, next string) session.Note {
	v := session.Verdict{What: what, Why: why}
	if at.step != nil {
		v.Seq, v.Step = at.seq, at.step.ID
	}
	return session.Note{Severity: severity, Name: session.FieldVerdict, Value: v.String(), Text: next}
}

// waiting notes that one side keeps the other waiting. It is a verdict of its
// own: a connection may hang like that for hours.
func (c *scene) waiting(b session.RelayTimeout) []session.Note {
	if !c.In.IsZero() {
		return nil
	}
	what := fmt.Sprintf("%s, for %s and more", b.Waiting, session.ShortTime(b.After))
	return []session.Note{c.tell(session.Warning, place{c.last.seq, c.last.step}, what, "", c.causes())}
}
