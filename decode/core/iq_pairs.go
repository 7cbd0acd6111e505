package core

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

// Bounds on what is remembered of requests and answers.
const (
	maxRequests = 1000
	// answerPatience is how long a request may wait before its silence is a finding.
	answerPatience = 10 * time.Second
)

// waiting is a request without an answer.
type waiting struct {
	at   time.Time
	dir  session.Dir
	what string
	id   string
}

// answerKey is the direction and id of an answer; answer says what was answered.
type (
	answerKey struct {
		dir session.Dir
		id  string
	}
	answer struct {
		typ, from, to string
		again         bool // it answers an answer, and has been said to
	}
)

// ask remembers a get or set.
func (r *requests) ask(s *decode.Seen) {
	if len(r.waiting) >= maxRequests {
		return
	}
	w := waiting{at: s.Event.At, dir: s.Event.Dir, id: s.Root.Attr("id"), what: "an iq"}
	if c := s.Root.First(); c != nil {
		w.what = requestName(c.Name)
	}
	r.waiting[s.Event.Seq] = w
	delete(r.answered, answerKey{s.Event.Dir.Opposite(), w.id}) // an id may be used again
}

// answer takes a result or error. If no request fits, it may be a second answer
// (Q05), or one to an answer (Q06, Q10); then it says so.
func (r *requests) answer(s *decode.Seen, typ string) (session.Note, bool) {
	id := s.Root.Attr("id")
	now := answer{typ: typ, from: s.Root.Attr("from"), to: s.Root.Attr("to")}
	key := answerKey{s.Event.Dir, id}
	if s.Request != nil {
		delete(r.waiting, s.Request.Seq)
		r.remember(key, now)
		return session.Note{}, false
	}
	before, twice := r.answered[key]
	other, crossed := r.answered[answerKey{s.Event.Dir.Opposite(), id}]
	who := s.Event.Dir.Sender()
	switch {
	case id == "": // Q01 has spoken
	case crossed && !other.again && fits(other, now):
		now.again = true
		r.remember(key, now)
		if typ == "error" && other.typ == "error" {
			return lint("Q10", "RFC 6120 §8.3.1", session.Error, s.Root.Tag, "the %s answers the error %q with an error; errors are never answered", who, id), true
		}
		return lint("Q06", "RFC 6120 §8.2.3", session.Error, s.Root.Tag, "the %s answers the %s %q, which is an answer itself", who, other.typ, id), true
	case twice && before.from == now.from:
		return lint("Q05", "RFC 6120 §8.2.3", session.Warning, s.Root.Tag, "the %s answers %q a second time", who, id), true
	}
	r.remember(key, now)
	if i := r.misnamed(s); i != "" {
		return lint("Q13", "RFC 6120 §8.1.3", session.Error, s.Root.AttrSpan("id"), "the %s answers with the id %q, but the request's id was %q", who, id, i), true
	}
	return session.Note{}, false
}

func (r *requests) remember(key answerKey, a answer) {
	if len(r.answered) >= maxRequests {
		clear(r.answered)
	}
	r.answered[key] = a
}

// fits says whether an answer goes back to where another came from.
func fits(other, now answer) bool {
	same := func(a, b string) bool { return a == "" || b == "" || a == b }
	return same(other.from, now.to) && same(other.to, now.from)
}

// misnamed finds the waiting request whose id an answer has spelt otherwise.
func (r *requests) misnamed(s *decode.Seen) string {
	id := strings.TrimSpace(s.Root.Attr("id"))
	if id == "" {
		return ""
	}
	for _, w := range r.waiting {
		if w.dir != s.Event.Dir && strings.EqualFold(strings.TrimSpace(w.id), id) && w.id != s.Root.Attr("id") {
			return w.id
		}
	}
	return ""
}

// closed is the part of Q05 that can be told only at the end.
func (r *requests) closed(s *decode.Seen, b session.TCPClosed) (notes []session.Note) {
	if s.Event.Leg != session.ClientLeg || r.lost || b.By == session.OriginSelf {
		return nil
	}
	for _, dir := range []session.Dir{session.C2S, session.S2C} {
		var open []uint64
		for seq, w := range r.waiting {
			if w.dir == dir && s.Event.At.Sub(w.at) >= answerPatience {
				open = append(open, seq)
			}
		}
		if len(open) == 0 {
			continue
		}
		slices.Sort(open)
		var names []string
		for _, seq := range open[:min(len(open), 5)] {
			w := r.waiting[seq]
			names = append(names, strconv.Quote(w.id)+" ("+w.what+", event "+strconv.FormatUint(seq, 10)+")")
		}
		notes = append(notes, lint("Q05", "RFC 6120 §8.2.3", session.Warning, session.Span{},
			"%s of the %s never had an answer: %s", session.Plural(len(open), "request"), dir.Sender(), strings.Join(names, ", ")))
	}
	return notes
}
