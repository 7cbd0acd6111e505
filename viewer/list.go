package viewer

import (
	"fmt"
	"time"

	"github.com/gdamore/tcell/v2"

	"xmppscope/inspect"
	"xmppscope/session"
)

// sessionItem draws one session of the list: two lines.
func (u *ui) sessionItem(i, width int) []line {
	c := u.model.Sessions[i]
	sign, style := u.sign(&c.Overview)
	marker := clean(" ")
	if i == u.list.selected {
		marker = "▸"
	}
	age := wire(u.age(&c.Overview))
	left := line{
		{marker, u.theme.accent},
		{sign + " ", style},
		{wiref("%d ", c.ID), u.theme.accent},
		{wire(inspect.Who(&c.Overview)), u.theme.strong},
	}
	room := width - age.width() - 1
	left = left.fit(room)
	left = append(left, span{spaces(room - left.width() + 1), u.theme.text}, span{age, u.theme.faint})
	below := line{{spaces(3), u.theme.text}, {wire(under(&c.Overview)), u.theme.faint}}
	if c == u.compared {
		below = line{{"   compare with …", u.theme.accent}}
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
	state := o.State.String()
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
