package proxy

import (
	"bytes"
	"slices"

	"xmppscope/decode"
	"xmppscope/session"
)

// maxQueue bounds what waits to be said in a direction, and how many answers are waited for.
const maxQueue = 64

// expected is an answer that is waited for.
type expected struct {
	id    string        // of an iq; "" for <a/>
	ours  bool          // we have asked; else the other side has, before us
	reply chan<- []byte // gets it
}

const tooMuchWaits = "this was not sent, as too much waits to be sent before it"

// inject says something in a direction, as soon as it stands between two elements.
func (r *Relay) inject(s Sending) {
	if len(r.queue[s.Dir]) >= maxQueue {
		r.do(Record{unsaid(&s, tooMuchWaits)})
		return
	}
	if r.afford(s.Dir, 1, len(s.XML)) == 0 {
		return
	}
	if err := sendable(s.XML, 0); err != nil {
		r.do(Record{unsaid(&s, "this was not sent: "+err.Error())})
		return
	}
	if t := r.bosh.talk; t != nil {
		r.sayLater(t, s)
		return
	}
	r.room.waits(len(s.XML))
	r.queue[s.Dir] = append(r.queue[s.Dir], s)
}

// unqueue gives up what waits to be said in a direction.
func (r *Relay) unqueue(dir session.Dir) {
	for _, s := range r.queue[dir] {
		r.room.waits(-len(s.XML))
	}
	r.queue[dir] = nil
}

// mayInject says whether something of our own may be said in a direction now.
func (r *Relay) mayInject(dir session.Dir) bool {
	g := &r.gated[dir]
	return (r.phase == relaying || r.phase == asked && dir == session.S2C) && // behind <starttls/> the server awaits TLS
		!r.left[dir] && !r.blind && !r.standsIn() && !r.isHTTP(dir) && r.opened[dir] && !g.passing && !g.large &&
		(len(g.part) > 0 || g.waiting != 0 || r.stream.Between(dir)) && !r.passed[dir]
}

// sayQueued says what waits to be said.
func (r *Relay) sayQueued() {
	for _, dir := range both {
		for len(r.queue[dir]) > 0 && r.mayInject(dir) {
			s := r.queue[dir][0]
			if back := dir.Opposite(); s.Answer && r.left[back] && r.joining[back].refused == "" && !r.ended[back] {
				break // its answer would pass unseen
			}
			r.room.waits(-len(s.XML))
			if r.queue[dir] = r.queue[dir][1:]; len(r.queue[dir]) == 0 {
				r.queue[dir] = nil
			}
			r.say(&s)
		}
	}
}

// say sends something of our own, and records it as ours.
func (r *Relay) say(s *Sending) { r.sayIn(s, nil) }

// sayIn is say into a body of BOSH; nil is none.
func (r *Relay) sayIn(s *Sending, in *body) {
	as := r.speak(s.Dir, s.XML)
	r.do(Record{session.Seen{
		Leg: s.Dir.To(), Dir: s.Dir, Origin: session.OriginSelf,
		Body: session.RelaySent{Reason: s.Reason, By: s.By}, Raw: as.xml, Size: int64(len(as.xml)),
	}})
	r.utter(s.Dir, &outcome{in: in}, bytes.Clone(as.wire))
	turn := decode.NoTurn
	for i := range as.pieces {
		if s.Answer {
			r.expect(&as.pieces[i], s.Reply)
		}
		turn = max(turn, r.delivered(&as.pieces[i]))
	}
	r.ledger.note(s.Dir)
	if in == nil {
		r.turned(s.Dir, turn, nil, nil)
	}
}

// expect keeps the answer to a piece of ours from the other side.
func (r *Relay) expect(p *decode.Piece, reply chan<- []byte) {
	to := p.Dir.Opposite()
	if p.Kind != decode.Element || len(r.expected[to]) >= maxQueue {
		return
	}
	switch string(p.Local()) {
	case "iq":
		e, _ := decode.ParseTag(p.Tag, nil)
		if e != nil && (e.Attr("type") == "get" || e.Attr("type") == "set") && e.Attr("id") != "" {
			r.answers(to, func(all []expected) []expected {
				return append(all[max(0, len(all)-maxQueue+1):], expected{id: e.Attr("id"), ours: true, reply: reply})
			})
		}
	case "r":
		for range min(r.asks[p.Dir], maxQueue-len(r.expected[to])-1) {
			r.expected[to] = append(r.expected[to], expected{})
		}
		r.asks[p.Dir] = 0
		r.expected[to] = append(r.expected[to], expected{ours: true, reply: reply})
	}
}

// isOurs says whether a piece answers something of ours, and then hands it over.
func (r *Relay) isOurs(p *decode.Piece) bool {
	if p.Kind != decode.Element || len(r.expected[p.Dir]) == 0 && r.bosh.talk == nil {
		return false
	}
	id := ""
	switch string(p.Local()) {
	case "iq":
		e, _ := decode.ParseTag(p.Tag, nil)
		if e == nil || e.Attr("type") != "result" && e.Attr("type") != "error" || e.Attr("id") == "" {
			return false
		}
		id = e.Attr("id")
	case "a":
	default:
		return false
	}
	var answered expected
	r.answers(p.Dir, func(all []expected) []expected {
		i := slices.IndexFunc(all, func(e expected) bool { return e.id == id })
		if i < 0 {
			return all
		}
		answered = all[i]
		return append(all[:i:i], all[i+1:]...)
	})
	if answered.reply != nil {
		r.do(Answered{answered.reply, bytes.Clone(p.Raw)})
	}
	return answered.ours
}

// heardAsk counts the <r/> that are not answered, as far as is looked.
func (r *Relay) heardAsk(p *decode.Piece) {
	if p.Kind != decode.Element {
		return
	}
	switch string(p.Local()) {
	case "r":
		if to := p.Dir.Opposite(); len(r.expected[to]) > 0 && len(r.expected[to]) < maxQueue {
			r.expected[to] = append(r.expected[to], expected{})
		} else {
			r.asks[p.Dir]++
		}
	case "a":
		if from := p.Dir.Opposite(); r.asks[from] > 0 {
			r.asks[from]--
		}
	}
}
