package core

import (
	"slices"
	"strconv"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// Bounds on what is remembered of answers.
const (
	maxAnswers = 1000
)

// answerKey is the direction and id of an answer; answer says what was answered.
type (
	answerKey struct {
		dir session.Dir
		id  string
	}
	answer struct {
		from, to string
		failed   bool // it is an error, else a result
		again    bool // it answers an answer, and has been said to
	}
)

func (a answer) kind() string {
	if a.failed {
		return "error"
	}
	return "result"
}

// kept is an answer to be remembered, without the bytes that it came in. Its
// addresses are mostly known.
func (a answer) kept(known ...string) answer {
	a.from, a.to = decode.Keep(a.from, known...), decode.Keep(a.to, known...)
	return a
}

// ask takes a get or set: an id may be used again.
func (r *requests) ask(s *decode.Seen) {
	delete(r.answered, answerKey{s.Event.Dir.Opposite(), s.Root.Attr("id")})
}

// answer takes a result or error. If no request fits, it may be a second answer
// (Q05), or one to an answer (Q06, Q10); then it says so.
func (r *requests) answer(s *decode.Seen, typ string) (session.Note, bool) {
	id := s.Root.Attr("id")
	now := answer{failed: typ == "error", from: s.Root.Attr("from"), to: s.Root.Attr("to")}
	key := answerKey{s.Event.Dir, id}
	if s.Request != nil {
		r.remember(s, key, now)
		return session.Note{}, false
	}
	before, twice := r.answered[key]
	other, crossed := r.answered[answerKey{s.Event.Dir.Opposite(), id}]
	who := s.Event.Dir.Sender()
	switch {
	case id == "": // Q01 has spoken
	case crossed && !other.again && fits(other, now):
		now.again = true
		r.remember(s, key, now)
		if now.failed && other.failed {
			return decode.Breach("Q10", s.Root.Tag, "the %s answers the error %q with an error; errors are never answered", who, id), true
		}
		return decode.Breach("Q06", s.Root.Tag, "the %s answers the %s %q, which is an answer itself", who, other.kind(), id), true
	case twice && before.from == now.from:
		return decode.Breach("Q05", s.Root.Tag, "the %s answers %q a second time", who, id), true
	}
	r.remember(s, key, now)
	if near := s.Misnamed; near != nil && id != "" {
		return decode.Breach("Q13", s.Root.AttrSpan("id"), "the %s answers with the id %q, but the request's id was %q", who, id, near.ID), true
	}
	return session.Note{}, false
}

func (r *requests) remember(s *decode.Seen, key answerKey, a answer) {
	if r.answered == nil {
		r.answered = map[answerKey]answer{}
	}
	if len(r.answered) >= maxAnswers {
		clear(r.answered)
	}
	var id, to string
	if s.Request != nil {
		id, to = s.Request.ID, s.Request.To
	}
	key.id = decode.Keep(key.id, id)
	r.answered[key] = a.kept(to, s.State.JID, s.State.Domain())
}

// fits says whether an answer goes back to where another came from.
func fits(other, now answer) bool {
	if now.from != "" && now.from == now.to { // somebody has answered himself, and this is it
		return false
	}
	same := func(a, b string) bool { return a == "" || b == "" || a == b }
	return same(other.from, now.to) && same(other.to, now.from)
}

// closed is the part of Q05 that can be told only at the end.
func (r *requests) closed(s *decode.Seen, b session.TCPClosed) (notes []session.Note) {
	if s.Event.Leg != session.ClientLeg || r.lost || b.By == session.OriginSelf {
		return nil
	}
	for _, dir := range []session.Dir{session.C2S, session.S2C} {
		open := slices.DeleteFunc(s.State.Waiting(dir), func(q *decode.Request) bool { return s.Event.At.Sub(q.At) < decode.AnswerPatience })
		if len(open) == 0 {
			continue
		}
		var names []string
		for _, q := range open[:min(len(open), 5)] {
			what := "an iq"
			if q.Payload.Local != "" {
				what = requestName(q.Payload)
			}
			names = append(names, decode.Quote(q.ID)+" ("+what+", #"+strconv.FormatUint(q.Seq, 10)+")")
		}
		notes = append(notes, decode.Breach("Q05", session.Span{},
			"%s of the %s never had an answer: %s", session.Plural(len(open), "request"), dir.Sender(), strings.Join(names, ", ")))
	}
	return notes
}
