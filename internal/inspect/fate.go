package inspect

import "xmppscope/session"

// Fate is which events decide how a session went: indexes of the Log, -1 for
// none so far.
type Fate struct {
	judged  int // bears the newest verdict
	failure int // where it went wrong, as far as it has
	silence int // someone was kept waiting, and nothing has come since
}

var unknownFate = Fate{-1, -1, -1}

// Decisive is the event to look at first: where it went wrong, or else where the
// verdict stands.
func (f *Fate) Decisive() int {
	if f.failure >= 0 {
		return f.failure
	}
	return f.judged
}

// weigh takes the next event, which the story has been told.
func (f *Fate) weigh(index int, e *session.Event, story *session.Story) {
	for i := range e.Notes {
		if e.Notes[i].Name == session.FieldVerdict && e.Notes[i].Rule == session.RuleVerdict {
			f.judged = index
		}
	}
	switch c := story.Cause; {
	case story.State != session.Failed:
		f.failure = -1
		f.wait(index, e)
	case c == nil: // a leg of TLS; the other one says why
		f.failure = index
	case c.Seq != e.Seq:
	case c.Condition == "closed":
		f.failure = f.silence // the end of a wait: that is the place to look at
	default:
		f.failure = index
	}
}

// wait notes that someone is kept waiting, or no longer is.
func (f *Fate) wait(index int, e *session.Event) {
	if _, late := e.Body.(session.RelayTimeout); late {
		f.silence = index
	} else if session.IsPlaintext(e.Body) {
		f.silence = -1
	}
}
