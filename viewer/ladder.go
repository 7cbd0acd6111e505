package viewer

import (
	"fmt"
	"time"

	"xmppscope/internal/inspect"
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
	numberWidth = 4                               // an event's number, as long as it fits
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

// numberWidth is how many cells the numbers of the session's events take.
func (u *ui) numberWidth() int { return max(numberWidth, len(fmt.Sprint(u.current().Events))) }

// ladderHeading names the columns and the three lifelines.
func (u *ui) ladderHeading(width int) line {
	if u.table {
		return u.tableHeading(width)
	}
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
		{" " + clean("#").padLeft(u.numberWidth()), u.theme.faint},
		{clockNames[u.clock].padLeft(timeWidth) + "  ", u.theme.faint},
		{columns, u.theme.strong},
	}
}

// ladderRow draws one row of the selected session.
func (u *ui) ladderRow(i, width int) []line {
	c := u.current()
	at := c.Rows.At(i)
	if at.Has(inspect.Restart) {
		return []line{u.restartRule(at, width)}
	}
	if at.Has(inspect.Folded) {
		return []line{u.foldedRow(c, i, width)}
	}
	if u.table {
		return u.tableRow(c, i, width)
	}
	e := u.events.At(at.Index())
	if e == nil {
		return []line{{{"  event cannot be read back", u.theme.failure}}}
	}
	shown := session.Shown(e, u.reveal)
	r := inspect.NewRow(&shown)
	if c.Captured {
		r.Whole()
	}
	marker := pointer(i == u.ladder.selected)
	number := wire(fmt.Sprint(r.Number))
	marked := clean("  ")
	note := u.noteSpan(e)
	switch is := u.marks[at.Index()]; {
	case is && note != nil:
		marked = "◆✎"
	case is:
		marked = "◆ "
	case note != nil:
		marked = "✎ "
	}
	l := line{
		{marker, u.theme.accent},
		{number.padLeft(u.numberWidth()), u.theme.accent},
		{u.rowTime(c, i, e).padLeft(timeWidth), u.theme.faint},
		{marked, u.theme.accent},
	}
	l = append(l, u.arrow(&r, u.laneWidth())...)
	l = append(l, span{" " + mark(r.Tone) + " ", u.theme.of(r.Tone)}, span{wire(r.Title), u.theme.of(r.Tone)})
	if note != nil {
		l = append(append(l, span{"  ", u.theme.text}), note[0])
	}
	if r.More != "" {
		l = append(l, span{"  " + wire(r.More), u.theme.faint})
	}
	return []line{u.lit(l.fit(width))}
}

// rowTime is the row's time as the clock in use shows it.
func (u *ui) rowTime(c *inspect.Conversation, i int, e *session.Event) clean {
	switch u.clock {
	case timeOfDay:
		return wire(e.At.Format("15:04:05"))
	case sinceRow:
		for k := i - 1; k >= 0; k-- {
			if c.Rows.At(k).Has(inspect.Restart) {
				continue
			}
			if before := u.events.At(c.Rows.At(k).Index()); before != nil {
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
func (u *ui) restartRule(at inspect.Entry, width int) line {
	said := clean(" stream restart ")
	switch {
	case at.Has(inspect.AfterTLS) && at.Has(inspect.AfterSASL):
		said = " stream restart, encrypted and authenticated "
	case at.Has(inspect.AfterTLS):
		said = " stream restart, now encrypted "
	case at.Has(inspect.AfterSASL):
		said = " stream restart, now authenticated "
	}
	lane := u.laneWidth()
	left := "├" + repeat("╌", lane) + "┼" + repeat("╌", lane) + "┤"
	l := line{{spaces(leftOf + u.numberWidth() - numberWidth), u.theme.rule}, {left, u.theme.rule}, {said, u.theme.rule.Italic(true)}}
	l = append(l, span{repeat("╌", width-l.width()), u.theme.rule})
	return l.fit(width)
}

// The pieces of arrows, by stroke: the line, and where it leaves a lifeline to
// the right, to the left, and where it crosses one.
var strokes = [...]struct{ body, right, left, cross clean }{
	inspect.XMLStroke: {"─", "├", "┤", "┼"},
	inspect.TLSStroke: {"═", "╞", "╡", "╪"},
	inspect.TCPStroke: {"╌", "├", "┤", "┼"},
}

// arrow draws the three lifelines and the row's arrow between them.
func (u *ui) arrow(r *inspect.Row, lane int) line {
	pen := strokes[r.Stroke]
	style, plain := u.theme.arrow(r), u.theme.lifeline
	if r.From == r.To {
		out := line{{"│", plain}, {spaces(lane), plain}, {"│", plain}, {spaces(lane), plain}, {"│", plain}}
		out[2*int(r.From)] = span{"●", style}
		return out
	}
	low, high := min(r.From, r.To), max(r.From, r.To)
	var out line
	for l := inspect.Client; l <= inspect.Server; l++ {
		// The lifeline itself.
		switch {
		case l == r.From && !r.Both && l == low:
			out = append(out, span{pen.right, style})
		case l == r.From && !r.Both && l == high:
			out = append(out, span{pen.left, style})
		case l > low && l < high:
			out = append(out, span{pen.cross, style})
		default:
			out = append(out, span{"│", plain})
		}
		// What lies between it and the next one.
		switch {
		case l == inspect.Server:
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
func segment(r *inspect.Row, l inspect.Lifeline, lane int, body clean) clean {
	low, high := min(r.From, r.To), max(r.From, r.To)
	text := repeat(body, lane)
	leftEnd := l == low && (r.Both || r.From > r.To)
	rightEnd := l == high-1 && (r.Both || r.From < r.To)
	if r.Stopped && r.Both {
		side := lane / 2
		text = repeat(body, side) + "✗" + repeat(body, lane-side-1)
	}
	if name := wire(r.Tag); name != "" && lane >= 12 && l == min(r.From, high-1) && r.Stroke == inspect.XMLStroke && name.width() <= lane-4 {
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
func head(ordinary clean, r *inspect.Row) clean {
	if r.Stopped && !r.Both {
		return "✗"
	}
	return ordinary
}
