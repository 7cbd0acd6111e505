package viewer

import "xmppscope/session"

// jumpToFinding goes to the next event with a sign in a direction, going round at
// the end of the session.
func (u *ui) jumpToFinding(by int) {
	u.overlay = noOverlay
	rows := u.current().rows
	n, from := len(rows), u.ladder.selected
	for k := 1; k <= n; k++ {
		i := ((from+k*by)%n + n) % n
		if !rows[i].has(isFinding) {
			continue
		}
		u.ladder.choose(i, by)
		switch {
		case i == from:
			u.say(notice, "this is the only finding of this session")
		case by > 0 && i < from:
			u.say(notice, "on from the first")
		case by < 0 && i > from:
			u.say(notice, "on from the last")
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
// login was done.
func (u *ui) jumpToVerdict() {
	u.overlay = noOverlay
	c := u.current()
	index := c.decisive()
	if c.ID == 0 || index < 0 {
		u.say(notice, "there is no verdict on this session yet")
		return
	}
	row := c.find(index)
	if row < 0 || c.rows[row].index() != index {
		u.say(warning, "the event that decides is hidden: : and an empty filter show all, w shows noise")
		return
	}
	u.ladder.choose(row, 1)
	if c.State != session.Failed {
		u.say(plain, "nothing failed: here the login was done")
		u.flash.good = true
	}
}
