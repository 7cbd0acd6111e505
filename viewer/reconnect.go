package viewer

import "xmppscope/internal/inspect"

// inList says that the keys go to the list of sessions.
func (u *ui) inList() bool { return u.overlay == noOverlay && u.want.focus == listPane }

// along goes to the session that the current one goes on from, or into.
func (u *ui) along(by int) {
	u.overlay = noOverlay
	c := u.current()
	var next *inspect.Conversation
	switch {
	case by < 0:
		next = c.Before
	default:
		next = c.After
	}
	switch {
	case next != nil:
		u.follow = false
		u.selectSession(next)
	case c.ID == 0:
		u.say(notice, "there is no session yet")
	case by < 0:
		u.say(notice, "session %d does not continue another", c.ID)
	default:
		u.say(notice, "no session continues session %d", c.ID)
	}
}

// storyAbove and storyBelow are the lines at the top and the end of a ladder that lead to
// the sessions of the same story; nil if there are none.
func (u *ui) storyAbove(width int) line {
	c := u.current()
	if c.Before == nil || c.Of == nil {
		return nil
	}
	return line{{" ↑ ", u.theme.accent}, {wire(c.Back()), u.theme.notice}, {" · { goes there", u.theme.faint}}.fit(width)
}

func (u *ui) storyBelow(width int) line {
	c := u.current()
	if c.After == nil {
		return nil
	}
	return line{{" ↓ ", u.theme.accent}, {wire(c.Ahead()), u.theme.notice}, {" · } goes there", u.theme.faint}}.fit(width)
}
