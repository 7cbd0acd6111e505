package viewer

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync/atomic"

	"xmppscope/internal/inspect"
)

// search is what was searched for last, and the search that is under way.
type search struct {
	text   string
	lit    bool   // where it stands is marked
	cancel func() // of the newest, or nil
	busy   bool   // it is under way, or something else that reads the session
	does   string // which
	looked *atomic.Int64
	total  int // of the events that are looked at; 0 if that is not known
	found  matches
}

// matches are all places in the rows of a session where a text stands.
type matches struct {
	of     *inspect.Conversation
	rows   int // how many the session had
	look   inspect.Look
	order  inspect.Order
	text   string
	reveal bool
	at     []int // indexes of the events, in the order of the rows
}

// holds says whether these are the matches of what is on the screen now.
func (m *matches) holds(u *ui) bool {
	c := u.current()
	return m.of == c && m.rows == c.Rows.Len() && m.look == c.Look && m.order == c.Order() && m.text == u.search.text && m.reveal == u.reveal
}

// progress is how far the search has come, "" if it has just begun.
func (s *search) progress() string {
	if s.looked == nil || s.total == 0 {
		return ""
	}
	if part := 100 * int(s.looked.Load()) / s.total; part > 0 {
		return fmt.Sprintf(" %d %%", min(part, 99))
	}
	return ""
}

// stop ends the search that is under way.
func (s *search) stop() {
	if s.cancel != nil {
		s.cancel()
	}
	s.cancel, s.busy, s.looked = nil, false, nil
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
		u.say(notice, "press / to search")
		return
	}
	u.search.stop()
	u.search.lit = true
	if u.turnMatch(by) {
		return
	}
	job := inspect.Finder{
		Looked: new(atomic.Int64),
		Rows:   u.current().Rows, From: u.ladder.selected, By: by,
		Text: strings.ToLower(u.search.text), Reveal: u.reveal,
	}
	for k := range u.listed { // and if it is not there: in the sessions that come next
		c := u.listed[(u.list.selected+1+k)%len(u.listed)]
		if c != u.current() {
			c.Show(u.look())
			job.Others = append(job.Others, c)
			job.More = append(job.More, c.Rows)
		}
	}
	u.flash = flash{}
	u.search.busy, u.search.does = true, fmt.Sprintf("searching for %q", u.search.text)
	u.search.looked, u.search.total = job.Looked, job.Total()
	index, where := -1, (*inspect.Conversation)(nil)
	u.search.cancel = u.spawn(
		func(ctx context.Context) { index, where = job.Find(ctx, inspect.NewCache(u.options.Log)) },
		func(ctx context.Context) { u.found(ctx, index, where, by) })
}

// found goes to the event that a search has found, in another session unless where
// is nil; -1 is none.
func (u *ui) found(ctx context.Context, index int, where *inspect.Conversation, by int) {
	if ctx.Err() != nil {
		return // another search has begun, or another session was chosen
	}
	u.search.stop()
	u.flash = flash{}
	here, before := u.current(), u.ladder.selected
	switch {
	case index < 0 && len(u.listed) > 1:
		u.say(warning, "%q was not found in any session", u.search.text)
		return
	case index < 0:
		u.say(warning, "%q was not found in this session", u.search.text)
		return
	case where != nil:
		u.selectSession(where)
		u.follow = false
		u.say(notice, "%q is not in session %d: found in session %d", u.search.text, here.ID, where.ID)
	}
	said := ""
	if where != nil {
		said = string(u.flash.text) + " · "
	}
	u.toMatch(index, by, before, where == nil)
	u.countMatches(said)
}

// toMatch selects an event that holds the text, and says if that went round the end.
func (u *ui) toMatch(index, by, before int, here bool) {
	u.current().Unfold(index)
	u.ladder.choose(u.current().Find(index), 1)
	u.detail.top = u.litLine()
	switch after := u.ladder.selected; {
	case !here:
	case by > 0 && after < before:
		u.say(notice, "wrapped to the first")
	case by < 0 && after > before:
		u.say(notice, "wrapped to the last")
	}
}

// countMatches counts in the background in how many events of the session the text is. What
// was said before stays.
func (u *ui) countMatches(said string) {
	c := u.current()
	m := matches{of: c, rows: c.Rows.Len(), look: c.Look, order: c.Order(), text: u.search.text, reveal: u.reveal}
	job := inspect.Finder{Rows: c.Rows, Text: strings.ToLower(m.text), Reveal: m.reveal, Looked: new(atomic.Int64)}
	if u.flash.text != "" && said == "" {
		said = string(u.flash.text) + " · "
	}
	u.search.busy, u.search.does = true, said+"counting the matches"
	u.search.looked, u.search.total = job.Looked, job.Total()
	u.search.cancel = u.spawn(
		func(ctx context.Context) { m.at = job.All(ctx, inspect.NewCache(u.options.Log)) },
		func(ctx context.Context) {
			if ctx.Err() != nil {
				return
			}
			u.search.stop()
			u.search.found = m
			u.sayMatch(said)
		})
}

// sayMatch says which match the selected event is.
func (u *ui) sayMatch(said string) {
	_, index := u.event()
	m := &u.search.found
	switch at := slices.Index(m.at, index); {
	case at < 0 || u.prompt != nil || u.leaving: // what was asked stands
	case len(m.at) == 1 && said == "":
		u.say(notice, "%q occurs only in this event", m.text)
	default:
		u.say(notice, "%smatch %s of %s", said, inspect.Number(at+1), inspect.Number(len(m.at)))
	}
}

// turnMatch goes to the next match in a direction if all are known.
func (u *ui) turnMatch(by int) bool {
	m := &u.search.found
	if !m.holds(u) || len(m.at) == 0 {
		return false
	}
	c, before := u.current(), u.ladder.selected
	n := len(m.at)
	at := sort.Search(n, func(i int) bool { return c.Find(m.at[i]) >= before })
	switch {
	case by < 0:
		at--
	case at < n && c.Find(m.at[at]) == before:
		at++
	}
	u.flash = flash{}
	u.toMatch(m.at[(at+n)%n], by, before, true)
	said := ""
	if u.flash.text != "" {
		said = string(u.flash.text) + " · "
	}
	u.sayMatch(said)
	return true
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
