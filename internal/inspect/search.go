package inspect

import (
	"context"
	"strings"
	"sync/atomic"

	"xmppscope/session"
)

// Finder is one search for a text.
type Finder struct {
	Rows     Entries
	From, By int             // the row to go on from, and the direction
	Others   []*Conversation // where to look if it is not in Rows, in this order
	More     []Entries       // and their rows
	Text     string          // in lower case
	Reveal   bool            // secrets are searched too
	// Looked counts the events that were looked at, for whoever waits; nil: nobody does.
	Looked *atomic.Int64

	search *session.Search // for what most events have
}

// Total is how many events there are to look at.
func (f *Finder) Total() int {
	n := f.Rows.Len()
	for _, rows := range f.More {
		n += rows.Len()
	}
	return n
}

// All are the indexes of all events of Rows that hold the text, in the order of the rows.
func (f *Finder) All(ctx context.Context, events *Cache) (out []int) {
	f.search = session.NewSearch(f.Text, f.Reveal)
	for _, at := range f.Rows.From(0) {
		if ctx.Err() != nil {
			return nil
		}
		if f.holds(events, at) {
			out = append(out, at.Index())
		}
	}
	return out
}

// holds says whether the text is in a row.
func (f *Finder) holds(events *Cache, at Entry) bool {
	if f.Looked != nil {
		f.Looked.Add(1)
	}
	if at.Has(Restart) {
		return false
	}
	e := events.At(at.Index())
	return e != nil && f.matches(e)
}

// Find returns the index of the first event that holds the text, going round
// from the row after From, and the other session that it is in, or nil; -1 if there
// is none.
func (f *Finder) Find(ctx context.Context, events *Cache) (int, *Conversation) {
	f.search = session.NewSearch(f.Text, f.Reveal)
	if at := f.findIn(ctx, events, f.Rows, f.From, f.By); at >= 0 {
		return at, nil
	}
	for i, c := range f.Others {
		if at := f.findIn(ctx, events, f.More[i], -1, 1); at >= 0 {
			return at, c
		}
	}
	return -1, nil
}

func (f *Finder) findIn(ctx context.Context, events *Cache, rows Entries, from, by int) int {
	n := rows.Len()
	for k := 1; k <= n && ctx.Err() == nil; k++ {
		if at := rows.At(((from+k*by)%n + n) % n); f.holds(events, at) {
			return at.Index()
		}
	}
	return -1
}

// matches says whether the text is in what can be seen of the event.
func (f *Finder) matches(e *session.Event) bool {
	if f.search.In(e) {
		return true
	}
	shown := session.Shown(e, f.Reveal)
	holds := func(s string) bool { return strings.Contains(strings.ToLower(s), f.Text) }
	if r := NewRow(&shown); holds(r.Title) || holds(r.More) {
		return true
	}
	if session.IsPlaintext(e.Body) {
		return false
	}
	if reason, hint := Trouble(&shown); holds(reason) || holds(hint) {
		return true
	}
	for _, t := range Tables(&shown) {
		if holds(t.Title) {
			return true
		}
		for _, fact := range t.Facts {
			if holds(fact.Label) || holds(fact.Value) {
				return true
			}
		}
	}
	return false
}
