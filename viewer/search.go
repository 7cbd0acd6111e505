package viewer

import (
	"context"
	"fmt"
	"strings"

	"xmppscope/inspect"
)

// search is what was searched for last, and the search that is under way.
type search struct {
	text   string
	lit    bool   // where it stands is marked
	cancel func() // of the newest, or nil
	busy   bool   // it is under way, or something else that reads the session
	does   string // which
}

// stop ends the search that is under way.
func (s *search) stop() {
	if s.cancel != nil {
		s.cancel()
	}
	s.cancel, s.busy = nil, false
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
	job := inspect.Finder{
		Rows: u.current().Rows, From: u.ladder.selected, By: by,
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
		u.say(warning, "%q is in no session", u.search.text)
		return
	case index < 0:
		u.say(warning, "%q is not in this session", u.search.text)
		return
	case where != nil:
		u.selectSession(where)
		u.follow = false
		u.say(notice, "%q is not in session %d: this is session %d", u.search.text, here.ID, where.ID)
	}
	u.ladder.choose(u.current().Find(index), 1)
	u.detail.top = u.litLine()
	switch after := u.ladder.selected; {
	case where != nil:
	case after == before:
		u.say(notice, "%q is in this event only", u.search.text)
	case by > 0 && after < before:
		u.say(notice, "wrapped to the first")
	case by < 0 && after > before:
		u.say(notice, "wrapped to the last")
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
