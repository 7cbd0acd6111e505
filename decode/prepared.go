package decode

import (
	"fmt"
	"math/bits"

	"xmppscope/session"
)

// Prepared are rules that are ready to speak: they can be found by the keys of an
// event, and those that keep no state have their explainers. Any number of sessions
// share them.
type Prepared struct {
	rules []prepared
	index *index
	kept  int // how many rules keep state
}

// prepared is a rule; what is asked of each event lies close together.
type prepared struct {
	holds uint64
	test  func(*Seen) bool
	exp   Explainer // nil if it keeps state: then each session has its own
	place int       // of that one among those of its session
	rule  *Rule
}

// Prepare makes rules ready. They speak in this order.
func Prepare(rules []Rule) *Prepared {
	p := &Prepared{index: newIndex(rules)}
	for i := range rules {
		r := prepared{holds: rules[i].Match.holds, test: rules[i].Match.test, rule: &rules[i]}
		if f, ok := r.rule.New().(Func); ok {
			r.exp = f
		} else {
			r.place = p.kept
			p.kept++
		}
		p.rules = append(p.rules, r)
	}
	return p
}

// Explainers are what the rules know of one session, or of another row of events.
// Each is made when an event is the first that it should see.
type Explainers struct {
	of   *Prepared
	made []Explainer // of the rules that keep state
}

// Explainers are those of rules that have seen nothing yet.
func (p *Prepared) Explainers() Explainers { return Explainers{of: p} }

// Explain returns the notes of all rules, with the rule and the section of each.
func (x *Explainers) Explain(s *Seen) (all []session.Note) {
	x.ask(s, func(r *Rule, notes []session.Note) {
		for i := range notes {
			all = append(all, r.sign(notes[i]))
		}
	})
	return all
}

// sign gives a note of the rule what the rule stands for, unless it names its own.
func (r *Rule) sign(n session.Note) session.Note {
	if n.Rule == "" {
		n.Rule = r.ID
	}
	switch n.Ref {
	case "":
		n.Ref = r.Ref
	case Unspecified:
		n.Ref = ""
	}
	return n
}

// maxWords is for how many rules the bits need no room of their own, times 64.
const maxWords = 8

// ask lets the rules speak about an event, one after the other.
func (x *Explainers) ask(s *Seen, heard func(*Rule, []session.Note)) {
	var room [maxWords]uint64
	todo := x.of.index.find(s.keys, room[:0])
	for !x.askSome(s, todo, heard) {
	}
}

// askSome asks the rules in todo and takes them out. One that panics is reported
// where it did, and the result is false: the others are to go on.
func (x *Explainers) askSome(s *Seen, todo []uint64, heard func(*Rule, []session.Note)) (done bool) {
	var r *prepared
	defer func() {
		if v := recover(); v != nil {
			heard(r.rule, []session.Note{{Severity: session.Warning, Text: fmt.Sprintf("this rule failed here, which is a fault of xmppscope: %v", v)}})
		}
	}()
	for w := range todo {
		for todo[w] != 0 {
			r = &x.of.rules[w*64+bits.TrailingZeros64(todo[w])]
			todo[w] &= todo[w] - 1
			if (r.holds == 0 || r.holds&s.holds != 0) && (r.test == nil || r.test(s)) {
				heard(r.rule, x.explainer(r).Explain(s))
			}
		}
	}
	return true
}

func (x *Explainers) explainer(r *prepared) Explainer {
	if r.exp != nil {
		return r.exp
	}
	if x.made == nil {
		x.made = make([]Explainer, x.of.kept)
	}
	exp := &x.made[r.place]
	if *exp == nil {
		*exp = r.rule.New()
	}
	return *exp
}
