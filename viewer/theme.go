package viewer

import (
	"github.com/gdamore/tcell/v2"

	"xmppscope/internal/inspect"
	"xmppscope/session"
)

// tone says how a row is meant; the theme says how that looks.
type tone = inspect.Tone

const (
	plain   = inspect.Plain
	faint   = inspect.Faint
	notice  = inspect.Notice
	warning = inspect.Warning
	failure = inspect.Failure
)

// mark is the sign that goes with a tone, so that no meaning hangs on colour
// alone. All are one cell wide in every terminal and are not emoji.
func mark(t tone) clean {
	switch t {
	case notice:
		return "•"
	case warning:
		return "▲"
	case failure:
		return "✗"
	}
	return " "
}

// theme holds every style of the inspector; themes.go has their names and looks.
type theme struct {
	text, strong, faint, accent, title  tcell.Style
	focused, unfocused                  tcell.Style // the title line of a pane
	selected                            tcell.Style // the selected row of the focused pane
	alarm                               tcell.Style // secrets are on the screen
	match                               tcell.Style // what was searched for
	good, notice, warning, failure      tcell.Style
	fromClient, fromServer, secure      tcell.Style // arrows
	lifeline, rule                      tcell.Style
	tag, attr, value, secret, malformed tcell.Style // XML
	spelled                             bool        // the terminal shows ASCII only: see clean.spelled
}

// of is the style of a tone's text.
func (t *theme) of(k tone) tcell.Style {
	switch k {
	case faint:
		return t.faint
	case notice:
		return t.notice
	case warning:
		return t.warning
	case failure:
		return t.failure
	}
	return t.text
}

// arrow is the style of a row's arrow.
func (t *theme) arrow(r *inspect.Row) tcell.Style {
	switch {
	case r.Tone == failure:
		return t.failure
	case r.Stroke == inspect.TLSStroke:
		return t.secure
	case r.Tone == faint:
		return t.faint
	case r.From > r.To:
		return t.fromServer
	}
	return t.fromClient
}

// xml is the style of a piece of pretty-printed XML.
func (t *theme) xml(c session.Syntax) tcell.Style {
	switch c {
	case session.SyntaxTag:
		return t.tag
	case session.SyntaxAttr:
		return t.attr
	case session.SyntaxValue:
		return t.value
	case session.SyntaxText:
		return t.strong
	case session.SyntaxSecret:
		return t.secret
	case session.SyntaxError:
		return t.malformed
	}
	return t.faint
}
