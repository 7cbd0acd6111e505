package viewer

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gdamore/tcell/v2"

	"xmppscope/internal/inspect"
	"xmppscope/session"
)

// sessionItem draws one session of the list: a row of the table, or two lines.
func (u *ui) sessionItem(i, width int) []line {
	if u.list.heading != nil {
		return []line{u.sessionRow(i, width)}
	}
	c := u.listed[i]
	sign, style := u.sign(&c.Overview)
	marker := pointer(i == u.list.selected)
	age := wire(u.age(&c.Overview))
	left := line{
		{marker, u.theme.accent},
		{sign + " ", style},
		{u.chain(c) + wiref("%d ", c.ID), u.theme.accent},
		{wire(inspect.Who(&c.Overview)), u.theme.strong},
	}
	room := width - age.width() - 1
	left = left.fit(room)
	left = append(left, span{spaces(room - left.width() + 1), u.theme.text}, span{age, u.theme.faint})
	below := line{{spaces(3), u.theme.text}, {wire(under(&c.Overview)), u.theme.faint}}
	if c == u.compared {
		below = line{{"   compare with …", u.theme.accent}}
	}
	if c.Of != nil && c != u.compared {
		below = line{{spaces(3), u.theme.text}, {wire(c.Back()), u.theme.accent}}
	}
	return []line{left, below.fit(width)}
}

// sign is the state of a session in one cell.
func (u *ui) sign(o *session.Overview) (clean, tcell.Style) {
	switch o.State {
	case session.LoggedIn:
		if o.Ended {
			return "✓", u.theme.faint
		}
		return "✓", u.theme.good
	case session.Failed:
		return "✗", u.theme.failure
	case session.LoggingIn:
		return "●", u.theme.warning
	case session.Encrypted:
		return "■", u.theme.faint
	}
	return "○", u.theme.faint
}

// under is the second line of a session: its state, and where it comes from.
func under(o *session.Overview) string {
	state := o.Word()
	if o.Ended && o.State == session.LoggedIn {
		state = "ended"
	}
	if o.Client == "" {
		return state
	}
	return state + " · " + o.Client
}

// age is how long a session has been going on, or how long it was.
func (u *ui) age(o *session.Overview) string {
	d := o.Last.Sub(o.Began)
	if u.live() && !o.Ended {
		d = u.now().Sub(o.Began)
	}
	switch d = max(0, d); {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours())/24)
}

// standing is the state of a session in words, for the top line. A recording that
// ends inside a login says so: nobody is logging in any more.
func (u *ui) standing(o *session.Overview) string {
	name := inspect.Who(o)
	if !u.options.Live && !u.reading().Going && !o.Ended && (o.State == session.LoggingIn || o.State == session.Connecting) {
		said := "the recording ends"
		if n := len(o.Steps); n > 0 {
			said += fmt.Sprintf(" at #%d, %s", o.Steps[n-1].First, o.Steps[n-1].Title)
		}
		return said + ": " + name
	}
	if o.Where && o.State <= session.LoggingIn {
		return o.Outcome() + ": " + name
	}
	switch o.State {
	case session.LoggedIn:
		said := "logged in as " + name
		switch {
		case o.In.IsZero() && o.Joined: // who it is was said before the recording
			return o.Outcome() + ": " + name
		case o.Resumed && o.Ended:
			said = "ended; had resumed the session of " + name
		case o.Resumed:
			said = "resumed the session of " + name
		case o.Ended:
			said = "ended; was logged in as " + name
		}
		if o.Mechanism != "" {
			said += " by " + o.Mechanism
		}
		return said
	case session.Failed:
		if o.Reason == "" {
			return "failed"
		}
		return "failed: " + o.Reason
	case session.Encrypted:
		return "inside TLS that cannot be decrypted: " + name
	case session.LoggingIn:
		said := "logging in to " + o.Domain
		if o.User != "" || o.Domain == "" {
			said = "logging in as " + name
		}
		if n := len(o.Steps); n > 0 {
			said += fmt.Sprintf(": #%d, %s", o.Steps[n-1].First, o.Steps[n-1].Title)
		}
		return said
	}
	return "connecting: " + name
}

// relist brings the list up to date; the session that was selected stays so.
func (u *ui) relist() {
	before := u.current()
	u.listed = u.listing.Of(u.model.Sessions)
	if i := slices.Index(u.listed, before); i >= 0 {
		u.list.selected = i
	}
	u.list.selected = max(0, min(u.list.selected, len(u.listed)-1))
	if c := u.current(); u.stood != nil && c != u.stood && c.ID != 0 {
		u.restore()
	}
}

// tableFrom is from how many columns on the list is a table.
const tableFrom = 56

// dressList makes the list a table where there is room for one.
func (u *ui) dressList() {
	u.list.tall, u.list.heading = 2, nil
	if u.list.w >= tableFrom {
		u.list.tall, u.list.heading = 1, u.listHeading
	}
}

// listColumns are the columns that there is room for.
func (u *ui) listColumns(width int) []inspect.SessionColumn {
	return inspect.FitSessionColumns(inspect.SessionColumns, width-signWidth, 1, within(width/4, 20, 44))
}

// signWidth is what stands before the columns: the mark of the selected row, and the sign.
const signWidth = 3

// listRow lays cells out under their columns.
func (u *ui) listRow(width int, cell func(inspect.SessionColumn) (clean, tcell.Style)) line {
	columns := u.listColumns(width)
	rest := width - signWidth
	for _, c := range columns {
		rest -= 1 + c.Width
	}
	var out line
	for _, c := range columns {
		text, style := cell(c)
		room := c.Width
		if room == 0 {
			room = rest
		}
		if c.Right {
			out = append(out, span{" " + text.padLeft(room), style})
		} else {
			out = append(out, span{" " + text.pad(room), style})
		}
	}
	return out
}

// listHeading names the columns; the one that is sorted by has a mark.
func (u *ui) listHeading(width int) line {
	sorted := inspect.SessionColumns[u.listing.By].Name
	return append(line{{spaces(signWidth), u.theme.faint}}, u.listRow(width-1, func(c inspect.SessionColumn) (clean, tcell.Style) {
		name := wire(c.Name)
		if c.Name == sorted && (u.listing.By > 0 || u.listing.Falling) {
			name += sortMark(u.listing.Falling)
		}
		return name, u.theme.faint
	})...)
}

// sessionRow is a session as a row of the table. One that goes on from another is set in
// below it, as far as the list is in the order of time.
func (u *ui) sessionRow(i, width int) line {
	c := u.listed[i]
	sign, style := u.sign(&c.Overview)
	marker := pointer(i == u.list.selected)
	return append(line{{marker, u.theme.accent}, {sign + " ", style}}, u.listRow(width, func(column inspect.SessionColumn) (clean, tcell.Style) {
		text := wire(column.Text(c))
		switch column.Name {
		case "#":
			return text, u.theme.accent
		case "who":
			return u.chain(c) + text, u.theme.strong
		case "how it went":
			if c == u.compared {
				return "compare with …", u.theme.accent
			}
			if c.Of != nil {
				text += " · " + wire(c.Back())
			}
			return text, style
		}
		return text, u.theme.text
	})...)
}

// chain shows that a session goes on from the one above.
func (u *ui) chain(c *inspect.Conversation) clean {
	if c.Before == nil || u.listing.By != 0 || u.listing.Falling {
		return ""
	}
	return "└ "
}

// sortList sorts the list by the next column.
func (u *ui) sortList() {
	u.listing.By = (u.listing.By + 1) % len(inspect.SessionColumns)
	u.listing.Falling = inspect.SessionColumns[u.listing.By].Falling
	u.relist()
	u.say(notice, "sorted by %s; O reverses the order", inspect.SessionColumns[u.listing.By].Name)
}

// turnList turns the order of the list round.
func (u *ui) turnList() {
	u.listing.Falling = !u.listing.Falling
	u.relist()
}

// askNarrow asks which sessions are to be in the list.
func (u *ui) askNarrow() {
	u.ask(question{
		title: "Sessions", label: "only sessions with:", answer: u.narrow,
		help: func(typed string) []line {
			l := inspect.NewListing(typed)
			n := 0
			for _, c := range u.model.Sessions {
				if l.Passes(c) {
					n++
				}
			}
			return []line{
				{{" words that stand in any column or in the verdict: failed, alice, scram, 1.2; !word for those without it", u.theme.text}},
				{{wiref(" %s of %s · clear it to show all", inspect.Number(n), inspect.Number(len(u.model.Sessions))), u.theme.faint}},
			}
		},
		done: func(typed string) {
			u.narrow, u.listing.Words = strings.TrimSpace(typed), inspect.NewListing(typed).Words
			u.relist()
		},
	})
}

// zoomList shows the list on the whole screen, or the panes again.
func (u *ui) zoomList() {
	u.overlay = noOverlay
	if u.want.zoom && u.want.focus == listPane {
		u.want.zoom, u.want.focus = false, ladderPane
		return
	}
	u.want.zoom, u.want.focus = true, listPane
}
