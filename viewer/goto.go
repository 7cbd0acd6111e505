package viewer

import (
	"strconv"
	"strings"

	"xmppscope/session"
)

// askPlace asks for a step or an event to go to; the key that was pressed is the
// beginning of the answer.
func (u *ui) askPlace() {
	if u.current().ID == 0 {
		u.say(notice, "there is no session yet")
		return
	}
	u.overlay = noOverlay
	u.ask(question{label: "go to step, or #event:", answer: string(u.pressed), done: u.goTo})
}

// goTo goes to the step with this number, or to the event if it begins with #.
func (u *ui) goTo(place string) {
	place = strings.TrimSpace(place)
	digits, event := strings.CutPrefix(place, "#")
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || n == 0 {
		u.say(warning, "%q is no number of a step; #20 is event 20", place)
		return
	}
	c := u.current()
	seq := n
	if !event {
		seq = firstOf(&c.Overview, n)
	}
	row := c.RowOf(seq, u.events)
	switch {
	case seq == 0:
		u.say(warning, "this session has no step %d; its last is %d", n, lastStep(&c.Overview))
	case event && n > uint64(c.Events):
		u.say(warning, "this session has no event %d; its last is %d", n, c.Events)
	case row < 0:
		u.say(warning, "that event is hidden: F and an empty filter show all, w shows noise")
	default:
		u.ladder.choose(row, 1)
	}
}

// firstOf is the number of the first event on a step, 0 if there is no such step.
func firstOf(o *session.Overview, step uint64) uint64 {
	for i := range o.Steps {
		if uint64(o.Steps[i].N) == step {
			return o.Steps[i].First
		}
	}
	return 0
}

func lastStep(o *session.Overview) int {
	if n := len(o.Steps); n > 0 {
		return o.Steps[n-1].N
	}
	return 0
}
