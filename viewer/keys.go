package viewer

import "github.com/gdamore/tcell/v2"

// binding is one thing that a key does. Help, the hints on the last line and the
// README come from the same table.
type binding struct {
	runes string      // each of these characters
	keys  []tcell.Key // and each of these keys
	label string      // how the keys are called in help
	does  string      // what it does, in help
	brief string      // the same in at most 22 characters, for a small screen; "": on the line before
	hint  string      // one or two words for the last line; "" keeps it off
	do    func(*ui)
}

// bindings is the table of keys, in the order of help. It is filled in init,
// because what the keys do reads the table.
var bindings []binding

func init() {
	bindings = []binding{
		{"q", []tcell.Key{tcell.KeyF10}, "q, F10", "quit (asks first what becomes of unsaved sessions); from a page or zoom: back", "back, quit; or Ctrl-C", "quit", (*ui).leave},
		{"?", []tcell.Key{tcell.KeyF1}, "?, F1", "this help", "this help", "help", (*ui).toggleHelp},
		{"", []tcell.Key{tcell.KeyEscape}, "Esc", "back: from a page, zoom, a comparison begun, the colour of a search", "back", "back", (*ui).back},
		{"", []tcell.Key{tcell.KeyTab}, "Tab", "next pane", "next pane, or before", "pane", func(u *ui) { u.turnFocus(1) }},
		{"", []tcell.Key{tcell.KeyBacktab}, "Shift-Tab", "pane before", "", "", func(u *ui) { u.turnFocus(-1) }},
		{"", []tcell.Key{tcell.KeyEnter}, "Enter", "the event on the whole screen, and back", "zoom in, and out", "zoom", (*ui).enter},
		{"!", nil, "!", "to where the login failed, or was done; again: to the next session that failed", "where it failed; next", "verdict", (*ui).jumpToVerdict},
		{"/", []tcell.Key{tcell.KeyF3}, "/, F3", "search in the session, and if it is not there in the next ones", "search", "search", (*ui).askSearch},
		{"F:", []tcell.Key{tcell.KeyF7}, "F, :, F7", "filter events by an expression; clear it to show all", "filter", "filter", (*ui).askFilter},
		{"e", []tcell.Key{tcell.KeyF2}, "e, F2", "export this session, all of them, the marked events, or what passes the filter", "export to a file", "export", (*ui).askExport},
		{"r", nil, "r", "show secrets, or blank them again", "show or blank secrets", "reveal", (*ui).toggleReveal},
		{"f", nil, "f", "follow the newest event and session, and stop where a login fails", "follow the newest", "follow", (*ui).toggleFollow},
		{".", nil, ".", "next finding: an event with a sign", "next finding, before", "finding", func(u *ui) { u.jumpToFinding(1) }},
		{",", nil, ", (comma)", "finding before", "", "", func(u *ui) { u.jumpToFinding(-1) }},
		{"l", nil, "l", "list the findings of this session; again: of all sessions", "list of findings", "findings", func(u *ui) { u.showFindings(false) }},
		{"w", nil, "w", "hide noise: keep-alives, acknowledgements, TCP coming and going", "hide noise", "noise", (*ui).toggleNoise},
		{"v", nil, "v", "stanzas as a table, or the ladder again", "stanzas as a table", "stanzas", (*ui).toggleTable},
		{"P", nil, "P", "to the answer of a request, or to the request of an answer", "request or answer", "", (*ui).toPartner},
		{"o", nil, "o", "sort the table by the next column", "sort the table, turned", "", (*ui).nextSort},
		{"O", nil, "O", "turn the order of the table round", "", "", (*ui).turnSort},
		{"c", nil, "c", "only what is from or to this contact", "only this contact, id", "", func(u *ui) { u.onlyThis("contact") }},
		{"I", nil, "I", "only what has the id of this stanza", "", "", func(u *ui) { u.onlyThis("id") }},
		{"t", nil, "t", "time: since the start, since the row above, of the day", "another time", "time", (*ui).nextClock},
		{"x", nil, "x", "the event's raw text, and back", "raw text, and back", "raw", func(u *ui) { u.setView(rawText) }},
		{"h", nil, "h", "the event's bytes in hex, and back", "hex, and back", "hex", func(u *ui) { u.setView(hexDump) }},
		{"s", nil, "s", "show or hide the list of sessions", "list of sessions", "sessions", (*ui).toggleList},
		{"p", nil, "p", "check the login against the account's password, typed here", "check a password", "password", (*ui).askPassword},
		{"d", nil, "d", "compare two sessions: d on one, then d on the other", "compare two sessions", "compare", (*ui).compare},
		{"m ", nil, "m, Space", "mark the event for an export, or take the mark away", "mark, Space; clear all", "mark", (*ui).toggleMark},
		{"M", nil, "M", "clear all marks", "", "", (*ui).clearMarks},
		{"i", nil, "i", "the start screen: what to set in a client, and how each session went", "start screen", "info", (*ui).toggleSetup},
		{"y", nil, "y", "copy the event's text to the clipboard of the terminal", "copy its text", "copy", (*ui).copyText},
		{"123456789#", nil, "1 … 9, #", "go to an event by its number", "go to a number", "", (*ui).askPlace},
		{"j", []tcell.Key{tcell.KeyDown}, "j, Down", "down", "down, up", "", func(u *ui) { u.step(1) }},
		{"k", []tcell.Key{tcell.KeyUp}, "k, Up", "up", "", "", func(u *ui) { u.step(-1) }},
		{"J", nil, "J", "next event, from any pane", "next event, before", "", func(u *ui) { u.turnEvent(1) }},
		{"K", nil, "K", "event before, from any pane", "", "", func(u *ui) { u.turnEvent(-1) }},
		{"", []tcell.Key{tcell.KeyPgDn, tcell.KeyCtrlF}, "PgDn, Ctrl-F", "a page down", "a page down, up", "", func(u *ui) { u.pages(1) }},
		{"", []tcell.Key{tcell.KeyPgUp, tcell.KeyCtrlB}, "PgUp, Ctrl-B", "a page up", "", "", func(u *ui) { u.pages(-1) }},
		{"", []tcell.Key{tcell.KeyCtrlD}, "Ctrl-D", "half a page down", "half a page down, up", "", func(u *ui) { u.halves(1) }},
		{"", []tcell.Key{tcell.KeyCtrlU}, "Ctrl-U", "half a page up", "", "", func(u *ui) { u.halves(-1) }},
		{"g", []tcell.Key{tcell.KeyHome}, "g, Home", "to the first", "to the first, last", "", (*ui).first},
		{"G", []tcell.Key{tcell.KeyEnd}, "G, End", "to the last; in the ladder this follows again", "", "", (*ui).last},
		{"]", []tcell.Key{tcell.KeyRight}, "], Right", "next session", "next session, before", "", func(u *ui) { u.turnSession(1) }},
		{"[", []tcell.Key{tcell.KeyLeft}, "[, Left", "session before", "", "", func(u *ui) { u.turnSession(-1) }},
		{"n", nil, "n", "next match of the search", "next match, before", "", func(u *ui) { u.searchOn(1) }},
		{"N", nil, "N", "match before", "", "", func(u *ui) { u.searchOn(-1) }},
		{"+", nil, "+", "more room for the ladder", "ladder taller, shorter", "", func(u *ui) { u.resize(1) }},
		{"-", nil, "-", "less room for the ladder", "", "", func(u *ui) { u.resize(-1) }},
		{"", []tcell.Key{tcell.KeyCtrlL}, "Ctrl-L", "draw the screen anew", "draw anew", "", func(u *ui) { u.redraw = true }},
	}
}

// mouseTable is what the mouse does, for help.
var mouseTable = [][2]string{
	{"click", "select a row, focus a pane, press a key of the last line"},
	{"double click", "the event on the whole screen, and back"},
	{"wheel", "scroll the pane under the pointer"},
	{"Shift and drag", "select text in most terminals, to copy it"},
}

// mouseBrief is mouseTable for a small screen.
var mouseBrief = [][2]string{
	{"click", "select; twice: zoom"},
	{"wheel", "scroll"},
}

// KeyTable lists the inspector's keys and what each does, in the order of its
// help screen: for the README and the manual page.
func KeyTable() [][2]string {
	var out [][2]string
	for i := range bindings {
		out = append(out, [2]string{bindings[i].label, bindings[i].does})
	}
	return out
}

// press does what a key is bound to.
func (u *ui) press(event *tcell.EventKey) {
	if do := u.sheet.keys[event.Rune()]; do != nil && u.overlay == sheetPage && event.Key() == tcell.KeyRune {
		do()
		return
	}
	for i := range bindings {
		if bindings[i].matches(event) {
			u.carryOut(&bindings[i], event.Rune())
			return
		}
	}
}

// carryOut does what a key is bound to; r is its character, if it has one.
func (u *ui) carryOut(b *binding, r rune) {
	u.repeated = r == u.pressed
	u.pressed = r
	b.do(u)
}

func (b *binding) matches(event *tcell.EventKey) bool {
	if event.Key() == tcell.KeyRune {
		for _, r := range b.runes {
			if r == event.Rune() {
				return true
			}
		}
		return false
	}
	for _, k := range b.keys {
		if k == event.Key() {
			return true
		}
	}
	return false
}
