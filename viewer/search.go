package viewer

import (
	"context"
	"slices"
	"strings"

	"xmppscope/session"
)

// search is what was searched for last, and the search that is under way.
type search struct {
	text   string
	lit    bool   // where it stands is marked
	cancel func() // of the one that is under way, or nil
}

// stop ends the search that is under way.
func (s *search) stop() {
	if s.cancel != nil {
		s.cancel()
		s.cancel = nil
	}
}

// askSearch asks for a text and goes to the next event that holds it.
func (u *ui) askSearch() {
	u.ask(question{label: "search:", done: func(text string) {
		if text != "" {
			u.search.text = text
		}
		u.searchOn(1)
	}})
}

// searchOn goes to the next match in a direction. It looks at the events in a
// goroutine of its own: a long session lies on disk for the most part.
func (u *ui) searchOn(by int) {
	if u.search.text == "" {
		u.say(notice, "nothing was searched for yet; / asks")
		return
	}
	u.search.stop()
	u.search.lit = true
	job := finder{
		rows: u.current().rows, from: u.ladder.selected, by: by,
		text: strings.ToLower(u.search.text), reveal: u.reveal,
	}
	for k := range u.model.sessions { // and if it is not there: in the sessions that come next
		c := u.model.sessions[(u.list.selected+1+k)%len(u.model.sessions)]
		if c != u.current() {
			c.show(u.bare)
			job.others = append(job.others, c)
			job.more = append(job.more, c.rows)
		}
	}
	u.say(notice, "searching for %q …", u.search.text)
	index, where := -1, (*conversation)(nil)
	u.search.cancel = u.spawn(
		func(ctx context.Context) { index, where = job.find(ctx, newCache(u.options.Log)) },
		func(ctx context.Context) { u.found(ctx, index, where, by) })
}

// found goes to the event that a search has found, in another session unless where
// is nil; -1 is none.
func (u *ui) found(ctx context.Context, index int, where *conversation, by int) {
	if ctx.Err() != nil {
		return // another search has begun, or another session was chosen
	}
	u.search.stop()
	u.flash = flash{}
	here, before := u.current(), u.ladder.selected
	switch {
	case index < 0 && len(u.model.sessions) > 1:
		u.say(warning, "%q is in no session", u.search.text)
		return
	case index < 0:
		u.say(warning, "%q is not in this session", u.search.text)
		return
	case where != nil:
		u.list.choose(slices.Index(u.model.sessions, where), 1)
		u.follow = false
		u.say(notice, "%q is not in session %d: this is session %d", u.search.text, here.ID, where.ID)
	}
	u.ladder.choose(u.current().find(index), 1)
	u.detail.top = u.litLine()
	switch after := u.ladder.selected; {
	case where != nil:
	case after == before:
		u.say(notice, "%q is in this event only", u.search.text)
	case by > 0 && after < before:
		u.say(notice, "on from the first")
	case by < 0 && after > before:
		u.say(notice, "on from the last")
	}
}

// litLine is the line of the detail pane to begin with, so that the first match in
// it can be seen.
func (u *ui) litLine() int {
	for i, l := range u.detailText() {
		if len(l.lit(u.search.text, u.theme.match)) > len(l) {
			if i < u.detail.room() {
				return 0
			}
			return i - u.detail.room()/2
		}
	}
	return 0
}

// lit marks what was searched for in a line.
func (u *ui) lit(l line) line {
	if !u.search.lit || u.search.text == "" {
		return l
	}
	return l.lit(u.search.text, u.theme.match)
}

// finder is one search.
type finder struct {
	rows     []entry
	from, by int
	others   []*conversation // where to look if it is not in rows, in this order
	more     [][]entry       // and their rows
	text     string          // in lower case
	reveal   bool
}

// find returns the index of the first event that holds the text, going round
// from the row after from, and the other session that it is in, or nil; -1 if there
// is none.
func (f *finder) find(ctx context.Context, events *cache) (int, *conversation) {
	if at := f.findIn(ctx, events, f.rows, f.from, f.by); at >= 0 {
		return at, nil
	}
	for i, c := range f.others {
		if at := f.findIn(ctx, events, f.more[i], -1, 1); at >= 0 {
			return at, c
		}
	}
	return -1, nil
}

func (f *finder) findIn(ctx context.Context, events *cache, rows []entry, from, by int) int {
	n := len(rows)
	for k := 1; k <= n && ctx.Err() == nil; k++ {
		at := rows[((from+k*by)%n+n)%n]
		if at.has(isRestart) {
			continue
		}
		if e := events.at(at.index()); e != nil && f.matches(e) {
			return at.index()
		}
	}
	return -1
}

// matches says whether the text is in what can be seen of the event.
func (f *finder) matches(e *session.Event) bool {
	shown := *e
	if !f.reveal {
		shown = session.Blank(shown)
	}
	holds := func(s string) bool { return strings.Contains(strings.ToLower(s), f.text) }
	if r := newRow(&shown); holds(string(r.title)) || holds(string(r.more)) || f.inBody(&shown) {
		return true
	}
	if holds(shown.Summary) || holds(string(shown.Raw)) || holds(shown.Kind()) {
		return true
	}
	if s := shown.Step; s != nil && (holds(s.Title) || holds(s.ID)) {
		return true
	}
	for i := range shown.Notes {
		if n := &shown.Notes[i]; holds(n.Name) || holds(n.Value) || holds(n.Text) {
			return true
		}
	}
	return false
}

// inBody says whether the text is in what an event holds beyond XML: facts of a
// connection or a handshake, certificates.
func (f *finder) inBody(e *session.Event) bool {
	p := &textBlock{theme: &theme{}, width: 1 << 20}
	p.failed(e)
	p.body(e)
	for _, l := range p.lines {
		for _, s := range l {
			if strings.Contains(strings.ToLower(string(s.text)), f.text) {
				return true
			}
		}
	}
	return false
}
