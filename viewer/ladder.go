package viewer

import (
	"fmt"
	"time"

	"xmppscope/session"
)

// clock says which time the ladder shows.
type clock uint8

const (
	sinceStart clock = iota // of the session
	sinceRow                // since the row above
	timeOfDay
	clocks // how many there are
)

var clockNames = [...]clean{sinceStart: "time", sinceRow: "+time", timeOfDay: "clock"}

const (
	numberWidth = 3                               // a rung's number
	timeWidth   = 9                               // a time and the gap before it
	leftOf      = 1 + numberWidth + timeWidth + 2 // cells before the ladder; the first marks the selected row
	halfMin     = 4                               // cells between two lifelines, on a narrow pane
	halfGood    = 10                              // enough for the columns' names
	wideEnough  = 76                              // a pane that has room for halfGood
	halfMax     = 22
	labelWant   = 56 // cells that a label should have before the lifelines spread
)

// spread is how many cells lie between two lifelines on a pane of this width.
func spread(width int) int {
	least := halfMin
	if width >= wideEnough {
		least = halfGood
	}
	return max(least, min((width-leftOf-3-4-labelWant)/2, halfMax))
}

// laneWidth is the spread in use. It does not change when a scroll bar comes.
func (u *ui) laneWidth() int { return spread(u.ladder.w - 1) }

// ladderHeading names the columns and the three lifelines.
func (u *ui) ladderHeading(int) line {
	lane := u.laneWidth()
	names := [3]clean{"client", "xmppscope", "server"}
	if lane < 10 {
		names = [3]clean{"C", "X", "S"}
	}
	if u.current().Captured {
		names[1] = spaces(names[1].width())
	}
	total := 2*lane + 3
	gap := total - names[0].width() - names[1].width() - names[2].width()
	before := lane + 1 - names[1].width()/2 - names[0].width()
	columns := names[0] + spaces(before) + names[1] + spaces(gap-before) + names[2]
	return line{
		{" " + clean("#").padLeft(numberWidth), u.theme.faint},
		{clockNames[u.clock].padLeft(timeWidth) + "  ", u.theme.faint},
		{columns, u.theme.strong},
	}
}

// ladderRow draws one row of the selected session.
func (u *ui) ladderRow(i, width int) []line {
	c := u.current()
	at := c.rows[i]
	if at.has(isRestart) {
		return []line{u.restartRule(at, width)}
	}
	e := u.events.at(at.index())
	if e == nil {
		return []line{{{"  event cannot be read back", u.theme.failure}}}
	}
	shown := *e
	if !u.reveal {
		shown = session.Blank(shown)
	}
	r := newRow(&shown)
	if c.Captured {
		r.whole()
	}
	marker := clean(" ")
	if i == u.ladder.selected {
		marker = "▸"
	}
	number := clean("")
	if r.number > 0 {
		number = wire(fmt.Sprint(r.number))
	}
	marked := clean("  ")
	if u.marks[at.index()] {
		marked = "◆ "
	}
	l := line{
		{marker, u.theme.accent},
		{number.padLeft(numberWidth), u.theme.accent},
		{u.rowTime(c, i, e).padLeft(timeWidth), u.theme.faint},
		{marked, u.theme.accent},
	}
	l = append(l, u.arrow(&r, u.laneWidth())...)
	l = append(l, span{" " + r.tone.mark() + " ", u.theme.of(r.tone)}, span{r.title, u.theme.of(r.tone)})
	if r.more != "" {
		l = append(l, span{"  " + r.more, u.theme.faint})
	}
	return []line{u.lit(l.fit(width))}
}

// rowTime is the row's time as the clock in use shows it.
func (u *ui) rowTime(c *conversation, i int, e *session.Event) clean {
	switch u.clock {
	case timeOfDay:
		return wire(e.At.Format("15:04:05"))
	case sinceRow:
		for k := i - 1; k >= 0; k-- {
			if c.rows[k].has(isRestart) {
				continue
			}
			if before := u.events.at(c.rows[k].index()); before != nil {
				return "+" + wire(session.ShortTime(e.At.Sub(before.At)))
			}
			break
		}
		return "+0"
	}
	return seconds(e.At.Sub(c.Began))
}

// seconds is a time since the start, aligned at the decimal point.
func seconds(d time.Duration) clean {
	switch {
	case d < 0:
		return "before" // a capture whose packets are out of order
	case d < 1000*time.Second:
		return wiref("%.3f", d.Seconds())
	}
	return wire(session.ShortTime(d))
}

// restartRule is the rule that a stream restart draws across the ladder.
func (u *ui) restartRule(at entry, width int) line {
	said := clean(" stream restart ")
	switch {
	case at.has(afterTLS) && at.has(afterSASL):
		said = " stream restart, encrypted and authenticated "
	case at.has(afterTLS):
		said = " stream restart, now encrypted "
	case at.has(afterSASL):
		said = " stream restart, now authenticated "
	}
	lane := u.laneWidth()
	left := "├" + repeat("╌", lane) + "┼" + repeat("╌", lane) + "┤"
	l := line{{spaces(leftOf), u.theme.rule}, {left, u.theme.rule}, {said, u.theme.rule.Italic(true)}}
	l = append(l, span{repeat("╌", width-l.width()), u.theme.rule})
	return l.fit(width)
}

// The pieces of arrows, by stroke: the line, and where it leaves a lifeline to
// the right, to the left, and where it crosses one.
var strokes = [...]struct{ body, right, left, cross clean }{
	xmlStroke: {"─", "├", "┤", "┼"},
	tlsStroke: {"═", "╞", "╡", "╪"},
	tcpStroke: {"╌", "├", "┤", "┼"},
}

// arrow draws the three lifelines and the row's arrow between them.
func (u *ui) arrow(r *row, lane int) line {
	pen := strokes[r.stroke]
	style, plain := u.theme.arrow(r), u.theme.lifeline
	if r.from == r.to {
		out := line{{"│", plain}, {spaces(lane), plain}, {"│", plain}, {spaces(lane), plain}, {"│", plain}}
		out[2*int(r.from)] = span{"●", style}
		return out
	}
	low, high := min(r.from, r.to), max(r.from, r.to)
	var out line
	for l := client; l <= server; l++ {
		// The lifeline itself.
		switch {
		case l == r.from && !r.both && l == low:
			out = append(out, span{pen.right, style})
		case l == r.from && !r.both && l == high:
			out = append(out, span{pen.left, style})
		case l > low && l < high:
			out = append(out, span{pen.cross, style})
		default:
			out = append(out, span{"│", plain})
		}
		// What lies between it and the next one.
		switch {
		case l == server:
		case l >= low && l < high:
			out = append(out, span{segment(r, l, lane, pen.body), style})
		default:
			out = append(out, span{spaces(lane), plain})
		}
	}
	return out
}

// segment is the part of an arrow between lifeline l and the next, with the
// element's name on it where there is room.
func segment(r *row, l lifeline, lane int, body clean) clean {
	low, high := min(r.from, r.to), max(r.from, r.to)
	text := repeat(body, lane)
	leftEnd := l == low && (r.both || r.from > r.to)
	rightEnd := l == high-1 && (r.both || r.from < r.to)
	if r.stopped && r.both {
		side := lane / 2
		text = repeat(body, side) + "✗" + repeat(body, lane-side-1)
	}
	if name := r.tag; name != "" && lane >= 12 && l == min(r.from, high-1) && r.stroke == xmlStroke && name.width() <= lane-4 {
		side := (lane - name.width() - 2) / 2
		text = repeat(body, side) + " " + name + " " + repeat(body, lane-2-side-name.width())
	}
	// The ends are one cell wide each, and so is what they replace.
	if leftEnd {
		_, text, _ = next(text)
		text = head("◄", r) + text
	}
	if rightEnd {
		text = text[:len(text)-len(body)] + head("►", r)
	}
	return text
}

// head is the end of an arrow: a cross where it did not get through.
func head(ordinary clean, r *row) clean {
	if r.stopped && !r.both {
		return "✗"
	}
	return ordinary
}
