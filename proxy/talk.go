package proxy

import (
	"sync"

	"xmppscope/decode"
	"xmppscope/session"
)

// talk is what is to be said in a session of BOSH, and the answers to that. It is said in the
// next body that goes its way, on whichever connection that is.
type talk struct {
	mu       sync.Mutex
	queue    [3][]Sending  // by direction
	expected [3][]expected // by direction
	room     *room
}

// sayLater has something said in a session of BOSH, or tells that too much waits already.
func (r *Relay) sayLater(t *talk, s Sending) {
	if !t.put(s, r.room) {
		r.do(Record{unsaid(&s, tooMuchWaits)})
	}
}

// put has something said; it is false where too much waits already.
func (t *talk) put(s Sending, in *room) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.queue[s.Dir]) >= maxQueue {
		return false
	}
	t.room = in
	in.waits(len(s.XML))
	t.queue[s.Dir] = append(t.queue[s.Dir], s)
	return true
}

// take is what is to be said in a direction now.
func (t *talk) take(dir session.Dir) []Sending {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	all := t.queue[dir]
	for i := range all {
		t.room.waits(-len(all[i].XML))
	}
	t.queue[dir] = nil
	return all
}

// wants says whether something is to be said or heard in a direction.
func (t *talk) wants(dir session.Dir) bool {
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.queue[dir])+len(t.expected[dir]) > 0
}

// end tells what has not been said when the session has ended.
func (t *talk) end(in *session.Trail) {
	for _, dir := range both {
		for _, s := range t.take(dir) {
			in.Event(unsaid(&s, "the session has ended before this could be sent"))
		}
	}
}

// unsaid tells that something was not said.
func unsaid(s *Sending, why string) session.Seen {
	return session.Seen{Leg: s.Dir.To(), Dir: s.Dir, Origin: session.OriginSelf, Body: session.RelayBent{Reason: why + ": " + s.Reason, By: s.By}}
}

// answers goes through the answers that are waited for in a direction: of the connection, or of
// its session of BOSH.
func (r *Relay) answers(dir session.Dir, do func([]expected) []expected) {
	if t := r.bosh.talk; t != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.expected[dir] = do(t.expected[dir])
		return
	}
	r.expected[dir] = do(r.expected[dir])
}

// sayInside puts what is to be said into a body that goes on.
func (r *Relay) sayInside(dir session.Dir, b *body) {
	if b.ends || !r.bosh.is {
		return
	}
	for _, s := range r.bosh.talk.take(dir) {
		r.sayIn(&s, b)
	}
}

// hand gives the session of BOSH what was to be said on the connection before it was known.
func (r *Relay) hand(t *talk) {
	r.bosh.talk = t
	for _, dir := range both {
		for _, s := range r.queue[dir] {
			r.sayLater(t, s)
		}
		r.unqueue(dir)
	}
}

// endsBOSH says whether a wrapper is one that opens a session or ends it.
func endsBOSH(p *decode.Piece) (ends bool) {
	p.Events(func(e session.Seen) {
		b, _ := decode.BOSHBodyOf(&e)
		ends = b.Type != "" || p.Kind == decode.Opened
	})
	return ends
}
