package viewer

import (
	"fmt"
	"strings"

	"github.com/gdamore/tcell/v2"
	"github.com/rivo/tview"

	"xmppscope/session"
)

// prompt is a question on the last line.
type prompt struct {
	field *tview.InputField
	done  func(answer string) // called on Enter
}

// ask opens a prompt.
func (u *ui) ask(label, answer string, done func(string)) {
	field := tview.NewInputField().SetLabel(" " + label + " ").SetText(string(wire(answer)))
	field.SetLabelStyle(u.theme.accent).SetFieldStyle(u.theme.text)
	field.SetBackgroundColor(tcell.ColorDefault)
	field.Focus(func(tview.Primitive) {})
	u.prompt = &prompt{field, done}
}

// answer sends a key to the prompt.
func (u *ui) answer(event *tcell.EventKey) {
	p := u.prompt
	switch event.Key() {
	case tcell.KeyEscape:
		u.prompt = nil
	case tcell.KeyEnter:
		u.prompt = nil
		p.done(p.field.GetText())
	case tcell.KeyTab, tcell.KeyBacktab:
		// An input field gives them to whoever comes next; here that is nobody.
	default:
		p.field.InputHandler()(event, func(tview.Primitive) {})
	}
}

// paste puts pasted text into the prompt; without one it is not for us.
func (u *ui) paste(text string) {
	if u.prompt != nil {
		text = string(wire(strings.Join(strings.Fields(text), " ")))
		u.prompt.field.PasteHandler()(text, func(tview.Primitive) {})
	}
}

// askFilter asks for a filter expression.
func (u *ui) askFilter() {
	if u.options.CompileFilter == nil {
		u.say(notice, "filters are not available here")
		return
	}
	u.askFilterAs("filter:", u.expr)
}

// askFilterAs asks with a label and a text to begin with: a wrong filter is asked
// for again, with what is wrong and what was typed.
func (u *ui) askFilterAs(label, text string) {
	u.ask(label, text, func(expr string) {
		expr = strings.TrimSpace(expr)
		if expr == "" {
			u.setFilter("", nil)
			return
		}
		keep, err := u.options.CompileFilter(expr)
		if err != nil {
			why := wire(strings.Join(strings.Fields(err.Error()), " ")).fit(u.plan.hints.w / 2)
			u.askFilterAs(string(why)+" · filter:", expr)
			return
		}
		u.setFilter(expr, keep)
	})
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
	u.expr = expr
	u.options.Filter = keep
	select {
	case <-u.filters: // the feed has not taken the last one; it never will
	default:
	}
	u.filters <- filter{u.filter, keep}
	u.model.restart()
	u.lines = detailCache{}
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
