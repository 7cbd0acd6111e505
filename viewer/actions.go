package viewer

import (
	"slices"

	"github.com/gdamore/tcell/v2"
	"github.com/rivo/tview"

	"xmppscope/internal/inspect"
	"xmppscope/session"
)

// InputHandler takes keys; see tview.Primitive.
func (u *ui) InputHandler() func(*tcell.EventKey, func(tview.Primitive)) {
	return func(event *tcell.EventKey, _ func(tview.Primitive)) {
		u.flash = flash{}
		if u.prompt != nil {
			u.answer(event)
			return
		}
		if u.edit != nil {
			u.editKey(event)
			return
		}
		asked := u.leaving
		u.press(event)
		u.leaving = u.leaving && !asked // any other key means no
	}
}

// PasteHandler takes pasted text; see tview.Primitive.
func (u *ui) PasteHandler() func(string, func(tview.Primitive)) {
	return func(text string, _ func(tview.Primitive)) { u.paste(text) }
}

// MouseHandler takes the mouse; see tview.Primitive.
func (u *ui) MouseHandler() func(tview.MouseAction, *tcell.EventMouse, func(tview.Primitive)) (bool, tview.Primitive) {
	return func(action tview.MouseAction, event *tcell.EventMouse, _ func(tview.Primitive)) (bool, tview.Primitive) {
		x, y := event.Position()
		if u.edit != nil && u.prompt == nil && u.edit.area.InRect(x, y) {
			return u.edit.area.MouseHandler()(action, event, func(tview.Primitive) {})
		}
		switch action {
		case tview.MouseLeftDown:
			u.downs = [2][2]int{u.downs[1], {x, y}}
			u.click(x, y)
		case tview.MouseLeftDoubleClick:
			if u.downs[0] != u.downs[1] {
				break // two clicks in quick succession, on two places
			}
			if u.ladder.at(x, y) >= 0 || u.want.zoom {
				u.toggleZoom()
			}
		case tview.MouseScrollUp:
			u.wheel(x, y, -3)
		case tview.MouseScrollDown:
			u.wheel(x, y, 3)
		default:
			return false, nil
		}
		return true, nil
	}
}

func (u *ui) click(x, y int) {
	u.flash = flash{}
	if u.edit != nil {
		return
	}
	if u.plan.hints.holds(x, y) {
		for _, h := range u.hits {
			if x >= h.from && x < h.to {
				u.carryOut(h.of.action, h.of.keys[0].char)
				return
			}
		}
		return
	}
	if u.overlay != noOverlay {
		u.clickPage(x, y)
		return
	}
	for i, p := range u.panes() {
		if !p.holds(x, y) {
			continue
		}
		u.want.focus = i
		switch item := p.at(x, y); {
		case item >= 0 && p.cursor:
			p.choose(item, 1)
		case item >= 0 && p == u.detail:
			u.fieldAt(item)
		}
	}
}

func (u *ui) wheel(x, y, by int) {
	if u.overlay != noOverlay {
		u.page.scroll(by)
		return
	}
	for _, p := range u.panes() {
		if p.holds(x, y) {
			p.scroll(by)
			if p == u.ladder && by < 0 {
				u.follow = false
			}
		}
	}
}

// rowChosen: the person has selected another event.
func (u *ui) rowChosen() {
	u.sought = -1
	u.detail.top = 0
	if u.ladder.selected < u.rowCount()-1 {
		u.follow = false
	}
}

// sessionChosen: the person has selected another session.
func (u *ui) sessionChosen() {
	if n := len(u.model.Sessions); n > 0 && u.current() != u.model.Sessions[n-1] {
		u.follow = false
	}
	u.restore()
}

// selectSession selects a session, and remembers where the ladder stood in the
// one before. One that the list leaves out brings all back.
func (u *ui) selectSession(c *inspect.Conversation) {
	i := slices.Index(u.listed, c)
	if i < 0 {
		u.narrow, u.listing.Words = "", nil
		u.relist()
		i = max(0, slices.Index(u.listed, c))
	}
	u.list.selected, u.list.free = i, false
	u.restore()
}

// restore puts the ladder where it stood in the session that is now selected.
func (u *ui) restore() {
	c := u.current()
	if before := u.stood; before != nil && before != c {
		if i := u.ladder.selected; i < before.Rows.Len() {
			at := u.stand(before)
			at.cursor, at.top = before.Rows.At(i).Index(), u.ladder.top
		}
		at := u.stand(c)
		u.ladder.selected, u.ladder.top = max(0, c.Find(at.cursor)), at.top
	}
	u.stood = c
	u.ladder.free, u.detail.top = false, 0
	u.search.stop()
	if u.follow {
		u.toEnd()
	}
}

func (u *ui) step(by int) {
	switch {
	case u.choosing():
		u.chooseSession(by)
	case u.picking():
		u.pick(by)
	default:
		u.focused().move(by)
	}
}
func (u *ui) pages(by int) {
	if u.picking() {
		u.pick(by * max(1, u.page.room()-1))
		return
	}
	u.focused().page(by)
}

func (u *ui) halves(by int) {
	if u.picking() {
		u.pick(by * max(1, u.page.room()/2))
		return
	}
	u.focused().move(by * max(1, u.focused().room()/2))
}

func (u *ui) first() {
	if u.picking() {
		u.pick(-len(u.places))
		return
	}
	u.focused().home()
}

func (u *ui) last() {
	if u.picking() {
		u.pick(len(u.places))
		u.page.end()
		return
	}
	u.focused().end()
	if c := u.current(); u.focused() == u.ladder {
		u.follow = u.follow || u.options.Live
		u.stand(c).stopped = c.Decisive() // the last is what was asked for
	}
}

// turnFocus goes to the next pane that is shown.
func (u *ui) turnFocus(by int) {
	if u.overlay != noOverlay {
		return
	}
	for range u.panes() {
		u.want.focus = (u.want.focus + by + len(u.panes())) % len(u.panes())
		if u.want.zoom || u.alone() || u.plan.panes[u.want.focus].w > 0 {
			return
		}
	}
}

// alone says that there is room for one pane only, so that turning shows the next.
func (u *ui) alone() bool {
	n := 0
	for _, r := range u.plan.panes {
		if r.w > 0 {
			n++
		}
	}
	return n <= 1
}

// turnSession goes to the next session or the one before.
func (u *ui) turnSession(by int) {
	if u.overlay == noOverlay || u.choosing() {
		u.chooseSession(by)
	}
}

// turnEvent goes to the next event or the one before, whatever has the focus: so
// one can read on while an event fills the screen.
func (u *ui) turnEvent(by int) {
	if u.overlay == noOverlay {
		u.ladder.move(by)
	}
}

// enter goes on: from a session to its ladder, from an event to its zoom.
func (u *ui) enter() {
	switch {
	case u.picking():
		u.places[u.picked].enter()
	case u.overlay != noOverlay:
		u.overlay = noOverlay
	case u.want.focus == listPane:
		u.want.focus, u.want.zoom = ladderPane, false
	case u.want.focus == ladderPane && u.onFolded():
		u.foldPhase()
	default:
		u.toggleZoom()
	}
}

func (u *ui) toggleZoom() {
	u.want.zoom = !u.want.zoom
	u.want.focus = ladderPane
	if u.want.zoom {
		u.want.focus = detailPane
	}
}

// back leaves whatever lies over the panes, or takes back what was begun.
func (u *ui) back() {
	switch {
	case u.overlay != noOverlay:
		u.overlay = noOverlay
	case u.want.zoom:
		u.toggleZoom()
	case u.compared != nil:
		u.say(notice, "comparing session %d was cancelled", u.compared.ID)
		u.compared = nil
	default:
		u.search.stop()
		u.search.lit = false
	}
}

// covered says that something lies over the panes from which q goes back. There is
// nothing behind the start screen before the first session.
func (u *ui) covered() bool {
	return u.want.zoom || u.overlay != noOverlay && (u.overlay != setupPage || len(u.model.Sessions) > 0)
}

func (u *ui) toggleHelp()  { u.toggleOverlay(helpPage) }
func (u *ui) toggleSetup() { u.toggleOverlay(setupPage) }

func (u *ui) toggleOverlay(o overlay) {
	u.page.top = 0
	if u.overlay == o {
		u.overlay = noOverlay
		return
	}
	u.overlay = o
}

func (u *ui) toggleFollow() {
	u.follow = !u.follow
	if u.follow {
		if n := len(u.model.Sessions); n > 0 {
			u.stand(u.model.Sessions[n-1]).stopped = -1
			u.selectSession(u.model.Sessions[n-1])
		}
	}
}

func (u *ui) toggleReveal() {
	u.reveal = !u.reveal
	if u.reveal {
		u.say(warning, "secrets are shown in the clear; r blanks them again")
	}
}

func (u *ui) toggleNoise() {
	_, index := u.event()
	u.bare = !u.bare
	if row := u.current().Find(index); index >= 0 && row >= 0 {
		u.ladder.choose(row, 1)
	}
	if u.bare {
		u.say(notice, "hidden: keep-alives, acknowledgements, TCP coming and going")
	}
}

// partner is the event that is shown with another one.
func (u *ui) partner(e *session.Event) uint64 {
	if e == nil || !u.table {
		return 0
	}
	n, _ := u.current().Partner(e)
	return n
}

func (u *ui) nextClock() { u.clock = (u.clock + 1) % clocks }

// setView shows the event another way, or explained again.
func (u *ui) setView(v view) {
	if u.view == v {
		v = explained
	}
	u.view = v
	u.detail.top = 0
}

// toggleList shows or folds the list of sessions, whatever the width would do.
func (u *ui) toggleList() {
	u.overlay, u.want.zoom = noOverlay, false
	if u.plan.panes[listPane].w > 0 {
		u.want.list = folded
		if u.want.focus == listPane {
			u.want.focus = ladderPane
		}
		return
	}
	u.want.list = shown
}

// resize moves room between the ladder and the detail pane.
func (u *ui) resize(by int) {
	u.want.split = within(u.want.split+by, -60, 60)
}
