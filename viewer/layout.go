package viewer

const (
	narrow  = 100 // below this many columns the list of sessions is folded away
	wide    = 160 // from here on the detail pane stands beside the ladder
	roomy   = 20  // from this many rows on the verdict has lines of its own
	minBody = 8   // below this many rows there is one pane at a time
)

// wish is what the person asked of the layout.
type wish struct {
	list  fold // the list of sessions
	zoom  bool // one pane only: the focused one
	focus int  // index into plan.panes
	split int  // cells moved from the detail pane to the ladder
	judge int  // lines of a verdict below the first line
	table bool // rows need all the width that there is
	below int  // lines of a lesson at the bottom
}

// fold says whether the list of sessions is shown.
type fold uint8

const (
	byWidth fold = iota
	shown
	folded
)

// plan is where everything stands. An empty rectangle is not shown.
type plan struct {
	bar, hints rect
	lesson     rect
	panes      [3]rect // list, ladder, detail
	divider    [2]rect // the vertical lines between panes
}

// The panes, as indexes.
const (
	listPane = iota
	ladderPane
	detailPane
)

// layout places the panes on a screen of any size.
func layout(w, h int, want wish) plan {
	var p plan
	p.bar = rect{0, 0, w, min(1, h)}
	if h >= roomy {
		p.bar.h += want.judge
	}
	if h >= 3 {
		p.hints = rect{0, h - 1, w, 1}
	}
	body := rect{0, p.bar.h, w, max(0, h-p.bar.h-p.hints.h)}
	if want.below > 0 && body.h-want.below >= minBody {
		body.h -= want.below
		p.lesson = rect{0, body.y + body.h, w, want.below}
	}
	if want.zoom || body.h < minBody || w < 30 {
		p.panes[want.focus] = body
		return p
	}
	if want.list == shown || want.list == byWidth && w >= narrow && !want.table {
		side := max(22, min(w/5, 36))
		p.panes[listPane] = rect{0, body.y, side, body.h}
		p.divider[0] = rect{side, body.y, 1, body.h}
		body.x, body.w = side+1, body.w-side-1
	}
	if w >= wide && !want.table {
		left := within(body.w*11/20+2*want.split, 40, body.w-30)
		p.panes[ladderPane] = rect{body.x, body.y, left, body.h}
		p.divider[1] = rect{body.x + left, body.y, 1, body.h}
		p.panes[detailPane] = rect{body.x + left + 1, body.y, body.w - left - 1, body.h}
		return p
	}
	upper := within((body.h*11+10)/20+want.split, 4, body.h-3)
	p.panes[ladderPane] = rect{body.x, body.y, body.w, upper}
	p.panes[detailPane] = rect{body.x, body.y + upper, body.w, body.h - upper}
	return p
}

func within(n, low, high int) int { return max(low, min(n, high)) }
