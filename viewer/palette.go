package viewer

import (
	"slices"
	"strings"

	"github.com/gdamore/tcell/v2"
)

// command is an entry of the palette: an action, or what somebody has made.
type command struct {
	name, does string
	label      string // its keys; "" if it has none
	do         func()
}

// commands are all entries: the actions, in the order of the help, then what has been made.
func (u *ui) commands() []command {
	var out []command
	all := slices.Concat(actions, u.own)
	for i := range all {
		a := &all[i]
		if a.name == "palette" {
			continue
		}
		c := command{name: a.name, does: a.does, do: func() { u.carryOut(a, 0) }}
		if at := slices.IndexFunc(u.keys.bound, func(b bound) bool { return b.name == a.name }); at >= 0 {
			c.label = u.keys.bound[at].label
		}
		out = append(out, c)
	}
	for _, name := range themeNames() {
		out = append(out, command{name: "theme " + name, does: "these colours", do: func() { u.useTheme(name) }})
	}
	if u.options.CompileFilter != nil {
		for _, p := range u.presets() {
			out = append(out, command{name: "filter " + p.name, does: p.expr, do: func() { u.useFilter(p.expr) }})
		}
	}
	return out
}

// choices of the palette that are shown at once.
const paletteRows = 12

// fitting are the commands in which all words that were typed occur: those first whose name
// begins with them, then those whose name has them.
func fitting(all []command, typed string) []command {
	words := strings.Fields(strings.ToLower(typed))
	rank := func(c *command) int {
		name := strings.ToLower(c.name)
		switch {
		case len(words) == 0 || name == strings.Join(words, " "):
			return 0
		case strings.HasPrefix(name, words[0]) && holdsAll(name, words):
			return 1
		case holdsAll(name, words):
			return 2
		case holdsAll(name+" "+strings.ToLower(c.does), words):
			return 3
		}
		return -1
	}
	out := slices.DeleteFunc(slices.Clone(all), func(c command) bool { return rank(&c) < 0 })
	slices.SortStableFunc(out, func(a, b command) int { return rank(&a) - rank(&b) })
	return out
}

func holdsAll(s string, words []string) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(s, w) })
}

// askAction is the palette: it asks for something to do by its name.
func (u *ui) askAction() {
	all := u.commands()
	fit, at, before := all, 0, ""
	look := func(typed string) {
		if typed != before {
			at, before = 0, typed
		}
		fit = fitting(all, typed)
		at = max(0, min(at, len(fit)-1))
	}
	by := func(n int) func(*prompt) {
		return func(p *prompt) {
			look(p.text())
			at = max(0, min(at+n, len(fit)-1))
		}
	}
	u.ask(question{
		title: "Commands", label: ":",
		help: func(typed string) []line {
			look(typed)
			return u.paletteLines(fit, at)
		},
		keys: map[tcell.Key]func(*prompt){
			tcell.KeyUp: by(-1), tcell.KeyDown: by(1), tcell.KeyPgUp: by(-paletteRows), tcell.KeyPgDn: by(paletteRows),
			tcell.KeyTab: func(p *prompt) {
				if look(p.text()); len(fit) > 0 {
					before = fit[at].name
					p.set(before)
					at = 0
				}
			},
		},
		done: func(typed string) {
			if look(typed); len(fit) == 0 {
				u.say(notice, "there is no command %q; F filters, / searches", typed)
				return
			}
			fit[at].do()
		},
	})
}

// paletteLines are the commands round the chosen one.
func (u *ui) paletteLines(fit []command, at int) []line {
	if len(fit) == 0 {
		return []line{{{" no command matches", u.theme.warning}}}
	}
	name, label := 0, 0
	for _, c := range fit {
		name, label = max(name, wire(c.name).width()), max(label, min(wire(c.label).width(), 14))
	}
	from := max(0, min(at-paletteRows/2, len(fit)-paletteRows))
	var out []line
	for i := from; i < min(from+paletteRows, len(fit)); i++ {
		c := fit[i]
		out = append(out, line{{pointer(i == at), u.theme.accent}, {wire(c.name).pad(name) + "  ", u.theme.strong}, {wire(c.label).fit(label).pad(label) + "  ", u.theme.accent}, {wire(c.does), u.theme.text}}.fit(u.plan.hints.w-1))
	}
	return append(out, line{{wiref(" %d of %d · Up, Down choose · Tab completes · Enter runs it", at+1, len(fit)), u.theme.faint}})
}
