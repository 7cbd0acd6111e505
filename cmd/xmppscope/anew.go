package main

import (
	"xmppscope/decode"
	"xmppscope/session"
)

// anew finds who explains the events of a recording of ours once more, with what is known
// now: passwords. What was saved without its secrets stays as it was explained then, and
// so does what comes behind it.
func (f *input) anew() func(*session.Event) *decode.Session {
	again := map[int]*decode.Session{} // nil: it stays as it is
	told := false
	return func(e *session.Event) *decode.Session {
		if e.Session == 0 || !session.Numbered(e.Body) {
			return nil
		}
		d, begun := again[e.Session]
		switch {
		case e.Redacted:
			d = nil
			if !told && f.asked(e.Session) {
				f.tell("warning: %s: session %d was saved without its secrets, so no password can be held against it", f.name, e.Session)
				told = true
			}
		case !begun:
			if d = f.explainer(); !f.asked(e.Session) {
				d.KnowPasswords(f.who.lookUp)
			}
		}
		again[e.Session] = d
		if d != nil {
			e.Said = session.Said{Notes: e.Annotation().Notes()}
		}
		return d
	}
}
