package viewer

import "xmppscope/session"

// toggleMark marks the selected event, or takes its mark away.
func (u *ui) toggleMark() {
	u.overlay = noOverlay
	e, index := u.event()
	switch {
	case index < 0:
		u.say(notice, "there is no event to mark")
	case u.marks[index]:
		delete(u.marks, index)
		u.annotate(e, index, session.Annotation{Text: u.remarkOf(e).Text})
		u.say(notice, "unmarked; %s left", session.Plural(len(u.marks), "marked event"))
	default:
		u.marks[index] = true
		u.annotate(e, index, session.Annotation{Text: u.remarkOf(e).Text, Marked: true})
		u.say(notice, "%s; e exports them, M clears them", session.Plural(len(u.marks), "marked event"))
	}
}

// clearMarks takes all marks away, of all sessions.
func (u *ui) clearMarks() {
	if len(u.marks) == 0 {
		u.say(notice, "nothing is marked; m marks an event")
		return
	}
	u.say(notice, "%s cleared", session.Plural(len(u.marks), "mark"))
	clear(u.marks)
	for at, r := range u.remarks {
		r.Marked = false
		u.remarks[at] = r
	}
}
