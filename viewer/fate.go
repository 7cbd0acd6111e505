package viewer

import "xmppscope/session"

// fate is which events decide how a session went: indexes of the Log, -1 for
// none so far.
type fate struct {
	verdict int // bears the newest verdict
	failure int // where it went wrong, as far as it has
	silence int // someone was kept waiting, and nothing has come since
	stopped int // the one at which following has stopped
}

var unknownFate = fate{-1, -1, -1, -1}

// decisive is the event to look at first: where it went wrong, or else where the
// verdict stands.
func (f *fate) decisive() int {
	if f.failure >= 0 {
		return f.failure
	}
	return f.verdict
}

// weigh takes the next event; state is how the session stands after it.
func (f *fate) weigh(index int, e *session.Event, state session.State) {
	for i := range e.Notes {
		if e.Notes[i].Name == session.FieldVerdict && e.Notes[i].Rule == session.RuleVerdict {
			f.verdict = index
		}
	}
	if state != session.Failed {
		f.failure = -1
		f.wait(index, e)
		return
	}
	switch b := e.Body.(type) {
	case session.TLSFailed:
		if b.Class != session.ClassOtherLeg || f.failure < 0 {
			f.failure = index
		}
	case session.TCPClosed:
		if f.failure < 0 {
			f.failure = f.silence // the end of a wait: that is the place to look at
		}
	default:
		// A stream error after a refusal is but its end.
		if isFailure(e) && (f.failure < 0 || e.Step == nil || e.Step.ID != "stream-error") {
			f.failure = index
		}
	}
}

// wait notes that someone is kept waiting, or no longer is.
func (f *fate) wait(index int, e *session.Event) {
	if _, late := e.Body.(session.RelayTimeout); late {
		f.silence = index
	} else if session.IsPlaintext(e.Body) {
		f.silence = -1
	}
}
