package viewer

import (
	"xmppscope/internal/inspect"
	"xmppscope/session"
)

// onFolded says that the selected row is that of a folded phase.
func (u *ui) onFolded() bool {
	rows := u.current().Rows
	i := u.ladder.selected
	return i >= 0 && i < rows.Len() && rows.At(i).Has(inspect.Folded)
}

// foldPhase folds the phase that the selected row is in, or shows it again.
func (u *ui) foldPhase() { u.folds((*inspect.Conversation).FoldPhase) }

// foldAll folds all phases, or shows all again.
func (u *ui) foldAll() { u.folds((*inspect.Conversation).FoldAll) }

func (u *ui) folds(fold func(*inspect.Conversation, int) int) {
	u.overlay = noOverlay
	c := u.current()
	switch {
	case u.table:
		u.say(notice, "the table has no phases; v shows the ladder")
		return
	case c.Rows.Len() == 0:
		u.say(notice, "there is no event yet")
		return
	}
	u.ladder.selected, u.ladder.free = max(0, fold(c, u.ladder.selected)), false
	if u.ladder.skip(u.ladder.selected) {
		u.ladder.choose(u.ladder.selected, 1)
	}
	u.sought, u.detail.top = -1, 0
}

// foldedRow is the row of a folded phase: what it is, and what it holds.
func (u *ui) foldedRow(c *inspect.Conversation, i, width int) line {
	f := c.Folded(i)
	marker := pointer(i == u.ladder.selected)
	l := line{{marker, u.theme.accent}}
	first, last := u.events.At(f.First), u.events.At(f.Last)
	if first == nil || last == nil {
		return append(l, span{" events cannot be read back", u.theme.failure})
	}
	l = append(l, span{wiref("%d", first.Seq).padLeft(u.numberWidth()), u.theme.accent},
		span{u.rowTime(c, i, first).padLeft(timeWidth) + "  ", u.theme.faint},
		span{"▸ ", u.theme.accent}, span{wire(f.Title), u.theme.strong},
		span{wiref(" · %s in %s", inspect.Count(f.Events, "event"), session.ShortTime(last.At.Sub(first.At))), u.theme.text})
	if f.Failures > 0 {
		l = append(l, span{wiref(" · %s %s", mark(failure), inspect.Count(f.Failures, "failure")), u.theme.failure})
	}
	if f.Findings > 0 {
		l = append(l, span{wiref(" · %s %s", mark(notice), inspect.Count(f.Findings, "finding")), u.theme.notice})
	}
	return l.fit(width)
}
