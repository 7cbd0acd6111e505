package viewer

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gdamore/tcell/v2"

	"xmppscope/session"
)

// action is one thing that the inspector does. Help, the hints on the last line, the palette,
// the names in a configuration file and the README come from the same table.
type action struct {
	name  string // in the palette and in a configuration file
	keys  string // that it has unless somebody sets others, with blanks between them; "" for none
	does  string // what it does, in help
	brief string // the same in at most 18 characters, for a small screen; "": on the line before
	hint  string // one word for the last line, which has them in the order of footer
	do    func(*ui)
}

// actions is the table of actions, in the order of help. It is filled in init,
// because what the actions do reads the table.
var actions []action

func init() {
	actions = []action{
		{"quit", "q F10", "quit (asks first what becomes of unsaved sessions); from a page or zoom: back", "back, quit (^C)", "quit", (*ui).leave},
		{"help", "? F1", "this help", "this help", "help", (*ui).toggleHelp},
		{"back", "Esc", "back: from a page, zoom, a comparison, the highlights of a search", "back", "back", (*ui).back},
		{"next-pane", "Tab", "next pane", "next pane", "pane", func(u *ui) { u.turnFocus(1) }},
		{"previous-pane", "Shift-Tab", "pane before", "pane before", "", func(u *ui) { u.turnFocus(-1) }},
		{"enter", "Enter", "open the session; the event on the whole screen, and back", "zoom in, and out", "zoom", (*ui).enter},
		{"verdict", "!", "go to where the login failed or completed; again: to the next failed session", "where it failed", "verdict", (*ui).jumpToVerdict},
		{"palette", ": F9", "all commands, by name", "all commands", "menu", (*ui).askAction},
		{"search", "/ F3", "search in the session, and if it is not there in the next ones", "search", "find", (*ui).askSearch},
		{"filter", "F F7", "filter events by an expression, or the listed sessions by words; empty shows all", "filter", "filter", (*ui).askFilter},
		{"export", "e F2", "export this session, all of them, the marked events, or what passes the filter", "export to a file", "export", (*ui).askExport},
		{"reveal", "r", "show secrets, or blank them again", "show secrets", "reveal", (*ui).toggleReveal},
		{"follow", "f", "follow the newest event and session, and stop where a login fails", "follow the newest", "follow", (*ui).toggleFollow},
		{"next-finding", ".", "next finding: an event with a sign", "finding, before", "finding", func(u *ui) { u.jumpToFinding(1) }},
		{"previous-finding", ",", "finding before", "", "", func(u *ui) { u.jumpToFinding(-1) }},
		{"findings", "l", "list the findings of this session; again: of all sessions", "list of findings", "findings", func(u *ui) { u.showFindings(false) }},
		{"noise", "w", "hide noise: keep-alives, acknowledgements, TCP coming and going", "hide noise", "noise", (*ui).toggleNoise},
		{"stanzas", "v", "stanzas as a table, or the ladder again", "table, its columns", "stanzas", (*ui).toggleTable},
		{"columns", "C", "choose the columns of the table of stanzas, and what it is sorted by", "", "", (*ui).showColumns},
		{"partner", "P", "to the answer of a request, or to the request of an answer", "request or answer", "", (*ui).toPartner},
		{"sort", "o", "sort the table, or the list of sessions, by the next column", "sort, reverse", "", (*ui).nextSort},
		{"turn-sort", "O", "reverse that order", "", "", (*ui).turnSort},
		{"only-contact", "c", "only what is from or to this contact", "contact, id, ns", "", func(u *ui) { u.onlyThis("contact") }},
		{"only-id", "I", "only what has the id of this stanza", "", "", func(u *ui) { u.onlyThis("id") }},
		{"only-namespace", "U", "only what is in the namespace (URI) of this stanza's payload", "", "", func(u *ui) { u.onlyThis("namespace") }},
		{"time", "t", "time: since the start, since the row above, of the day", "another time", "time", (*ui).nextClock},
		{"raw", "x", "the event's raw text, and back", "raw text, and back", "raw", func(u *ui) { u.setView(rawText) }},
		{"hex", "h", "the event's bytes in hex, and back", "hex, and back", "hex", func(u *ui) { u.setView(hexDump) }},
		{"sessions", "s", "show or hide the list of sessions", "list of sessions", "list", (*ui).toggleList},
		{"session-table", "S", "the list of sessions on the whole screen, with its columns; Enter opens one", "sessions, all room", "sessions", (*ui).zoomList},
		{"story-back", "{", "to the session that this one continues: resumed, replaced, same client", "its story: back", "", func(u *ui) { u.along(-1) }},
		{"story-on", "}", "to the session that continues this one", "", "", func(u *ui) { u.along(1) }},
		{"fold", "z", "fold the phase of the login that the event is in to one row, or show it again", "fold a phase, all", "", (*ui).foldPhase},
		{"fold-all", "Z", "fold all phases, or show all again", "", "", (*ui).foldAll},
		{"statistics", "T", "statistics of this session; again: of all sessions", "statistics", "stats", (*ui).showStats},
		{"password", "p", "check the login against the account's password, typed here", "check a password", "password", (*ui).askPassword},
		{"compare", "d", "compare two sessions: d on one, then d on the other", "compare two", "compare", (*ui).compare},
		{"mark", "m Space", "mark the event, in exports and for one, or take the mark away", "mark, clear marks", "mark", (*ui).toggleMark},
		{"clear-marks", "M", "clear all marks", "", "", (*ui).clearMarks},
		{"next-field", ">", "highlight the bytes of the next decoded field; clicking bytes names their field", "a field's bytes", "", func(u *ui) { u.turnField(1) }},
		{"previous-field", "<", "those of the field before", "", "", func(u *ui) { u.turnField(-1) }},
		{"note", "a", "write a note on the event: on its row, in exports, reports and Wireshark's comments", "note; list notes", "", (*ui).askNote},
		{"notes", "A", "list the notes and marks of all sessions", "", "", (*ui).showNotes},
		{"info", "i", "the start screen: what to set in a client, and how each session went", "start screen", "info", (*ui).toggleSetup},
		{"copy", "y", "copy the event's text to the clipboard of the terminal", "copy its text", "copy", (*ui).copyText},
		{"copy-as", "Y", "copy a value, Markdown, or a command line that prints the event", "", "", (*ui).askCopy},
		{"open-in", "|", "open in the pager, an editor, Wireshark, the browser", "in other programs", "", (*ui).askOpen},
		{"open-pager", "", "the event in $PAGER", "", "", (*ui).openPager},
		{"open-editor", "", "the event's text in $EDITOR", "", "", (*ui).openEditor},
		{"open-wireshark", "", "this session in Wireshark", "", "", (*ui).openWireshark},
		{"open-browser", "", "a report on this session in the browser", "", "", (*ui).openBrowser},
		{"answer", "L", "in a lesson (demo --learn): answer with the selected event, or with what is typed", "lesson: answer", "", (*ui).answerTask},
		{"show-answer", "V", "in a lesson: show the answer", "", "", (*ui).showAnswer},
		{"go-to", "# 1…9", "go to an event by its number", "go to a number", "", (*ui).askPlace},
		{"down", "j Down", "down", "down, up", "", func(u *ui) { u.step(1) }},
		{"up", "k Up", "up", "", "", func(u *ui) { u.step(-1) }},
		{"next-event", "J", "next event, from any pane", "next event, before", "", func(u *ui) { u.turnEvent(1) }},
		{"previous-event", "K", "event before, from any pane", "", "", func(u *ui) { u.turnEvent(-1) }},
		{"page-down", "PgDn Ctrl-F", "a page down", "a page down", "", func(u *ui) { u.pages(1) }},
		{"page-up", "PgUp Ctrl-B", "a page up", "a page up", "", func(u *ui) { u.pages(-1) }},
		{"half-down", "Ctrl-D", "half a page down", "half a page down", "", func(u *ui) { u.halves(1) }},
		{"half-up", "Ctrl-U", "half a page up", "half a page up", "", func(u *ui) { u.halves(-1) }},
		{"first", "g Home", "to the first", "first, last", "", (*ui).first},
		{"last", "G End", "to the last; in the ladder this follows again", "", "", (*ui).last},
		{"next-session", "] Right", "next session", "session, before", "", func(u *ui) { u.turnSession(1) }},
		{"previous-session", "[ Left", "session before", "", "", func(u *ui) { u.turnSession(-1) }},
		{"next-match", "n", "next match of the search", "match, before", "", func(u *ui) { u.searchOn(1) }},
		{"previous-match", "N", "match before", "", "", func(u *ui) { u.searchOn(-1) }},
		{"taller", "+", "more room for the ladder", "height of ladder", "", func(u *ui) { u.resize(1) }},
		{"shorter", "-", "less room for the ladder", "", "", func(u *ui) { u.resize(-1) }},
		{"held", "H", "what is held: pass it on, edit, drop, repeat or delay it", "held, breakpoints", "hold", (*ui).showHeld},
		{"break", "B", "set a breakpoint: hold what matches a filter, or comes before a step", "", "", (*ui).askBreak},
		{"say", "W", "send something to the server or the client: ping, disco, message, XML, a file", "send, send again", "", (*ui).askInject},
		{"say-again", "R", "send the marked stanzas again, or the selected one", "", "", (*ui).sayAgain},
		{"redraw", "Ctrl-L", "redraw the screen", "redraw", "", func(u *ui) { u.redraw = true }},
	}
}

// footer names the actions of the last line, the most needed first: as many are shown as
// there is room for. At 80 columns that is all that somebody new would not guess.
var footer = append(slices.Clip(always), []string{
	"search", "filter", "export", "session-table", "statistics", "held", "verdict", "stanzas", "enter",
	"next-pane", "next-finding", "findings", "reveal", "follow", "mark", "compare", "time", "raw", "hex", "noise", "sessions", "info", "copy", "password",
}...)

// always are those that stand there wherever one is.
var always = []string{"quit", "help", "back", "palette"}

// mouseTable is what the mouse does, for help.
var mouseTable = [][2]string{
	{"click", "select a row, focus a pane, press a key of the last line"},
	{"double click", "the event on the whole screen, and back"},
	{"wheel", "scroll the pane under the pointer"},
	{"Shift and drag", "select text in most terminals, to copy it"},
}

// mouseBrief is mouseTable for a small screen.
var mouseBrief = [][2]string{
	{"click", "select; 2: zoom"},
	{"wheel", "scroll"},
}

// bound is an action with the keys that it has.
type bound struct {
	*action
	keys  []key
	label string // how they are called in help
}

// short is the first of its keys.
func (b *bound) short() clean { return wire(b.keys[0].String()) }

// shortest is short with the names of keys cut.
func (b *bound) shortest() clean {
	return wire(strings.NewReplacer("Ctrl-", "^", "Shift-", "S-").Replace(b.keys[0].String()))
}

// keymap says which key does what.
type keymap struct {
	bound []bound // those that have a key, in the order of the table
	by    map[key]*bound
}

// newKeymap is the table with actions of the person's own, and other keys for some. They are
// taken away from whoever has them; two that are both set to one key are an error, as is an
// action that there is not.
func newKeymap(own []action, set map[string]string) (keymap, error) {
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if actionOf(name) == nil {
			return keymap{}, unknown("action", name, actionNames())
		}
	}
	m := keymap{by: map[key]*bound{}}
	taken := map[key]string{} // by those that were set
	all := slices.Concat(actions, own)
	for i := range all {
		list, ok := set[all[i].name]
		if i >= len(actions) {
			list, ok = all[i].keys, true
		}
		if !ok {
			continue
		}
		keys, err := parseKeys(list)
		if err != nil {
			return keymap{}, err
		}
		for _, k := range keys {
			if other := taken[k]; other != "" {
				return keymap{}, fmt.Errorf("%s is to be both %s and %s", k, other, all[i].name)
			}
			taken[k] = all[i].name
		}
	}
	for i := range all {
		a := &all[i]
		list, isSet := set[a.name]
		if !isSet {
			list = a.keys
		}
		keys, err := parseKeys(list)
		if err != nil {
			return keymap{}, err
		}
		kept := slices.DeleteFunc(slices.Clone(keys), func(k key) bool { return taken[k] != "" && taken[k] != a.name })
		if len(kept) < len(keys) {
			var names []string
			for _, k := range kept {
				names = append(names, k.String())
			}
			list = strings.Join(names, " ")
		}
		if len(kept) > 0 {
			m.bound = append(m.bound, bound{a, kept, labelOf(list)})
		}
	}
	for i := range m.bound {
		for _, k := range m.bound[i].keys {
			m.by[k] = &m.bound[i]
		}
	}
	return m, nil
}

// actionOf is the action with a name, nil if there is none.
func actionOf(name string) *action {
	if i := slices.IndexFunc(actions, func(a action) bool { return a.name == name }); i >= 0 {
		return &actions[i]
	}
	return nil
}

func actionNames() (out []string) {
	for i := range actions {
		out = append(out, actions[i].name)
	}
	return out
}

// unknown is the error of a name that nothing has.
func unknown(what, name string, known []string) error {
	return fmt.Errorf("there is no %s %q: %s", what, name, session.Suggest(name, known))
}

// usual are the keys that actions have unless somebody sets others.
func usual() keymap {
	m, err := newKeymap(nil, nil)
	if err != nil {
		panic(err) // a name in the table is wrong
	}
	return m
}

// KeyTable lists the inspector's keys and what each does, in the order of its
// help screen: for the README and the manual page.
func KeyTable() [][2]string {
	m := usual()
	return m.table()
}

// table is KeyTable for these keys.
func (m *keymap) table() [][2]string {
	var out [][2]string
	for i := range m.bound {
		out = append(out, [2]string{m.bound[i].label, m.bound[i].does})
	}
	return out
}

// brief is table in short words, with keys that belong together on one line.
func (m *keymap) brief() [][2]string {
	var out [][2]string
	for i := range m.bound {
		b := &m.bound[i]
		switch {
		case b.action.brief != "":
			out = append(out, [2]string{string(b.shortest()), b.action.brief})
		case i > 0:
			out[len(out)-1][0] += " " + string(b.shortest())
		}
	}
	return out
}

// press does what a key is bound to.
func (u *ui) press(event *tcell.EventKey) {
	if do := u.sheet.keys[event.Rune()]; do != nil && u.overlay == sheetPage && event.Key() == tcell.KeyRune {
		do()
		return
	}
	k := keyOf(event)
	if b := u.keys.by[k]; b != nil {
		u.carryOut(b.action, k.char)
	}
}

// carryOut does an action; r is the character that was pressed for it, if one was.
func (u *ui) carryOut(a *action, r rune) {
	u.repeated = a == u.done
	u.done, u.pressed = a, r
	a.do(u)
}
