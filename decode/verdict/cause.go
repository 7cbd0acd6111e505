package verdict

import (
	"cmp"
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// Cause is why a login may have failed. A family of causes is a file: it looks at what is
// known (a scene) and proposes those that there is evidence for. The best one is told.
type Cause struct {
	ID     string // "port-speaks-tls"
	Guilty Side
	// What says what happened, where that is more to the point than the error that was
	// seen; "" leaves it at that.
	What string
	// Text says why; Advice what to do next: about this cause, never about the error's name
	// alone, and never to make a login less safe.
	Text, Advice string
	Evidence     []Evidence
	Weight       Weight
}

// Evidence is where a cause was found: an event, and the rule that had something to say
// about it.
type Evidence struct {
	Seq  uint64
	Rule string // "" if it is the event itself
}

// Side is who has to change something.
type Side string

// The sides.
const (
	Client    Side = "client"
	Server    Side = "server"
	Account   Side = "account"
	Network   Side = "network"
	Xmppscope Side = "xmppscope"
	Nobody    Side = "nobody"
)

// Weight is how sure a cause is.
type Weight uint8

// The weights: what servers are known to do without a word is suspected; what an error
// usually means is possible; what a server says in words that
// it says for more than one reason is likely; what was seen is shown; what was computed
// from the account's password is proven.
const (
	Suspected Weight = iota + 1
	Possible
	Likely
	Shown
	Proven
)

// scene is what a family looks at: the story and the clues so far, and the event that
// they are asked on.
type scene struct {
	*judge
	now   *decode.Seen
	state *decode.State
}

// family proposes causes.
type family struct {
	name string
	ask  func(*scene) []Cause
}

// families are all there are, in the order of their names: of causes that weigh the same
// the first one asked is told.
var families []family

// propose adds a family. Its name says when it is asked: "10 doors" before "20 messages".
func propose(name string, ask func(*scene) []Cause) {
	families = append(families, family{name, ask})
	slices.SortFunc(families, func(a, b family) int { return cmp.Compare(a.name, b.name) })
}

// causes are all that is proposed, the best first.
func (s *scene) causes() (out []Cause) {
	for _, f := range families {
		out = append(out, f.ask(s)...)
	}
	slices.SortStableFunc(out, func(a, b Cause) int { return cmp.Compare(b.Weight, a.Weight) })
	return out
}

// tell makes a verdict of what happened, why, and what followed from it. Where nothing decides between two causes
// both are told.
func (c *scene) tell(severity session.Severity, at place, what, then string, causes []Cause) session.Note {
	if len(causes) == 0 {
		return verdictNote(severity, at, what+then, "")
	}
	best := causes[0]
	if best.Weight == Suspected { // it does not stand alone
		best = Cause{Weight: Possible}
	}
	if best.What != "" {
		what = best.What
	}
	why, more := best.Text, ""
	next := c.named(best.Advice)
	if len(causes) > 1 && best.Weight == Likely && causes[1].Weight == Likely {
		if other := causes[1]; other.Text != "" && !strings.Contains(best.Text, other.Text) {
			more += "; or else " + other.Text
			if other.Advice != "" && other.Advice != best.Advice {
				next += "; or else " + c.named(other.Advice)
			}
		}
	}
	if best.Weight < Shown {
		for _, cause := range causes {
			if cause.Weight == Suspected {
				next += suspicion(cause.Text, cause.Advice)
			}
		}
	}
	if more += then; why == "" {
		what += more
	} else {
		why += more
	}
	return because(severity, at, what, why, strings.TrimPrefix(next, "; "))
}

// named says which server's log is meant, where that was found out.
func (c *scene) named(advice string) string {
	if name := session.ServerNames[c.server]; name != "" {
		return strings.ReplaceAll(advice, "the server's log", "the server's log (it is "+name+")")
	}
	return advice
}
