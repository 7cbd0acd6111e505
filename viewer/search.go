package viewer

import (
	"context"
	"strings"

	"xmppscope/session"
)

// search is what was searched for last, and the search that is under way.
type search struct {
	text   string
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
	job := finder{
		rows: u.current().rows, from: u.ladder.selected, by: by,
		text: strings.ToLower(u.search.text), reveal: u.reveal,
	}
	u.say(notice, "searching for %q …", u.search.text)
	index := -1
	u.search.cancel = u.spawn(
		func(ctx context.Context) { index = job.find(ctx, newCache(u.options.Log)) },
		func(ctx context.Context) { u.found(ctx, index) })
}

// found goes to the event that a search has found; -1 is none.
func (u *ui) found(ctx context.Context, index int) {
	if ctx.Err() != nil {
		return // another search has begun, or another session was chosen
	}
	u.search.stop()
	u.flash = flash{}
	if index < 0 {
		u.say(warning, "%q is not in this session", u.search.text)
		return
	}
	before := u.ladder.selected
	u.ladder.choose(u.current().find(index), 1)
	if u.ladder.selected == before {
		u.say(notice, "%q is in this event only", u.search.text)
	}
}

// finder is one search.
type finder struct {
	rows     []entry
	from, by int
	text     string // in lower case
	reveal   bool
}

// find returns the index of the first event that holds the text, going round
// from the row after from; -1 if there is none.
func (f *finder) find(ctx context.Context, events *cache) int {
	n := len(f.rows)
	for k := 1; k <= n && ctx.Err() == nil; k++ {
		at := f.rows[((f.from+k*f.by)%n+n)%n]
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
