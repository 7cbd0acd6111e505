package viewer

import (
	"strings"

	"xmppscope/internal/inspect"
	"xmppscope/session"
)

// sheet is a text on the page over the panes that was asked for: a check, a
// comparison.
type sheet struct {
	title clean
	text  func(*textBlock)
	enter clean           // what Enter does with what is chosen; "": goes there
	hint  clean           // what its keys do, on the last line; "" for the usual
	keys  map[rune]func() // keys of its own
}

// show puts a sheet over the panes.
func (u *ui) show(s sheet) {
	u.sheet, u.overlay = s, sheetPage
	u.page.top, u.picked = 0, 0
}

// pageText is the text of the page over the panes.
func (u *ui) pageText() []line {
	p := &textBlock{theme: &u.theme, width: u.page.w - 1}
	switch u.overlay {
	case helpPage:
		return u.help()
	case sheetPage:
		u.sheet.text(p)
	default:
		u.setup(p)
	}
	u.places = p.places
	u.pickedLines(p.lines)
	return p.lines
}

func (u *ui) pageCaption(int) line {
	title, back := clean("Set up a client"), clean(" · i or Esc goes to the sessions")
	switch {
	case u.overlay == helpPage:
		title, back = "Keys and mouse", " · ? or Esc goes back"
	case u.overlay == sheetPage:
		title, back = u.sheet.title, " · Esc goes back"
	case !u.options.Live || u.options.Reading.State != nil:
		title = "About this recording"
	}
	switch {
	case u.picking() && u.sheet.enter != "":
		back = " · Up, Down choose · Enter " + u.sheet.enter + " · Esc goes back"
	case u.picking() && strings.HasPrefix(string(u.sheet.hint), "Enter"): // which says what it does
		back = " · Up, Down choose · Esc goes back"
	case u.picking():
		back = " · Up, Down choose · Enter goes there · Esc goes back"
	case u.choosing():
		back = " · Up, Down choose a session · Enter goes there"
	}
	return line{{title, u.theme.focused}, {back, u.theme.faint}}
}

// setup is the start screen: what to set in a client, whether one came and how it went, and
// then what is rarely asked for again.
func (u *ui) setup(p *textBlock) {
	u.pageTold(p)
	p.gap()
	r := u.reading()
	start := u.options.Start
	if len(r.Opened) > 0 {
		start = r.Opened
	}
	if u.live() && len(u.listed) == 0 {
		p.add(1, span{" ○ waiting for the first client …", u.theme.warning})
		p.gap()
	}
	p.told(start)
	if len(r.Said) > 0 {
		p.heading("About what was read")
		for _, said := range r.Said {
			p.add(3, span{" ▲ " + wire(said), u.theme.warning})
		}
	}
	if n := len(u.listed); n > 0 {
		p.outcomes(u, u.listed[max(0, n-outcomesShown):])
	}
	p.files(u.options.Files)
	if len(u.options.Guide) > 0 {
		p.heading("How clients trust the CA")
		p.told(u.options.Guide)
	}
}

// told is text from outside; a line that ends with a colon heads what is indented below it.
func (p *textBlock) told(lines []string) {
	for _, text := range lines {
		for _, l := range wireLines(text) {
			style := p.theme.text
			body := strings.TrimLeft(string(l), " ")
			if len(body) == len(l) && strings.HasSuffix(body, ":") {
				style = p.theme.title
			}
			p.add(len(l)-len(body)+2, span{" " + l, style})
		}
	}
}

// files is what is being saved, and what has been exported.
func (p *textBlock) files(list func() []string) {
	if list == nil {
		return
	}
	for i, said := range list() {
		if i == 0 {
			p.heading("Files")
		}
		p.add(3, span{"   " + wire(said), p.theme.text})
	}
}

// pageTold is what was said meanwhile; a save that failed has been read of then.
func (u *ui) pageTold(p *textBlock) {
	for _, s := range u.saves() {
		if s.Problem != "" {
			u.read[s.Name] = true
		}
	}
	if u.options.Told == nil {
		return
	}
	for i, said := range u.options.Told() {
		if i == 0 {
			p.heading("Messages")
		}
		p.add(3, span{" ▲ " + wire(said), p.theme.warning})
	}
}

// outcomesShown bounds the list of sessions on the start screen.
const outcomesShown = 200

// outcomes is how each session went, in a few lines.
func (p *textBlock) outcomes(u *ui, sessions []*inspect.Conversation) {
	n := len(u.listed)
	p.heading(wire(session.Plural(n, "session") + " so far"))
	if !u.options.Live {
		p.lines[len(p.lines)-1] = line{{" " + wire(session.Plural(n, "session")), p.theme.title.Underline(true)}}
	}
	if more := n - len(sessions); more > 0 {
		p.add(3, span{wiref("   … and %d earlier ones", more), p.theme.faint})
	}
	for i, c := range sessions {
		sign, style := u.sign(&c.Overview)
		marker, from := pointer(u.choosing() && c == u.current()), len(p.lines)
		said := c.Verdict
		if said == "" || c.State == session.LoggingIn {
			said = u.standing(&c.Overview)
		}
		p.add(5, span{marker, p.theme.accent}, span{sign + " ", style}, span{wiref("%d ", c.ID), p.theme.accent},
			span{wire(c.Began.Format("2006-01-02 15:04:05")) + "  ", p.theme.faint}, span{wire(said), p.theme.text},
			span{wiref("  %s", session.Plural(c.Events, "event")), p.theme.faint})
		at := n - len(sessions) + i
		p.places = append(p.places, place{from: from, to: len(p.lines), session: at})
	}
}

// place is something on a page that can be chosen: it stands from one line up to another.
type place struct {
	from, to int
	session  int    // of the list, on the page of sessions
	enter    func() // what Enter does, on a sheet
}

// offer makes a place of the lines that were added since there were n of them.
func (p *textBlock) offer(n int, enter func()) {
	if enter != nil && len(p.lines) > n {
		p.places = append(p.places, place{from: n, to: len(p.lines), enter: enter})
	}
}

// picking says that there is something on the sheet that can be chosen.
func (u *ui) picking() bool { return u.overlay == sheetPage && len(u.places) > 0 }

// pick goes on to another place of the sheet, and brings it into sight.
func (u *ui) pick(by int) {
	n, before := len(u.places), u.picked
	u.picked = max(0, min(u.picked+by, n-1))
	at := u.places[u.picked]
	if u.picked == before { // what stands below the last
		u.page.scroll(by)
		return
	}
	if u.picked == 0 { // with what stands above it
		u.page.top = 0
	}
	u.page.top = min(u.page.top, at.from)
	u.page.top = max(u.page.top, at.to-u.page.room())
}

// pickedLines shows which place of the sheet is chosen.
func (u *ui) pickedLines(lines []line) {
	if !u.picking() {
		return
	}
	u.picked = min(u.picked, len(u.places)-1)
	at := u.places[u.picked]
	for i := at.from; i < at.to && i < len(lines); i++ {
		said := lines[i].text()
		if i == at.from && len(said) > 0 && said[0] == ' ' {
			said = "▸" + said[1:]
		}
		lines[i] = line{{said.pad(u.page.w - 1), u.theme.selected}}
	}
}

// choosing says that the page over the panes lists sessions of which one can be chosen.
func (u *ui) choosing() bool { return u.overlay == setupPage && len(u.listed) > 1 }

// chooseSession goes on in the list of sessions, on the page that lists them too: there
// its lines come into sight.
func (u *ui) chooseSession(by int) {
	u.list.move(by)
	for _, at := range u.places {
		if u.choosing() && at.session == u.list.selected {
			u.page.top = min(u.page.top, at.from)
			u.page.top = max(u.page.top, at.to-u.page.room())
		}
	}
}

// clickPage goes to the session on which the page was clicked.
func (u *ui) clickPage(x, y int) {
	line := u.page.at(x, y)
	for i, at := range u.places {
		switch {
		case line < at.from || line >= at.to:
		case u.overlay == setupPage:
			u.list.choose(at.session, 1)
			u.overlay = noOverlay
		case u.picking():
			u.picked = i
		}
	}
}
