package viewer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gdamore/tcell/v2"

	"xmppscope/session"
)

// chosenField is the decoded field whose bytes are lit: a note of an event.
type chosenField struct {
	index int // of the event in the Log
	note  int // place among its notes, counted from 1; 0: none
}

// fieldChosen is the place of the chosen field among the notes of the selected event, -1
// for none.
func (u *ui) fieldChosen(index int) int {
	if u.field.index != index {
		return -1
	}
	return u.field.note - 1
}

// fieldsOf are the places of the fields of an event that are about some of its bytes, in the
// order of these.
func fieldsOf(e *session.Event) (out []int) {
	for i := range e.Notes {
		if n := &e.Notes[i]; n.Name != "" && n.Rule != session.RuleUser && n.Span.End > n.Span.Start {
			out = append(out, i)
		}
	}
	slices.SortStableFunc(out, func(a, b int) int {
		x, y := e.Notes[a].Span, e.Notes[b].Span
		return cmp.Or(x.Start-y.Start, y.End-x.End)
	})
	return out
}

// turnField lights up the bytes of the next field, or of the one before.
func (u *ui) turnField(by int) {
	u.overlay = noOverlay
	e, index := u.event()
	if e == nil {
		u.say(notice, "there is no event yet")
		return
	}
	fields := fieldsOf(e)
	if len(fields) == 0 {
		u.say(notice, "no decoded field of #%d points at its bytes", e.Seq)
		return
	}
	at := slices.Index(fields, u.fieldChosen(index))
	switch {
	case at < 0 && by < 0:
		at = len(fields) - 1
	case at < 0:
		at = 0
	default:
		at = (at + by + len(fields)) % len(fields)
	}
	u.chooseField(index, fields[at])
}

// chooseField lights up the bytes of a field, and brings them into sight.
func (u *ui) chooseField(index, note int) {
	u.field = chosenField{index, note + 1}
	first, last, room := -1, -1, u.detail.room()
	for i, l := range u.detailText() {
		if slices.ContainsFunc(l, func(s span) bool { return s.style == u.theme.match }) {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if first >= 0 && (first < u.detail.top || last >= u.detail.top+room) {
		u.detail.top = max(0, min(first-1, last-room+1))
		if last-first >= room {
			u.detail.top = max(0, first-1)
		}
	}
}

// fieldAt chooses the field that a line of the detail pane is about: its own line, or the
// narrowest one that has a byte there.
func (u *ui) fieldAt(line int) {
	e, index := u.event()
	if e == nil || line < 0 || line >= len(u.lines.about) {
		return
	}
	about := u.lines.about[line]
	if about.note > 0 {
		u.field = chosenField{index, about.note}
		return
	}
	best := -1
	for i := range about.notes {
		n := &about.notes[i]
		if n.Name == "" || n.Rule == session.RuleUser || n.Span.End <= about.from || n.Span.Start >= about.to || n.Span.Len() == 0 {
			continue
		}
		if best < 0 || n.Span.Len() < about.notes[best].Span.Len() {
			best = i
		}
	}
	if best >= 0 {
		u.field = chosenField{index, best + 1}
	}
}

// about is what a line of the detail pane is about: a field, or some bytes of the event.
type about struct {
	note     int // counted from 1; 0: bytes
	from, to int
	notes    []session.Note // whose spans are of these bytes
}

// onBytes notes that the lines from n on are about bytes.
func (p *textBlock) onBytes(n, from, to int, notes []session.Note) {
	for len(p.about) < n {
		p.about = append(p.about, about{})
	}
	for len(p.about) < len(p.lines) {
		p.about = append(p.about, about{from: from, to: to, notes: notes})
	}
}

// onField notes that the lines from n on are about a field.
func (p *textBlock) onField(n, note int) {
	for len(p.about) < n {
		p.about = append(p.about, about{})
	}
	for len(p.about) < len(p.lines) {
		p.about = append(p.about, about{note: note + 1})
	}
}

// light is the text that stands at a place of the bytes, with those that are lit in another
// style.
func (p *textBlock) light(text string, at int, style tcell.Style) line {
	from, to := within(p.lit.Start-at, 0, len(text)), within(p.lit.End-at, 0, len(text))
	if from >= to {
		return line{{wire(tabs(text)), style}}
	}
	var out line
	for _, part := range []span{{wire(tabs(text[:from])), style}, {wire(tabs(text[from:to])), p.theme.match}, {wire(tabs(text[to:])), style}} {
		if part.text != "" {
			out = append(out, part)
		}
	}
	return out
}

func tabs(s string) string { return strings.ReplaceAll(s, "\t", "    ") }

// fieldWords names the chosen field and where it stands, for the title of the pane.
func (u *ui) fieldWords() string {
	e, index := u.event()
	note := u.fieldChosen(index)
	if e == nil || note < 0 || note >= len(e.Notes) {
		return ""
	}
	n := &e.Notes[note]
	return fmt.Sprintf("%s: bytes %d to %d", n.Name, n.Span.Start, n.Span.End-1)
}
