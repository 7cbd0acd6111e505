package viewer

import (
	"fmt"
	"strings"

	"xmppscope/internal/inspect"
	"xmppscope/session"
)

// copyText asks the terminal to put the event's text into its clipboard (OSC 52): as
// it is shown, so without secrets unless they are revealed, and without what could
// do harm where it is pasted.
func (u *ui) copyText() {
	shown := u.shownEvent()
	if shown == nil {
		return
	}
	text, what := session.Safe(string(cutRaw(shown.Raw))), "the text of the event"
	switch {
	case len(shown.Raw) == 0:
		text, what = session.SafeLine(shown.Summary), "the event in words"
	case len(shown.Raw) > rawLimit:
		what = "the first " + inspect.Amount(rawLimit) + " of the event"
	}
	u.copy(text, what)
}

// shownEvent is the selected event as it is shown; nil, and it is said, if there is none.
func (u *ui) shownEvent() *session.Event {
	e, _ := u.event()
	if e == nil {
		u.say(notice, "there is no event to copy")
		return nil
	}
	shown := session.Shown(e, u.reveal)
	return &shown
}

// copy puts a text into the clipboard of the terminal, at the next draw.
func (u *ui) copy(text, what string) {
	u.copied = []byte(text)
	u.say(notice, "copied, if the terminal allows it: %s", what)
}

// valuesOffered bounds the list of values to copy: each has a digit.
const valuesOffered = 9

// askCopy asks what of the event is to be copied.
func (u *ui) askCopy() {
	e := u.shownEvent()
	if e == nil {
		return
	}
	choices := []choice{{'x', "its text", u.copyText}, {'m', "Markdown, for an issue", func() { u.copy(markdown(e, u.current().Captured), "Markdown") }}}
	if u.options.CommandLine != nil {
		choices = append(choices, choice{'c', "a command line that prints it", func() {
			if text := u.options.CommandLine(e.Session, e.Seq); text != "" {
				u.copy(text, text)
				return
			}
			u.say(notice, "nothing is being saved, so no command line can print it")
		}})
	}
	n := 0
	for i := range e.Notes {
		note := &e.Notes[i]
		if note.Name == "" || note.Value == "" || n == valuesOffered {
			continue
		}
		n++
		value := session.Safe(note.Value)
		choices = append(choices, choice{rune('0' + n), wiref("%s: %s", note.Name, session.Clip(note.Value, 60)), func() { u.copy(value, note.Name) }})
	}
	u.ask(question{title: wiref("Copy #%d", e.Seq), label: "copy what?", choices: choices})
}

// markdown is an event for an issue tracker.
func markdown(e *session.Event, captured bool) string {
	r := inspect.NewRow(e)
	var b strings.Builder
	fmt.Fprintf(&b, "**#%d** %s: %s\n", e.Seq, way(e, captured), unmarked(session.SafeLine(strings.TrimSpace(r.Title+"  "+r.More))))
	if len(e.Raw) > 0 {
		text := session.Safe(string(cutRaw(e.Raw)))
		fence := "```"
		for strings.Contains(text, fence) {
			fence += "`"
		}
		fmt.Fprintf(&b, "\n%sxml\n%s\n%s\n", fence, text, fence)
	}
	for i := range e.Notes {
		if n := &e.Notes[i]; n.Severity >= session.Notice && n.Text != "" {
			fmt.Fprintf(&b, "\n* %s: %s %s", n.Severity, unmarked(session.SafeLine(n.Text)), n.Ref)
		}
	}
	return strings.TrimSpace(b.String()) + "\n"
}

// unmarked is text in which nothing is markup of Markdown.
func unmarked(text string) string {
	var b strings.Builder
	for _, r := range text {
		if strings.ContainsRune("\\`*_{}[]<>#|~&!", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
