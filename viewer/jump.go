package viewer

import (
	"fmt"

	"xmppscope/internal/inspect"
	"xmppscope/session"
)

// jumpToFinding goes to the next event with a sign in a direction, going round at
// the end of the session.
func (u *ui) jumpToFinding(by int) {
	u.overlay = noOverlay
	rows := u.current().Rows
	n, from := rows.Len(), u.ladder.selected
	for k := 1; k <= n; k++ {
		i := ((from+k*by)%n + n) % n
		if !rows.At(i).Has(inspect.Finding) || u.ignores(rows.At(i).Index()) {
			continue
		}
		u.ladder.choose(i, by)
		switch {
		case i == from:
			u.say(notice, "this is the only finding of this session")
		case by > 0 && i < from:
			u.say(notice, "wrapped to the first")
		case by < 0 && i > from:
			u.say(notice, "wrapped to the last")
		}
		return
	}
	if u.options.Filter != nil {
		u.say(notice, "no finding among the events that pass the filter")
		return
	}
	u.say(plain, "no findings in this session")
	u.flash.good = true
}

// jumpToVerdict goes to the event that decides: where it went wrong, or where the
// login was done. Pressed again there, it goes on to the next session that failed.
func (u *ui) jumpToVerdict() {
	u.overlay = noOverlay
	c := u.current()
	next := u.nextFailed()
	if _, at := u.event(); u.repeated && next != nil && (at == c.Decisive() || c.Decisive() < 0) {
		u.selectSession(next)
		u.follow = false
		c, next = next, u.nextFailed()
	}
	on := ""
	if next != nil {
		on = fmt.Sprintf("; ! again goes to session %d, which failed", next.ID)
	}
	index := c.Decisive()
	if c.ID == 0 || index < 0 {
		yet := ""
		if u.options.Live {
			yet = " yet"
		}
		u.say(notice, "there is no verdict on this session%s%s", yet, on)
		if c.ID != 0 {
			u.flash.lacks = c
		}
		return
	}
	c.Unfold(index)
	row := c.Find(index)
	if row < 0 || c.Rows.At(row).Index() != index {
		u.say(warning, "the event that decides is hidden: F clears the filter, w shows noise")
		return
	}
	u.ladder.choose(row, 1)
	switch {
	case c.State != session.Failed:
		u.say(plain, "login completed here%s", on)
		u.flash.good = true
	case on != "":
		u.say(notice, "session %d failed here%s", c.ID, on)
	}
}

// nextFailed is the next session after the current one whose login failed, going
// round; nil if there is no other.
func (u *ui) nextFailed() *inspect.Conversation {
	n := len(u.listed)
	for k := 1; k < n; k++ {
		if c := u.listed[(u.list.selected+k)%n]; c.State == session.Failed {
			return c
		}
	}
	return nil
}
