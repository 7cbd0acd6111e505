package viewer

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"xmppscope/internal/inspect"
	"xmppscope/session"
)

// look is what is to be seen of a session.
func (u *ui) look() inspect.Look { return inspect.Look{Bare: u.bare, Table: u.table} }

// toggleTable turns between the ladder and the table of stanzas.
func (u *ui) toggleTable() {
	u.overlay = noOverlay
	_, index := u.event()
	u.table = !u.table
	c := u.current()
	u.sorted = inspect.ByTime
	if u.table && c.Rows.Len() == 0 {
		u.table = false
		u.current()
		u.say(notice, "no message, presence or iq in this session yet")
		return
	}
	u.ladder.selected = 0
	if row := c.Find(index); index >= 0 && row >= 0 {
		u.ladder.selected = row
	}
	u.ladder.free, u.detail.top = false, 0
	if u.ladder.skip(u.ladder.selected) {
		u.ladder.choose(u.ladder.selected, 1)
	}
	u.unsorted = u.options.Settings.Stanzas.Sort != ""
	u.sortAsSet()
}

// stanza is an event as a row of the table.
func (u *ui) stanza(c *inspect.Conversation, e *session.Event, reveal bool) inspect.Stanza {
	shown := session.Shown(e, reveal)
	var tree *session.Element
	if u.options.Tree != nil {
		tree = u.options.Tree(shown.Raw)
	}
	s := inspect.NewStanza(&shown, tree)
	s.Partner, s.RTT = c.Partner(e)
	return s
}

// bracket joins the selected request or answer with its partner, in the order of time.
func (u *ui) bracket(c *inspect.Conversation, e *session.Event) clean {
	chosen, _ := u.event()
	if chosen == nil || u.sortedBy() != inspect.ByTime {
		return " "
	}
	partner, _ := c.Partner(chosen)
	if partner == 0 {
		return " "
	}
	first, last := min(partner, chosen.Seq), max(partner, chosen.Seq)
	switch {
	case e.Seq == first:
		return "┌"
	case e.Seq == last:
		return "└"
	case e.Seq > first && e.Seq < last:
		return "│"
	}
	return " "
}

// toPartner goes to the answer of a request, or to the request that was answered.
func (u *ui) toPartner() {
	u.overlay = noOverlay
	e, _ := u.event()
	c := u.current()
	if e == nil {
		u.say(notice, "there is no event yet")
		return
	}
	partner, _ := c.Partner(e)
	switch {
	case partner != 0:
		u.goTo(fmt.Sprint(partner))
	case c.Unanswered(e):
		u.say(warning, "#%d was never answered", e.Seq)
	default:
		u.say(notice, "#%d is neither an answered request nor an answer", e.Seq)
	}
}

// sortedBy is what the rows of this session are sorted by now.
func (u *ui) sortedBy() inspect.Column { return u.current().Order().By }

// nextSort sorts the table by the next column.
func (u *ui) nextSort() {
	if u.inList() {
		u.sortList()
		return
	}
	if !u.table {
		u.say(notice, "only the table of stanzas can be sorted: v shows it")
		return
	}
	by := u.sortedBy()
	if u.search.busy { // it will be
		by = u.sorted
	}
	by = (by + 1) % inspect.ColumnCount
	u.sortBy(by, by == inspect.ByRTT || by == inspect.BySize) // of these the largest matter
}

// turnSort turns the order round.
func (u *ui) turnSort() {
	if u.inList() {
		u.turnList()
		return
	}
	if !u.table || u.sortedBy() == inspect.ByTime {
		u.say(notice, "o sorts the table of stanzas by a column, O reverses the order")
		return
	}
	now := u.current().Order()
	u.sortBy(now.By, !now.Falling)
}

// sortBy sorts the rows in the background: all of them have to be read.
func (u *ui) sortBy(by inspect.Column, falling bool) {
	u.search.stop()
	u.sorted, u.falling = by, falling
	c := u.current()
	_, index := u.event()
	settle := func() {
		if row := c.Find(index); index >= 0 && row >= 0 {
			u.ladder.choose(row, 1)
		}
	}
	u.follow = u.follow && by == inspect.ByTime
	if by == inspect.ByTime {
		c.Unsort()
		settle()
		return
	}
	type keyed struct {
		at  inspect.Entry
		key inspect.SortKey
	}
	rows, reveal, pairs := c.Rows, u.reveal, c.Pairs()
	var out inspect.Entries
	u.search.busy, u.search.does = true, "sorting by "+inspect.ColumnNames[by]
	u.search.cancel = u.spawn(func(ctx context.Context) {
		events := inspect.NewCache(u.options.Log)
		keys := inspect.SortKeys{By: by}
		all := make([]keyed, 0, rows.Len())
		for _, at := range rows.From(0) {
			if ctx.Err() != nil {
				return
			}
			if e := events.At(at.Index()); e != nil {
				s := u.sortable(e, reveal, pairs)
				all = append(all, keyed{at, keys.Of(&s)})
			}
		}
		slices.SortFunc(all, func(a, b keyed) int {
			n := a.key.Compare(b.key)
			if falling {
				n = -n
			}
			return cmp.Or(n, cmp.Compare(a.at.Index(), b.at.Index()))
		})
		for i := range all {
			out.Add(all[i].at)
		}
	}, func(context.Context) {
		u.search.stop()
		if u.current() != c || u.sorted != by || u.falling != falling {
			return
		}
		c.Sort(out, inspect.Order{By: by, Falling: falling})
		settle()
	})
}

// sortable is a stanza as far as rows are sorted by it: what is in it is read only where
// something is wrapped.
func (u *ui) sortable(e *session.Event, reveal bool, pairs inspect.Pairs) inspect.Stanza {
	shown := session.Shown(e, reveal)
	var tree *session.Element
	if u.options.Tree != nil && bytes.Contains(shown.Raw, []byte(inspect.NSForward)) {
		tree = u.options.Tree(shown.Raw)
	}
	s := inspect.NewStanza(&shown, tree)
	s.Partner, s.RTT = pairs.Partner(e)
	return s
}

// pairText is a request and its answer side by side, or one below the other where there is
// little room; nil if the event has no partner.
func (u *ui) pairText(e *session.Event, width int) []line {
	c := u.current()
	partner, took := c.Partner(e)
	if partner == 0 || !u.table || u.view != explained {
		return nil
	}
	other := c.EventOf(partner, u.events)
	if other == nil {
		return nil
	}
	first, second := e, other
	if partner < e.Seq {
		first, second = other, e
	}
	each := (width - 3) / 2
	if width < 76 {
		each = width
	}
	half := func(e *session.Event) []line {
		shown := session.Shown(e, u.reveal)
		p := &textBlock{theme: &u.theme, width: each}
		p.xml(&shown, u.options.Pretty)
		if len(p.lines) == 0 {
			return nil
		}
		p.lines[0] = line{{wiref(" #%d %s", e.Seq, way(e, c.Captured)), u.theme.title}}
		p.explain(&shown)
		return p.lines
	}
	left, right := half(first), half(second)
	head := line{{wiref(" Pair #%d → #%d · %s", first.Seq, second.Seq, session.ShortTime(took)), u.theme.strong}, {"  P: to the other one · x: the event alone", u.theme.faint}}
	out := []line{head.fit(width)}
	if each == width {
		return append(append(append(out, left...), nil), right...)
	}
	for i := range max(len(left), len(right)) {
		var l, r line
		if i < len(left) {
			l = left[i].fit(each)
		}
		if i < len(right) {
			r = right[i]
		}
		l = append(slices.Clone(l), span{spaces(each - l.width()), u.theme.text}, span{" │ ", u.theme.lifeline})
		out = append(out, append(l, r...).fit(width))
	}
	return out
}
