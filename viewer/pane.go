package viewer

import (
	"github.com/gdamore/tcell/v2"
)

// rect is a part of the screen.
type rect struct{ x, y, w, h int }

func (r rect) holds(x, y int) bool {
	return x >= r.x && x < r.x+r.w && y >= r.y && y < r.y+r.h
}

// pane is a title line and a list below it that scrolls. It holds no rows: it
// asks for those on the screen. With a cursor one of them is selected; without,
// the list only scrolls.
type pane struct {
	rect
	cursor   bool
	tall     int                       // rows of cells for each item; 0 means 1
	count    func() int                // how many items there are
	item     func(i, width int) []line // draws one, as tall lines
	skip     func(i int) bool          // items that cannot be selected; nil: none
	heading  func(width int) line      // stands still below the title; nil: none
	above    func(width int) line      // stands still above the items, below; either may be nil, and return nil
	below    func(width int) line
	caption  func(width int) line // the title
	moved    func()               // the selection has changed by a key or the mouse
	selected int                  // item
	top      int                  // item on the first row
	free     bool                 // scrolled by the wheel: the selection may be out of sight
}

func (p *pane) height() int { return max(1, p.tall) }

// room is how many whole items there is space for.
func (p *pane) room() int {
	h := p.h - p.first()
	if stands(p.below) {
		h--
	}
	return max(0, h/p.height())
}

// first is the line of the pane on which the first item stands.
func (p *pane) first() int {
	n := 1
	if p.heading != nil {
		n++
	}
	if stands(p.above) {
		n++
	}
	return n
}

// stands says whether there is such a line now.
func stands(l func(int) line) bool { return l != nil && l(1) != nil }

// move moves the selection, or scrolls where there is none.
func (p *pane) move(by int) {
	if !p.cursor {
		p.scroll(by)
		return
	}
	p.choose(p.selected+by, by)
}

// choose selects an item, or the next selectable one in a direction.
func (p *pane) choose(i, direction int) {
	n := p.count()
	if n == 0 {
		return
	}
	step := 1
	if direction < 0 {
		step = -1
	}
	i = max(0, min(i, n-1))
	for tries := 0; p.skip != nil && tries < n && p.skip(i); tries++ {
		if i+step < 0 || i+step >= n {
			step = -step
		}
		i += step
	}
	p.free = false
	if i != p.selected {
		p.selected = i
		if p.moved != nil {
			p.moved()
		}
	}
}

// page moves by so many screens, less the line that helps the eye to find on.
func (p *pane) page(by int) { p.move(by * max(1, p.room()-1)) }

// home and end go to the first and the last item.
func (p *pane) home() { p.move(-p.count()) }
func (p *pane) end()  { p.move(p.count()) }

// scroll moves what is seen and leaves the selection where it is.
func (p *pane) scroll(by int) {
	p.top += by
	p.free = true
	p.clamp()
}

// clamp keeps the list on the screen, and the selection too unless the wheel
// has moved it away.
func (p *pane) clamp() {
	n, room := p.count(), p.room()
	p.selected = max(0, min(p.selected, n-1))
	if p.cursor && !p.free && room > 0 {
		p.top = min(p.top, p.selected)
		p.top = max(p.top, p.selected-room+1)
	}
	p.top = max(0, min(p.top, n-room))
}

// at is the item at a place of the screen, -1 for none.
func (p *pane) at(x, y int) int {
	if !p.holds(x, y) {
		return -1
	}
	y -= p.y + p.first()
	i := p.top + y/p.height()
	if y < 0 || i >= p.count() || i >= p.top+p.room() {
		return -1
	}
	return i
}

// draw draws the pane into its rectangle.
func (p *pane) draw(screen tcell.Screen, t *theme, focused bool) {
	if p.w <= 0 || p.h <= 0 {
		return
	}
	p.clamp()
	p.drawTitle(screen, t, focused)
	y := p.y + 1
	if p.heading != nil && y < p.y+p.h {
		p.heading(p.w).put(screen, p.x, y, p.w, asIs)
		y++
	}
	if stands(p.above) && y < p.y+p.h {
		p.above(p.w).put(screen, p.x, y, p.w, asIs)
		y++
	}
	if stands(p.below) && p.h > p.first() {
		p.below(p.w).put(screen, p.x, p.y+p.h-1, p.w, asIs)
	}
	n, room := p.count(), p.room()
	inner := p.w
	if n > room {
		inner-- // the scroll bar
	}
	for i := p.top; i < n && i < p.top+room; i++ {
		over := asIs
		if p.cursor && i == p.selected {
			over = func(s tcell.Style) tcell.Style { return s.Bold(true).Dim(false) }
			if focused {
				over = func(s tcell.Style) tcell.Style {
					if s == t.match {
						return s
					}
					return t.selected
				}
			}
		}
		for _, l := range p.item(i, inner) {
			used := l.put(screen, p.x, y, inner, over)
			if p.cursor && i == p.selected && focused {
				line{{spaces(inner - used), t.selected}}.put(screen, p.x+used, y, inner-used, asIs)
			}
			y++
		}
	}
	if n > room && room > 0 {
		p.drawBar(screen, t, n, room)
	}
}

// pointer stands before the row that is chosen.
func pointer(chosen bool) clean {
	if chosen {
		return "▸"
	}
	return " "
}

// drawTitle draws the line on top: heavy where the keys go.
func (p *pane) drawTitle(screen tcell.Screen, t *theme, focused bool) {
	style, stroke := t.unfocused, clean("─")
	if focused {
		style, stroke = t.focused, "━"
	}
	line{{repeat(stroke, p.w), style}}.put(screen, p.x, p.y, p.w, asIs)
	title := line{{" ", style}}
	title = append(title, p.caption(p.w-4)...)
	title = append(title, span{" ", style})
	title.fit(p.w-2).put(screen, p.x+1, p.y, p.w-2, asIs)
}

// drawBar draws the scroll bar on the right edge, below the title.
func (p *pane) drawBar(screen tcell.Screen, t *theme, n, room int) {
	first := p.first()
	length := p.h - first
	if stands(p.below) {
		length--
	}
	if length <= 0 {
		return
	}
	size := max(1, length*room/n)
	start := 0
	if n > room {
		start = (length - size) * p.top / (n - room)
	}
	for i := range length {
		mark, style := clean("│"), t.lifeline
		if i >= start && i < start+size {
			mark, style = "┃", t.accent
		}
		line{{mark, style}}.put(screen, p.x+p.w-1, p.y+first+i, 1, asIs)
	}
}
