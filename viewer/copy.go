package viewer

import (
	"xmppscope/inspect"
	"xmppscope/session"
)

// copyText asks the terminal to put the event's text into its clipboard (OSC 52): as
// it is shown, so without secrets unless they are revealed, and without what could
// do harm where it is pasted.
func (u *ui) copyText() {
	e, _ := u.event()
	if e == nil {
		u.say(notice, "there is no event to copy")
		return
	}
	shown := *e
	if !u.reveal {
		shown = session.Blank(shown)
	}
	text, what := session.Safe(string(cutRaw(shown.Raw))), "the text of the event"
	switch {
	case len(shown.Raw) == 0:
		text, what = session.SafeLine(shown.Summary), "the event in words"
	case len(shown.Raw) > rawLimit:
		what = "the first " + inspect.Amount(rawLimit) + " of the event"
	}
	u.copied = []byte(text)
	u.say(notice, "copied, if the terminal allows it: %s", what)
}
