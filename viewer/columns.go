package viewer

import (
	"fmt"
	"slices"

	"github.com/gdamore/tcell/v2"

	"xmppscope/internal/inspect"
	"xmppscope/session"
)

// tableLine is a stanza that is being drawn as a row of the table.
type tableLine struct {
	*ui
	inspect.Stanza
	c     *inspect.Conversation
	row   int
	event *session.Event
	style tcell.Style // of the whole row
}

// tableColumn is a column of the table of stanzas.
type tableColumn struct {
	name, does string
	from       int                       // cells that the pane has to have, unless the column was chosen; 0: it has to be chosen
	by         inspect.Column            // what it is sorted by; ByTime: it is not
	right      bool                      // stands on the right
	width      func(u *ui, pane int) int // nil: it takes what is left, and stands last
	cell       func(r *tableLine) line   // what is in it
	head       func(u *ui) clean         // nil: its name
}

func fixed(n int) func(*ui, int) int { return func(*ui, int) int { return n } }

// tableColumns are all columns, in the order that they have unless somebody chooses another.
var tableColumns []tableColumn

func init() {
	text := func(of func(r *tableLine) string) func(r *tableLine) line {
		return func(r *tableLine) line { return line{{wire(of(r)), r.style}} }
	}
	faint := func(of func(r *tableLine) string) func(r *tableLine) line {
		return func(r *tableLine) line { return line{{wire(of(r)), r.theme.faint}} }
	}
	value := func(name string) func(r *tableLine) line {
		return faint(func(r *tableLine) string { return session.FilterValues(r.event)(name) })
	}
	tableColumns = []tableColumn{
		{name: "number", does: "the event's number", from: 1, right: true, width: func(u *ui, _ int) int { return u.numberWidth() },
			head: func(*ui) clean { return "#" },
			cell: func(r *tableLine) line { return line{{wire(fmt.Sprint(r.event.Seq)), r.theme.accent}} }},
		{name: "time", does: "as t shows it", from: 1, right: true, width: fixed(timeWidth - 1),
			head: func(u *ui) clean { return clockNames[u.clock] },
			cell: func(r *tableLine) line { return line{{r.rowTime(r.c, r.row, r.event), r.theme.faint}} }},
		{name: "dir", does: "to the server or to the client, with marks and what belongs together", from: 1, width: fixed(3),
			head: func(*ui) clean { return "" }, cell: (*tableLine).way},
		{name: "kind", does: "message, presence or iq", from: 1, by: inspect.ByKind, width: fixed(8), cell: text(func(r *tableLine) string { return r.Kind })},
		{name: "type", does: "its type", from: 1, by: inspect.ByType, width: fixed(9), cell: text(func(r *tableLine) string {
			if r.Failed {
				return "✗ " + r.Type
			}
			return r.Type
		})},
		{name: "peer", does: "the other side", from: 1, by: inspect.ByPeer, width: func(_ *ui, pane int) int { return max(14, min(pane/5, 34)) },
			cell: func(r *tableLine) line { return line{{wire(r.Peer), r.theme.text}} }},
		{name: "from", does: "as the stanza says", width: fixed(24), cell: value("from")},
		{name: "to", does: "as the stanza says", width: fixed(24), cell: value("to")},
		{name: "id", does: "its id", from: 110, width: fixed(10), cell: faint(func(r *tableLine) string { return r.ID })},
		{name: "ns", does: "the namespace of its payload", width: fixed(24), cell: value("payload")},
		{name: "rtt", does: "how long the answer took", from: 1, by: inspect.ByRTT, right: true, width: fixed(7), cell: (*tableLine).took},
		{name: "size", does: "in bytes", from: 90, by: inspect.BySize, right: true, width: fixed(6), cell: faint(func(r *tableLine) string { return fmt.Sprint(r.Size) })},
		{name: "what", does: "what it is about", from: 1, cell: (*tableLine).about},
	}
}

// way is the direction, with the mark of the event and what it belongs to.
func (r *tableLine) way() line {
	marked := clean(" ")
	if r.marks[r.c.Rows.At(r.row).Index()] {
		marked = "◆"
	}
	arrow, style := clean("→"), r.theme.fromClient
	if r.Dir == session.S2C {
		arrow, style = "←", r.theme.fromServer
	}
	return line{{marked, r.theme.accent}, {r.bracket(r.c, r.event), r.theme.accent}, {arrow, style}}
}

// took is how long the answer has taken.
func (r *tableLine) took() line {
	switch {
	case r.Partner > 0:
		return line{{wire(session.ShortTime(r.RTT)), r.theme.faint}}
	case r.Waits && r.c.Unanswered(r.event):
		return line{{"▲ none", r.theme.warning}}
	case r.Waits:
		return line{{"…", r.theme.faint}}
	}
	return nil
}

// about is what the stanza says, with the sign of what was found in it.
func (r *tableLine) about() line {
	l := line{{" ", r.theme.text}}
	if tone := inspect.ToneOf(r.event.Worst()); tone > plain {
		l = line{{mark(tone), r.theme.of(tone)}}
	}
	if note := r.noteSpan(r.event); note != nil {
		l = append(append(l, note...), span{"  ", r.style})
	}
	if r.Wrapped != "" {
		l = append(l, span{"[" + wire(r.Wrapped) + "] ", r.theme.notice})
	}
	return append(l, span{wire(r.What), r.style})
}

// sortMark stands beside the name of the column that a table is sorted by.
func sortMark(falling bool) clean {
	if falling {
		return "▼"
	}
	return "▲"
}

func columnNames() (out []string) {
	for i := range tableColumns {
		out = append(out, tableColumns[i].name)
	}
	return out
}

// columnOf is the column with a name, nil if there is none.
func columnOf(name string) *tableColumn {
	if i := slices.IndexFunc(tableColumns, func(c tableColumn) bool { return c.name == name }); i >= 0 {
		return &tableColumns[i]
	}
	return nil
}

// columns are those that are shown on a pane of a width: those that were chosen, or else
// those that there is room for.
func (u *ui) columns(width int) (out []*tableColumn) {
	if len(u.chosen) > 0 {
		for _, name := range u.chosen {
			out = append(out, columnOf(name))
		}
		return out
	}
	for i := range tableColumns {
		if c := &tableColumns[i]; c.from > 0 && width >= c.from {
			out = append(out, c)
		}
	}
	return out
}

// leastWidth is that of the column that takes what is left, where others stand behind it.
const leastWidth = 10

// place puts what is in a cell into its column, which is one of all.
func (c *tableColumn) place(u *ui, all []*tableColumn, cell line, pane int) line {
	width := 0
	switch {
	case c.width != nil:
		width = c.width(u, pane)
	case all[len(all)-1] == c:
		return cell
	default:
		width = pane - 2
		for _, other := range all {
			if other.width != nil {
				width -= other.width(u, pane) + 1
			}
		}
		width = max(width, leastWidth)
	}
	cell = cell.fit(width)
	gap := span{spaces(width - cell.width()), u.theme.text}
	if c.right {
		return append(append(line{gap}, cell...), span{" ", u.theme.text})
	}
	return append(append(slices.Clip(cell), gap), span{" ", u.theme.text})
}

// tableHeading names the columns; the one that is sorted by has a mark.
func (u *ui) tableHeading(width int) line {
	out := line{{" ", u.theme.faint}}
	all := u.columns(width)
	for _, c := range all {
		name := wire(c.name)
		if c.head != nil {
			name = c.head(u)
		}
		if c.by != inspect.ByTime && c.by == u.sortedBy() {
			name += sortMark(u.current().Order().Falling)
		}
		if c.width == nil {
			name = " " + name
		}
		out = append(out, c.place(u, all, line{{name, u.theme.faint}}, width)...)
	}
	return out
}

// tableRow draws one stanza.
func (u *ui) tableRow(c *inspect.Conversation, i, width int) []line {
	e := u.events.At(c.Rows.At(i).Index())
	if e == nil {
		return []line{{{"  event cannot be read back", u.theme.failure}}}
	}
	r := tableLine{ui: u, Stanza: u.stanza(c, e, u.reveal), c: c, row: i, event: e, style: u.theme.text}
	if r.Failed {
		r.style = u.theme.failure
	}
	marker := pointer(i == u.ladder.selected)
	l := line{{marker, u.theme.accent}}
	all := u.columns(width)
	for _, column := range all {
		l = append(l, column.place(u, all, column.cell(&r), width)...)
	}
	return []line{u.lit(l.fit(width))}
}

// showColumns is the page on which the columns are chosen.
func (u *ui) showColumns() {
	if len(u.chosen) == 0 { // what is there now is the beginning
		for _, c := range u.columns(u.ladder.w) {
			u.chosen = append(u.chosen, c.name)
		}
	}
	order := slices.Clone(u.chosen)
	last := len(order)
	if columnOf(order[last-1]).width == nil { // what takes the rest of the line stays at its end
		last--
	}
	for _, name := range columnNames() {
		if !slices.Contains(order, name) {
			order = slices.Insert(order, last, name)
			last++
		}
	}
	choose := func(name string) {
		if i := slices.Index(u.chosen, name); i >= 0 {
			if len(u.chosen) > 1 {
				u.chosen = slices.Delete(u.chosen, i, i+1)
			}
			return
		}
		u.chosen = append(u.chosen, name)
		slices.SortStableFunc(u.chosen, func(a, b string) int { return slices.Index(order, a) - slices.Index(order, b) })
	}
	move := func(by int) func() {
		return func() {
			at := u.picked
			if to := at + by; to >= 0 && to < len(order) {
				order[at], order[to] = order[to], order[at]
				u.picked = to
				slices.SortStableFunc(u.chosen, func(a, b string) int { return slices.Index(order, a) - slices.Index(order, b) })
			}
		}
	}
	toggle := func() { choose(order[u.picked]) }
	u.show(sheet{
		title: "Columns of the stanzas", hint: "Enter show/hide  + - move  o sort, again: reverse  X reset",
		text: func(p *textBlock) {
			p.gap()
			for _, name := range order {
				c, sign, sorted := columnOf(name), clean("  "), clean("")
				if slices.Contains(u.chosen, name) {
					sign = "✓ "
				}
				if c.by != inspect.ByTime && c.by == u.sortedBy() && u.table {
					sorted = sortMark(u.current().Order().Falling) + " sorted"
				}
				from := len(p.lines)
				p.add(3, span{" " + sign, p.theme.good}, span{wire(name).pad(8), p.theme.strong}, span{wire(c.does) + "  ", p.theme.text}, span{sorted, p.theme.accent})
				p.offer(from, func() { choose(name) })
			}
		},
		keys: map[rune]func(){
			' ': toggle, '+': move(-1), '-': move(1),
			'X': func() { u.chosen = nil; u.showColumns() },
			'o': func() {
				c := columnOf(order[u.picked])
				switch {
				case !u.table:
					u.say(notice, "only the table of stanzas can be sorted: v shows it")
				case c.by == inspect.ByTime && c.name != "time" && c.name != "number":
					u.say(notice, "the table cannot be sorted by %s", c.name)
				case c.by == u.sortedBy():
					u.sortBy(c.by, !u.current().Order().Falling)
				default:
					u.sortBy(c.by, c.by == inspect.ByRTT || c.by == inspect.BySize)
				}
			},
		},
	})
}
