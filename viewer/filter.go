package viewer

import (
	"strings"

	"github.com/gdamore/tcell/v2"

	"xmppscope/inspect"
	"xmppscope/session"
)

// askFilter asks for a filter expression.
func (u *ui) askFilter() {
	if u.inList() {
		u.askNarrow()
		return
	}
	if u.options.CompileFilter == nil {
		u.say(notice, "filters are not available here")
		return
	}
	u.askFilterAgain(u.expr, nil)
}

// askFilterAgain asks with a text to begin with: a wrong filter is asked for
// again, with what is wrong and what was typed.
func (u *ui) askFilterAgain(text string, wrong error) {
	meant := ""
	if wrong != nil {
		meant = inspect.MeantFilter(text, u.options.CompileFilter)
	}
	u.ask(question{
		title: "Filter", label: "filter:", answer: text,
		help: func(string) []line { return u.filterHelp(wrong, meant) },
		keys: map[tcell.Key]func(*prompt){tcell.KeyTab: func(p *prompt) {
			if meant != "" && strings.TrimSpace(p.text()) == text {
				p.set(meant)
				return
			}
			p.set(inspect.CompleteFilter(p.text()))
		}},
		done: func(expr string) {
			expr = strings.TrimSpace(expr)
			if expr == "" {
				u.setFilter("", nil)
				return
			}
			keep, err := u.options.CompileFilter(expr)
			if err != nil {
				u.askFilterAgain(expr, err)
				return
			}
			u.setFilter(expr, keep)
		},
	})
}

// filterHelp is what can be named, below what is wrong and what may have been meant.
func (u *ui) filterHelp(wrong error, meant string) []line {
	var out []line
	if wrong != nil {
		out = append(out, line{{" ✗ " + wire(strings.Join(strings.Fields(wrong.Error()), " ")), u.theme.failure}})
	}
	if meant != "" {
		out = append(out, line{{" → Tab: ", u.theme.accent}, {wire(meant), u.theme.strong}})
	}
	for _, l := range wireLines(strings.TrimSpace(session.FilterHelp)) {
		out = append(out, line{{" " + l, u.theme.text}})
	}
	return append(out, line{{" Tab completes a name · clear it to show all", u.theme.faint}})
}

// setFilter takes another filter; the feed starts again from the first event.
func (u *ui) setFilter(expr string, keep func(*session.Event) bool) {
	if u.ladder != nil {
		if _, index := u.event(); index >= 0 {
			u.sought = index
		}
		u.ladder.selected, u.ladder.top = 0, 0
		u.search.stop()
	}
	u.filter++
	u.fed = 0
	u.expr = expr
	u.options.Filter = keep
	select {
	case <-u.filters: // the feed has not taken the last one; it never will
	default:
	}
	u.filters <- inspect.Filter{Number: u.filter, Keep: keep}
	u.model.Restart()
	u.lines = detailCache{}
}
