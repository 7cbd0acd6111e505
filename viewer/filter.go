package viewer

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gdamore/tcell/v2"

	"xmppscope/internal/inspect"
	"xmppscope/session"
)

// Memory is what the inspector keeps from one run to the next.
type Memory struct {
	Filters []string                      // that were used, the newest last
	Saved   map[string]string             // filters by their names
	Used    func(expr string) error       // a filter has been used; nil: nobody keeps it
	Save    func(name, expr string) error // saves one by a name, or forgets that if expr is ""
}

// historyKept is how many filters are remembered.
const historyKept = 100

// remembered puts a filter at the end of those that were used.
func remembered(used []string, expr string) []string {
	used = append(slices.DeleteFunc(slices.Clone(used), func(s string) bool { return s == expr }), expr)
	return used[max(0, len(used)-historyKept):]
}

// Remember is the history of filters with one more.
func (m *Memory) Remember(expr string) { m.Filters = remembered(m.Filters, expr) }

// preset is a filter that a digit brings.
type preset struct{ name, expr string }

// presets are those that we bring, one made of the selected event, and those that were saved.
func (u *ui) presets() []preset {
	var out []preset
	for _, f := range session.CommonFilters {
		out = append(out, preset{f.Name, f.Expr})
	}
	if expr, _ := u.only("contact"); expr != "" {
		out = append(out, preset{"this contact", expr})
	}
	for _, name := range slices.Sorted(maps.Keys(u.options.Settings.Filters)) {
		out = append(out, preset{name, u.options.Settings.Filters[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(u.options.Memory.Saved)) {
		out = append(out, preset{name, u.options.Memory.Saved[name]})
	}
	return out
}

// only is a filter for what has something in common with the selected event, "" if it has
// no such thing; and what that is.
func (u *ui) only(what string) (expr, value string) {
	e, _ := u.event()
	if e == nil {
		return "", ""
	}
	s := u.stanza(u.current(), e, u.reveal)
	switch what {
	case "id":
		expr, value = fmt.Sprintf("id == %q", s.ID), s.ID
	case "contact":
		value = session.BareJID(s.Peer)
		expr = fmt.Sprintf("bare == %q", value)
		if s.Wrapped != "" {
			expr = fmt.Sprintf("raw contains %q", value)
		}
	case "namespace":
		of := session.FilterValues(e)
		if value = of("payload"); value != "" && of("stanza") == "true" {
			expr = fmt.Sprintf("payload == %q", value)
			break
		}
		value = of("ns")
		expr = fmt.Sprintf("ns == %q", value)
	}
	if value == "" {
		return "", ""
	}
	return expr, value
}

// onlyThis shows only events that have something in common with the selected one.
func (u *ui) onlyThis(what string) {
	e, _ := u.event()
	if e == nil || u.options.CompileFilter == nil {
		u.say(notice, "there is nothing to filter by")
		return
	}
	expr, _ := u.only(what)
	if expr == "" {
		u.say(notice, "#%d has no %s", e.Seq, what)
		return
	}
	if u.useFilter(expr) {
		u.say(notice, "only this %s: F clears the filter", what)
	}
}

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
	u.overlay = noOverlay
	(&filterPrompt{ui: u, text: u.expr, at: len(u.options.Memory.Filters)}).ask()
}

// filterPrompt is the question for a filter.
type filterPrompt struct {
	*ui
	text  string // to begin with
	wrong error  // of that
	meant string // it probably was
	said  clean  // what became of saving it
	at    int    // which of those that were used is shown; their number if none is
	typed string // before one of them was
}

// ask asks, again if what was typed is wrong.
func (f *filterPrompt) ask() {
	f.meant = ""
	if f.wrong != nil {
		f.meant = inspect.MeantFilter(f.text, f.options.CompileFilter)
	}
	f.ui.ask(question{
		title: f.title(), label: "filter:", answer: f.text, help: f.help,
		keys: map[tcell.Key]func(*prompt){
			tcell.KeyTab: f.complete, tcell.KeyCtrlS: f.save,
			tcell.KeyUp: func(p *prompt) { f.turn(p, -1) }, tcell.KeyDown: func(p *prompt) { f.turn(p, 1) },
		},
		typed: f.preset,
		done: func(expr string) {
			if expr = strings.TrimSpace(expr); expr == "" {
				f.setFilter("", nil)
				return
			}
			keep, err := f.options.CompileFilter(expr)
			if err != nil {
				f.text, f.wrong, f.said = expr, err, ""
				f.ask()
				return
			}
			f.setFilter(expr, keep)
			f.remember(expr)
		},
	})
}

// useFilter takes a filter that was not typed, and says what is wrong with it.
func (u *ui) useFilter(expr string) bool {
	keep, err := u.options.CompileFilter(expr)
	if err != nil {
		u.say(failure, "%s", strings.Join(strings.Fields(err.Error()), " "))
		return false
	}
	u.overlay = noOverlay
	u.setFilter(expr, keep)
	u.remember(expr)
	return true
}

// remember keeps a filter for the next time, in the background: a disk may be slow.
func (u *ui) remember(expr string) {
	m := &u.options.Memory
	m.Remember(expr)
	if m.Used == nil {
		return
	}
	var err error
	u.spawn(func(context.Context) { err = m.Used(expr) }, func(context.Context) {
		if err != nil {
			u.say(warning, "the filter will not be remembered: %v", err)
		}
	})
}

// title says how many events pass the filter in use, and how far it has come.
func (f *filterPrompt) title() clean {
	if f.options.Filter == nil {
		return "Filter"
	}
	title := wiref("Filter · %s of %s", inspect.Number(f.model.Passed), inspect.Count(f.countEvents(), "event"))
	if part := f.filtered(); part < 100 {
		title += " · " + meter(part)
	}
	return title
}

// countEvents is how many events there are in all sessions.
func (u *ui) countEvents() (n int) {
	for _, c := range u.model.Sessions {
		n += c.Events
	}
	return n
}

// filtered is how far the filter in use has come, in percent.
func (u *ui) filtered() int {
	if u.options.Filter == nil || u.model.Applied == 0 || u.fed >= u.model.Applied {
		return 100
	}
	return 100 * u.fed / u.model.Applied
}

// meter draws a percentage.
func meter(percent int) clean {
	const cells = 7
	full := (cells*percent + 50) / 100
	return repeat("▓", full) + repeat("░", cells-full) + wiref(" %d %%", percent)
}

// turn shows the filter that was used before the one on the line, or after it.
func (f *filterPrompt) turn(p *prompt, by int) {
	used := f.options.Memory.Filters
	if f.at == len(used) {
		f.typed = p.text()
	}
	f.at = max(0, min(f.at+by, len(used)))
	if by < 0 && f.at < len(used) && used[f.at] == f.typed && f.at > 0 { // it stands there already
		f.at--
	}
	if f.at == len(used) {
		p.set(f.typed)
		return
	}
	p.set(used[f.at])
}

// preset brings one by its digit, as long as nothing else was typed.
func (f *filterPrompt) preset(p *prompt, r rune) bool {
	at := int(r - '1')
	all := f.presets()
	if at < 0 || at >= len(all) || p.text() != "" && p.text() != f.text {
		return false
	}
	f.text = all[at].expr
	p.set(f.text)
	return true
}

// complete takes what was probably meant, or else completes the name or the value.
func (f *filterPrompt) complete(p *prompt) {
	if f.meant != "" && strings.TrimSpace(p.text()) == f.text {
		p.set(f.meant)
		return
	}
	completed, _ := inspect.CompleteFilter(p.text(), f.values)
	p.set(completed)
}

// valuesFrom is how many rows round the selected one values are offered from.
const valuesFrom = 200

// values are those that a name of the filter has in the rows round the selected one, and
// there first.
func (f *filterPrompt) values(name string) (out []string) {
	seen := map[string]bool{"": true, "0": true}
	take := func(e *session.Event) {
		v := session.FilterValues(e)(name)
		if !seen[v] && len(v) < valueMax && string(wire(v)) == v && !strings.ContainsAny(v, `"\`) {
			out = append(out, v)
		}
		seen[v] = true
	}
	if e, _ := f.event(); e != nil {
		take(e)
	}
	rows := f.current().Rows
	from := max(0, min(f.ladder.selected-valuesFrom/2, rows.Len()-valuesFrom))
	for i := from; i < min(from+valuesFrom, rows.Len()); i++ {
		at := rows.At(i)
		if e := f.events.At(at.Index()); e != nil && !at.Has(inspect.Restart) {
			take(e)
		}
	}
	return out
}

// valueMax is how long a value may be that is offered.
const valueMax = 100

// save asks for a name for what is on the line.
func (f *filterPrompt) save(p *prompt) {
	expr := strings.TrimSpace(p.text())
	again := func(said clean) {
		f.text, f.said, f.wrong = expr, said, nil
		f.ask()
	}
	m := &f.options.Memory
	if m.Save == nil {
		again(" ✗ filters cannot be saved here")
		return
	}
	if _, err := f.options.CompileFilter(expr); err != nil && expr != "" {
		f.text, f.said, f.wrong = expr, "", err
		f.ask()
		return
	}
	label, does := "save as:", wire(expr)
	if expr == "" {
		label, does = "delete which?", "a saved filter"
	}
	f.ui.ask(question{
		title: does, label: label, escaped: func() { again("") },
		help: func(string) []line { return f.presetLines(f.savedFilters(), 0) },
		done: func(name string) {
			name = strings.TrimSpace(name)
			_, known := m.Saved[name]
			switch {
			case name == "":
				again("")
				return
			case expr == "" && !known:
				again(wiref(" ✗ no filter is called %s", name))
				return
			}
			if err := m.Save(name, expr); err != nil {
				again(wiref(" ✗ it could not be saved: %s", err))
				return
			}
			if m.Saved == nil {
				m.Saved = map[string]string{}
			}
			if m.Saved[name] = expr; expr == "" {
				delete(m.Saved, name)
				again(wiref(" ✓ %s was deleted", name))
				return
			}
			again(wiref(" ✓ saved as %s", name))
		},
	})
}

// savedFilters are the presets that somebody has saved.
func (u *ui) savedFilters() []preset {
	return slices.DeleteFunc(u.presets(), func(p preset) bool { return u.options.Memory.Saved[p.name] != p.expr })
}

// presetLines name presets with their digits, from a digit on; with 0 there are none.
func (u *ui) presetLines(all []preset, from int) []line {
	var l line
	for i, p := range all {
		if from > 0 && from+i <= 9 {
			l = append(l, span{wiref(" %d ", from+i), u.theme.accent})
		} else {
			l = append(l, span{" ", u.theme.text})
		}
		l = append(l, span{wire(p.name) + " ", u.theme.text})
	}
	if l == nil {
		return nil
	}
	return []line{l}
}

// help is what can be named, below what is wrong and what may have been meant.
func (f *filterPrompt) help(typed string) []line {
	var out []line
	if f.wrong != nil {
		out = append(out, line{{" ✗ " + wire(strings.Join(strings.Fields(f.wrong.Error()), " ")), f.theme.failure}})
	}
	if f.said != "" {
		out = append(out, line{{f.said, f.theme.notice}})
	}
	if f.meant != "" {
		out = append(out, line{{" → Tab: ", f.theme.accent}, {wire(f.meant), f.theme.strong}})
	}
	for _, l := range wireLines(strings.TrimSpace(session.FilterHelp)) {
		out = append(out, line{{" " + l, f.theme.text}})
	}
	out = append(out, f.presetLines(f.presets(), 1)...)
	if completed, fit := inspect.CompleteFilter(typed, f.values); completed != typed || len(fit) > 1 {
		l := line{{" Tab:", f.theme.accent}}
		for _, name := range fit[:min(len(fit), fitShown)] {
			l = append(l, span{" " + wire(name), f.theme.strong})
		}
		if more := len(fit) - fitShown; more > 0 {
			l = append(l, span{wiref(" … and %d more", more), f.theme.faint})
		}
		return append(out, l)
	}
	return append(out, line{{" 1…9: one of these · Up: earlier ones · Tab completes · Ctrl-S saves by name", f.theme.faint}})
}

// fitShown bounds the list of what a name or a value can be completed to.
const fitShown = 12

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
