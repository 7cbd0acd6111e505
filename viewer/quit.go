package viewer

import (
	"math"
	"slices"
	"time"

	"xmppscope/internal/inspect"
	"xmppscope/session"
)

// kept is the index of the Log below which every event lies in a file, or will when the
// run has ended.
func (u *ui) kept() int {
	if !u.options.Unsaved {
		return math.MaxInt
	}
	most := 0
	for _, s := range u.saves() {
		switch {
		case !s.Keeps:
		case s.Problem == "":
			return math.MaxInt
		default:
			most = max(most, s.Events)
		}
	}
	return most
}

// unsaved are the sessions that lie in no file, at least in part, or with notes that do not.
func (u *ui) unsaved() (out []*inspect.Conversation) {
	kept := u.kept()
	for _, c := range u.model.Sessions {
		if u.lost(c, kept) || u.noted[c] {
			out = append(out, c)
		}
	}
	return out
}

// lost says that events of a session lie in no file. One in which nothing was said is not missed.
func (u *ui) lost(c *inspect.Conversation, kept int) bool {
	return max(kept, u.saved[c]) < c.End && c.Spoken
}

// keep notes that all events of a Pick have been written to a file.
func (u *ui) keep(p inspect.Pick) {
	for _, c := range u.model.Sessions {
		if p.Indexes == nil && (p.Session == 0 || p.Session == c.ID) {
			u.saved[c] = max(u.saved[c], p.To)
			delete(u.noted, c)
		}
	}
}

// leave goes back, as in a pager, or else quits.
func (u *ui) leave() {
	if u.covered() {
		u.back()
		return
	}
	u.quit()
}

// quit ends the inspector. What lies in no file is asked about; what else would be lost
// is given up only when asked for twice.
func (u *ui) quit() {
	open := u.connected()
	switch unsaved := u.unsaved(); {
	case u.exporting && !u.leaving:
		u.leaving = true
		u.say(warning, "an export is being written; q again abandons it")
		return
	case len(unsaved) > 0:
		u.askQuit(unsaved)
		return
	case open > 0 && !u.leaving:
		u.leaving = true
		u.say(warning, "%s would be cut off; q again quits", session.Plural(open, "open session"))
		return
	}
	u.stop()
}

// interrupt is Ctrl-C: it ends the reading, or, if there is none, the inspector. Who has
// been asked already and presses it again wants out: what is unsaved is kept by whoever
// runs the inspector.
func (u *ui) interrupt() {
	r := u.reading()
	switch {
	case r.Going && !u.interrupted:
		u.interrupted = true
		u.options.Reading.Stop()
		u.say(notice, "reading stopped at %s: this is what was read; Ctrl-C again leaves, as q does", r.Where)
	case u.prompt != nil && u.prompt.leaving || len(u.unsaved()) == 0:
		u.stop()
	default:
		u.askQuit(u.unsaved())
	}
}

// listed bounds the sessions that a question lists.
const listed = 8

// askQuit asks what is to become of sessions that lie in no file.
func (u *ui) askQuit(unsaved []*inspect.Conversation) {
	nouns := "session is"
	if len(unsaved) != 1 {
		nouns = "sessions are"
	}
	kept := u.kept()
	if !slices.ContainsFunc(unsaved, func(c *inspect.Conversation) bool { return u.lost(c, kept) }) {
		nouns = map[bool]string{true: "session with notes of yours is", false: "sessions with notes of yours are"}[len(unsaved) == 1]
	}
	u.ask(question{
		title: wiref("Quit? %s %s saved nowhere", inspect.Number(len(unsaved)), nouns), label: "quit?", leaving: true,
		help: func(string) (out []line) {
			for _, c := range unsaved[:min(len(unsaved), listed)] {
				out = append(out, u.unsavedLine(c))
			}
			if more := len(unsaved) - listed; more > 0 {
				out = append(out, line{{wiref("   … and %s more", inspect.Number(more)), u.theme.faint}})
			}
			return out
		},
		choices: []choice{
			{'s', "save all and quit", u.askSaveAll},
			{'q', "quit without saving", func() {
				if now := u.unsaved(); len(now) > len(unsaved) { // nobody has said so of the newer ones
					u.askQuit(now)
					return
				}
				u.discarded = true
				u.stop()
			}},
		},
	})
}

func (u *ui) unsavedLine(c *inspect.Conversation) line {
	sign, style := u.sign(&c.Overview)
	state := c.Word()
	switch {
	case !c.Ended && u.live():
		state += ", still open"
	case c.Ended && c.State == session.LoggedIn:
		state = "ended"
	}
	said := inspect.Count(c.Events, "event")
	if u.noted[c] {
		said += ", with notes of yours"
	}
	if u.saved[c] > c.Begin {
		said += ", some of them saved"
	}
	return line{
		{" " + sign + " ", style}, {wiref("%d ", c.ID), u.theme.accent}, {wire(inspect.Who(&c.Overview)), u.theme.strong},
		{wiref("  %s  %s", state, said), u.theme.text},
	}
}

// askSaveAll asks for the file that everything goes to before the inspector ends.
func (u *ui) askSaveAll() {
	x := export{Pick: u.whole(), what: "everything, and quit", path: u.exportName("sessions"), quit: true}
	for _, f := range u.options.Formats { // the last one: .pcapng shows more elsewhere than .pcap
		if f.Opens && f.Secrets { // with all that it holds
			x.path = "xmppscope-" + u.now().Format("20060102-150405") + f.Ext
		}
	}
	if u.options.Export == nil {
		u.say(notice, "exporting is not available here")
		return
	}
	u.askExportFile(x)
}

// breath is how soon after a question a key is no answer to it: it is the rest of what was
// pasted into a terminal that does not say so.
const breath = 300 * time.Millisecond

// connected counts the live sessions that go on.
func (u *ui) connected() (n int) {
	for _, c := range u.model.Sessions {
		if u.options.Live && !c.Ended {
			n++
		}
	}
	return n
}

// ending is what there is to be told of when the inspector has ended.
func (u *ui) ending() Ending {
	out := Ending{Sessions: u.model.Overviews(), Annotated: u.annotations().on}
	if u.discarded {
		return out
	}
	for _, c := range u.unsaved() {
		out.Unsaved = append(out.Unsaved, c.ID)
	}
	return out
}

// askLeft offers what an earlier run has left, one after the other.
func (u *ui) askLeft() {
	if len(u.options.Left) == 0 || u.prompt != nil {
		return
	}
	left := u.options.Left[0]
	next := func() {
		u.options.Left = u.options.Left[1:]
		u.askLeft()
	}
	tell := func(err error, done string) {
		if err != nil {
			u.say(failure, "✗ %v", err)
		} else {
			u.say(plain, "✓ %s", done)
		}
	}
	u.ask(question{
		title: "Left over from an earlier run: sessions that were not saved", label: "what should become of them?", leaving: true,
		help: func(string) (out []line) {
			for _, l := range left.Lines {
				out = append(out, line{{" " + wire(l), u.theme.text}})
			}
			return out
		},
		choices: []choice{
			{'k', "keep them: name a file", func() { u.askKeep(left, left.Name, "", next) }},
			{'d', "delete them", func() { tell(left.Drop(), "deleted"); next() }},
			{'l', "later: the file stays there for a week", next},
		},
		escaped: next,
	})
}

// askKeep asks where to move what an earlier run has left.
func (u *ui) askKeep(left Left, name, wrong string, next func()) {
	u.ask(question{
		title: "Keep what an earlier run left behind", label: "to file:", answer: name,
		help: func(string) (out []line) {
			if wrong != "" {
				out = append(out, line{{" ✗ " + wire(wrong), u.theme.failure}})
			}
			return append(out, line{{" ▲ it holds passwords and keys", u.theme.warning}})
		},
		done: func(path string) {
			if err := left.Keep(path); err != nil {
				u.askKeep(left, path, err.Error(), next)
				return
			}
			u.say(plain, "✓ kept as %s", path)
			next()
		},
		escaped: next,
	})
}
