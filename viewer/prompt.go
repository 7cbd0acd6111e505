package viewer

import (
	"strings"
	"time"

	"github.com/gdamore/tcell/v2"
	"github.com/rivo/tview"
)

// question is what a prompt asks.
type question struct {
	title  clean  // of the lines above the prompt, if it has such
	label  string // before the answer
	answer string // to begin with
	masked bool   // the answer is a secret: it is not shown
	// help gives lines that stand above the prompt, for the answer so far.
	help func(answer string) []line
	// keys do something of their own: Tab, a control key.
	keys map[tcell.Key]func(*prompt)
	// typed is told of a character first, and says whether it has taken it; may be nil.
	typed   func(*prompt, rune) bool
	done    func(answer string) // called on Enter
	escaped func()              // called on Esc; may be nil
	// choices make it a question that one key answers; there is no text then.
	choices []choice
	// leaving says that an answer may lose something: keys that come in the same breath as
	// the question are no answer, and Ctrl-C quits.
	leaving bool
}

// choice is one answer of a question that one key answers.
type choice struct {
	key  rune
	says clean
	do   func()
}

// prompt is a question on the last line, with help above it.
type prompt struct {
	question
	field  *tview.InputField // nil if there are choices
	opened time.Time
}

// ask opens a prompt.
func (u *ui) ask(q question) {
	p := &prompt{question: q, opened: u.now()}
	if len(q.choices) == 0 {
		p.field = tview.NewInputField().SetLabel(" " + string(wire(q.label)) + " ")
		p.field.SetLabelStyle(u.theme.accent).SetFieldStyle(u.theme.text)
		p.field.SetBackgroundColor(tcell.ColorDefault)
		p.field.Focus(func(tview.Primitive) {})
		if q.masked {
			p.field.SetMaskCharacter('*')
		} else {
			p.set(q.answer)
		}
	}
	u.prompt = p
}

// set replaces the answer so far.
func (p *prompt) set(answer string) { p.field.SetText(string(wire(answer))) }

// text is the answer so far.
func (p *prompt) text() string { return p.field.GetText() }

// answer sends a key to the prompt.
func (u *ui) answer(event *tcell.EventKey) {
	p := u.prompt
	if event.Key() == tcell.KeyEscape {
		u.prompt = nil
		if p.escaped != nil {
			p.escaped()
		}
		return
	}
	if p.field == nil {
		u.choose(event)
		return
	}
	if do := p.keys[event.Key()]; do != nil {
		do(p)
		return
	}
	if event.Key() == tcell.KeyRune && p.typed != nil && p.typed(p, event.Rune()) {
		return
	}
	switch event.Key() {
	case tcell.KeyEnter:
		u.prompt = nil
		p.done(p.text())
	case tcell.KeyTab, tcell.KeyBacktab:
		// An input field gives them to whoever comes next; here that is nobody.
	default:
		p.field.InputHandler()(event, func(tview.Primitive) {})
	}
}

// choose answers a question that one key answers. Any other key leaves it open.
func (u *ui) choose(event *tcell.EventKey) {
	if p := u.prompt; p.leaving && u.now().Sub(p.opened) < breath {
		return
	}
	for _, c := range u.prompt.choices {
		if event.Key() == tcell.KeyRune && event.Rune() == c.key {
			u.prompt = nil
			c.do()
			return
		}
	}
}

// paste puts pasted text into the prompt; without one it is not for us.
func (u *ui) paste(text string) {
	p := u.prompt
	if p == nil && u.edit != nil {
		u.editPaste(text)
		return
	}
	if p == nil || p.field == nil {
		return
	}
	if p.masked { // a secret is taken as it is, but for the line end that came with it
		text, _, _ = strings.Cut(text, "\n")
		text = strings.TrimSuffix(text, "\r")
	} else {
		text = string(wire(strings.Join(strings.Fields(text), " ")))
	}
	p.field.PasteHandler()(text, func(tview.Primitive) {})
}

// helpLines are the lines above the prompt.
func (p *prompt) helpLines(t *theme, width int) []line {
	var out []line
	add := func(hang int, l line) { out = append(out, l.wrap(width-1, hang)...) }
	if p.help != nil {
		answer := ""
		if p.field != nil {
			answer = p.text()
		}
		for _, l := range p.help(answer) {
			add(3, l)
		}
	}
	for _, c := range p.choices {
		add(5, line{{" " + wire(string(c.key)) + "  ", t.accent}, {c.says, t.text}})
	}
	return out
}

// drawPrompt draws the prompt on the last line, and its help above.
func (u *ui) drawPrompt(screen tcell.Screen, at rect) {
	p := u.prompt
	help := p.helpLines(&u.theme, at.w)
	help = help[:min(len(help), max(0, at.y-1))]
	if len(help) > 0 {
		y := at.y - len(help) - 1
		box := pane{rect: rect{at.x, y, at.w, len(help) + 1}, caption: func(int) line { return line{{p.title, u.theme.focused}} }}
		box.drawTitle(screen, &u.theme, true)
		for i, l := range help {
			used := l.put(screen, at.x, y+1+i, at.w, asIs)
			line{{spaces(at.w - used), u.theme.text}}.put(screen, at.x+used, y+1+i, at.w-used, asIs)
		}
	}
	if p.field == nil {
		line{{" " + wire(p.label), u.theme.accent}, {"  Esc goes back", u.theme.faint}}.fit(at.w).put(screen, at.x, at.y, at.w, asIs)
		return
	}
	p.field.SetRect(at.x, at.y, at.w, 1)
	p.field.Draw(screen)
}
