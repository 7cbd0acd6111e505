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

// kept is an answer to be remembered, without the bytes that it came in.
func (a answer) kept() answer {
	a.from, a.to = strings.Clone(a.from), strings.Clone(a.to)
	return a
}

// ask remembers a get or set.
func (r *requests) ask(s *decode.Seen) {
	if len(r.waiting) >= maxRequests {
		return
	}
	w := waiting{at: s.Event.At, dir: s.Event.Dir, id: strings.Clone(s.Root.Attr("id")), what: "an iq"}
	if c := s.Root.First(); c != nil {
		w.what = requestName(c.Name)
	}
	if r.waiting == nil {
		r.waiting, r.spelt = map[uint64]waiting{}, map[answerKey]uint64{}
	}
	r.waiting[s.Event.Seq] = w
	r.spelt[w.key()] = s.Event.Seq
	delete(r.answered, answerKey{w.dir.Opposite(), w.id}) // an id may be used again
}

// key is the answer that would do for it, but for the spelling of its id.
func (w *waiting) key() answerKey { return answerKey{w.dir.Opposite(), spelling(w.id)} }

// spelling is what ids have in common that differ in upper and lower case, and in
// the white space around them.
func spelling(id string) string { return strings.ToLower(strings.TrimSpace(id)) }

// met forgets a request that has its answer.
func (r *requests) met(seq uint64) {
	if w, ok := r.waiting[seq]; ok {
		delete(r.waiting, seq)
		if key := w.key(); r.spelt[key] == seq {
			delete(r.spelt, key)
		}
	}
}

// answer takes a result or error. If no request fits, it may be a second answer
// (Q05), or one to an answer (Q06, Q10); then it says so.
func (r *requests) answer(s *decode.Seen, typ string) (session.Note, bool) {
	id := s.Root.Attr("id")
	now := answer{failed: typ == "error", from: s.Root.Attr("from"), to: s.Root.Attr("to")}
	key := answerKey{s.Event.Dir, id}
	if s.Request != nil {
		r.met(s.Request.Seq)
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
		if now.failed && other.failed {
			return lint("Q10", "RFC 6120 §8.3.1", session.Error, s.Root.Tag, "the %s answers the error %q with an error; errors are never answered", who, id), true
		}
		return lint("Q06", "RFC 6120 §8.2.3", session.Error, s.Root.Tag, "the %s answers the %s %q, which is an answer itself", who, other.kind(), id), true
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
	if r.answered == nil {
		r.answered = map[answerKey]answer{}
	}
	if len(r.answered) >= maxRequests {
		clear(r.answered)
	}
	key.id = strings.Clone(key.id)
	r.answered[key] = a.kept()
}

// fits says whether an answer goes back to where another came from.
func fits(other, now answer) bool {
	same := func(a, b string) bool { return a == "" || b == "" || a == b }
	return same(other.from, now.to) && same(other.to, now.from)
}

// misnamed finds the waiting request whose id an answer has spelt otherwise.
func (r *requests) misnamed(s *decode.Seen) string {
	id := s.Root.Attr("id")
	key := answerKey{s.Event.Dir, spelling(id)}
	if w, ok := r.waiting[r.spelt[key]]; ok && key.id != "" && w.id != id {
		return w.id
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
