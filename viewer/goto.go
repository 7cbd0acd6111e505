package viewer

import (
	"fmt"
	"strconv"
	"strings"

	"xmppscope/internal/inspect"
)

// askPlace asks for an event to go to; the key that was pressed is the
// beginning of the answer.
func (u *ui) askPlace() {
	if u.current().ID == 0 {
		u.say(notice, "there is no session yet")
		return
	}
	u.overlay = noOverlay
	begun := ""
	if u.pressed >= '1' && u.pressed <= '9' {
		begun = string(u.pressed)
	}
	u.ask(question{label: "go to #", answer: begun, done: u.goTo})
}

// visit goes to an event of a session.
func (u *ui) visit(c *inspect.Conversation, seq uint64) {
	u.overlay, u.follow = noOverlay, false
	u.selectSession(c)
	u.goTo(fmt.Sprint(seq))
}

// goTo goes to the event with this number.
func (u *ui) goTo(place string) {
	place = strings.TrimPrefix(strings.TrimSpace(place), "#")
	n, err := strconv.ParseUint(place, 10, 64)
	c := u.current()
	c.UnfoldTo(n, u.events)
	row := c.RowOf(n, u.events)
	switch {
	case err != nil || n == 0:
		u.say(warning, "%q is not the number of an event, such as 20", place)
	case n > uint64(c.Events):
		u.say(warning, "no event #%d: the last is #%d", n, c.Events)
	case row < 0:
		u.say(warning, "#%d is hidden: F clears the filter, w shows noise", n)
	default:
		u.ladder.choose(row, 1)
	}
}
