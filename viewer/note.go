package viewer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xmppscope/internal/inspect"
	"xmppscope/session"
)

// spot is an event by its session and its number.
type spot struct {
	session int
	seq     uint64
}

// remark is what the person has said of an event; where it is empty, it was taken back.
type remark struct {
	session.Annotation
	of    *inspect.Conversation
	index int
}

// recall takes what was said of an event when it was saved.
func (u *ui) recall(index int, e *session.Event) {
	if len(e.Notes) == 0 {
		return
	}
	a := e.Annotation()
	if a == (session.Annotation{}) {
		return
	}
	at := spot{e.Session, e.Seq}
	if _, known := u.remarks[at]; known {
		return
	}
	u.remarks[at] = remark{a, u.model.Session(e.Session), index}
	if a.Marked {
		u.marks[index] = true
	}
}

// remarkOf is what the person has said of an event.
func (u *ui) remarkOf(e *session.Event) session.Annotation {
	return u.remarks[spot{e.Session, e.Seq}].Annotation
}

// annotate keeps what is said of the event that is selected.
func (u *ui) annotate(e *session.Event, index int, a session.Annotation) {
	c := u.current()
	u.remarks[spot{e.Session, e.Seq}] = remark{a, c, index}
	u.lines = detailCache{}
}

// askNote asks for a note on the selected event.
func (u *ui) askNote() {
	u.overlay = noOverlay
	e, index := u.event()
	if e == nil {
		u.say(notice, "there is no event to write a note on")
		return
	}
	c, before := u.current(), u.remarkOf(e)
	u.ask(question{
		title: wiref("Note on #%d", e.Seq), label: "note:", answer: before.Text,
		help: func(string) []line {
			return []line{{{" It is shown on the event's row and goes into exports: Wireshark shows it as a comment, reports print it. Leave it empty to remove it.", u.theme.text}}}
		},
		done: func(text string) {
			if text = strings.TrimSpace(text); text == before.Text {
				return
			}
			before.Text = text
			u.annotate(e, index, before)
			u.noted[c] = true
			if text == "" {
				u.say(notice, "the note on #%d was removed", e.Seq)
				return
			}
			u.say(plain, "noted on #%d; e exports it with the events, A lists all notes", e.Seq)
		},
	})
}

// noteSpan is the note on an event, for its row.
func (u *ui) noteSpan(e *session.Event) line {
	if a := u.remarkOf(e); a.Text != "" {
		return line{{"✎ " + wire(a.Text), u.theme.accent}}
	}
	return nil
}

// annotations are what the person has said of events.
type annotations map[spot]session.Annotation

// annotations is a copy, for a job.
func (u *ui) annotations() annotations {
	out := make(annotations, len(u.remarks))
	for at, r := range u.remarks {
		out[at] = r.Annotation
	}
	return out
}

// on is an event with what was said of it.
func (a annotations) on(e session.Event) session.Event {
	if said, ok := a[spot{e.Session, e.Seq}]; ok && session.Numbered(e.Body) {
		return e.Annotated(said)
	}
	return e
}

// showNotes lists what the person has said, and marked, in all sessions.
func (u *ui) showNotes() {
	type row struct {
		spot
		remark
	}
	var rows []row
	for at, r := range u.remarks {
		if r.Annotation != (session.Annotation{}) {
			rows = append(rows, row{at, r})
		}
	}
	if len(rows) == 0 {
		u.say(notice, "no notes or marks yet: a writes a note, m marks")
		return
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Or(a.session-b.session, cmp.Compare(a.seq, b.seq)) })
	u.show(sheet{
		title: "Notes and marks", hint: "Enter goes there",
		text: func(p *textBlock) {
			p.gap()
			for _, r := range rows {
				from := len(p.lines)
				sign := clean("  ")
				if r.Marked {
					sign = "◆ "
				}
				title := ""
				if e := u.events.At(r.index); e != nil {
					shown := session.Shown(e, u.reveal)
					title = inspect.NewRow(&shown).Title
				}
				p.lines = append(p.lines, line{{wiref(" %4d ", r.session), p.theme.faint}, {wire(fmt.Sprint("#", r.seq)).padLeft(7) + " ", p.theme.accent}, {sign, p.theme.accent},
					{wire(title).pad(within(p.width/3, 16, 44)) + "  ", p.theme.faint}, {wire(r.Text), p.theme.text}}.fit(p.width))
				p.offer(from, func() { u.visit(r.of, r.seq) })
			}
		},
	})
}
