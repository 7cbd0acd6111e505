package inspect

import (
	"sort"

	"xmppscope/session"
)

// Phase is a stretch of a ladder: what lies between two restarts of the stream, and what
// comes after the login.
type Phase struct {
	Title string
	N     int // of the session, counted from 1; those of which nothing is shown count too
	Begin int // place of its first entry in All
}

// enterPhase follows the phases; rule is what turn has said of the event with this index.
func (c *Conversation) enterPhase(index int, e *session.Event, rule Entry) {
	title := ""
	switch {
	case c.phases == nil:
		title = "connection"
	case rule.Has(AfterSASL):
		title = "authenticated stream"
	case rule.Has(AfterTLS):
		title = "encrypted stream"
	case rule.Has(Restart):
		title = "stream restart"
	case c.done > 0 && index > c.done && e.Step == nil && c.phases[len(c.phases)-1].Title != afterLogin:
		title = afterLogin
	}
	if title == "" {
		return
	}
	next := Phase{title, 1, c.All.Len()}
	if n := len(c.phases); n > 0 {
		next.N = c.phases[n-1].N + 1
		if c.phases[n-1].Begin == c.All.Len() { // of which nothing is shown
			c.phases = c.phases[:n-1]
		}
	}
	c.phases = append(c.phases, next)
}

// afterLogin is the phase when the login is complete.
const afterLogin = "after the login"

// Phases are those that the session has had so far.
func (c *Conversation) Phases() []Phase { return c.phases }

// phaseAt is the place among the phases of that of an entry of All, -1 if there is none.
func (c *Conversation) phaseAt(i int) int {
	return sort.Search(len(c.phases), func(k int) bool { return c.phases[k].Begin > i }) - 1
}

// hides says whether a phase is folded.
func (c *Conversation) hides(phase int) bool {
	return phase >= 0 && phase < len(c.phases) && c.folded[c.phases[phase].N]
}

// fold says whether an entry of All is out of sight in a folded phase; for the first one there
// is the row of the phase in its place.
func (c *Conversation) fold(i int) bool {
	if len(c.folded) == 0 || c.Table {
		return false
	}
	phase := c.phaseAt(i)
	if !c.hides(phase) {
		return false
	}
	row := c.All.At(i).Index()
	if n := c.Rows.Len(); n == 0 || c.phaseOfIndex(c.Rows.At(n-1).Index()) != phase {
		c.Rows.Add(Entry(row)<<flagBits | Folded)
	}
	return !c.All.At(i).Has(Grave)
}

// phaseOfIndex is the phase of the event with this index of the Log, -1 if there is none.
func (c *Conversation) phaseOfIndex(index int) int {
	i := sort.Search(c.All.Len(), func(i int) bool { return c.All.At(i).Index() >= index })
	return c.phaseAt(min(i, c.All.Len()-1))
}

// FoldPhase folds the phase that a row is in, or shows it again. It returns the row to select.
func (c *Conversation) FoldPhase(row int) int {
	if row < 0 || row >= c.Rows.Len() {
		return row
	}
	index := c.Rows.At(row).Index()
	phase := c.phaseOfIndex(index)
	switch {
	case phase < 0:
		return row
	case c.hides(phase):
		delete(c.folded, c.phases[phase].N)
	default:
		if c.folded == nil {
			c.folded = map[int]bool{}
		}
		c.folded[c.phases[phase].N] = true
	}
	c.Unsort()
	return c.Find(index)
}

// FoldAll folds all phases, or shows all again if all are folded. It returns the row to select.
func (c *Conversation) FoldAll(row int) int {
	if row < 0 || row >= c.Rows.Len() {
		return row
	}
	index := c.Rows.At(row).Index()
	if c.allFolded() {
		c.folded = nil
	} else {
		c.folded = map[int]bool{}
		for i := range c.phases {
			c.folded[c.phases[i].N] = true
		}
	}
	c.Unsort()
	return c.Find(index)
}

func (c *Conversation) allFolded() bool {
	for i := range c.phases {
		if !c.hides(i) {
			return false
		}
	}
	return true
}

// Unfold shows the phase that holds an event again, if it is folded.
func (c *Conversation) Unfold(index int) {
	if phase := c.phaseOfIndex(index); c.hides(phase) {
		delete(c.folded, c.phases[phase].N)
		c.Unsort()
	}
}

// FoldedRow is what a folded phase holds.
type FoldedRow struct {
	Phase
	Events      int
	Findings    int // events with a sign
	Failures    int
	First, Last int // indexes of the Log
}

// Folded is what the phase of a row holds that is shown for all of it.
func (c *Conversation) Folded(row int) FoldedRow {
	phase := c.phaseOfIndex(c.Rows.At(row).Index())
	begin, end := c.phases[phase].Begin, c.All.Len()
	if phase+1 < len(c.phases) {
		end = c.phases[phase+1].Begin
	}
	out := FoldedRow{Phase: c.phases[phase], First: c.All.At(begin).Index(), Last: c.All.At(end - 1).Index()}
	for i := begin; i < end; i++ {
		e := c.All.At(i)
		switch {
		case e.Has(Restart):
			continue
		case e.Has(Grave):
			out.Failures++
		case e.Has(Finding):
			out.Findings++
		}
		out.Events++
	}
	return out
}

// foldedRow is the row of the phase that hides an event, -1 if none does.
func (c *Conversation) foldedRow(index int) int {
	phase := c.phaseOfIndex(index)
	if !c.hides(phase) {
		return -1
	}
	return c.Rows.Where(func(e Entry) bool { return e.Has(Folded) && c.phaseOfIndex(e.Index()) == phase })
}
