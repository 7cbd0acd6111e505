package viewer

import (
	"slices"
	"time"

	"github.com/gdamore/tcell/v2"

	"xmppscope/internal/inspect"
	"xmppscope/session"
)

// flash is a message that stands on the last line for a while.
type flash struct {
	text  clean
	tone  tone
	good  bool
	first *inspect.Conversation // it is about how this one fares, in place of text; or nil
	about *inspect.Conversation // it is about this one, which has failed; or nil
	lacks *inspect.Conversation // it says that this one has no verdict: it goes when one comes; or nil
	until time.Time
}

const flashTime = 6 * time.Second

// say shows a message on the last line.
func (u *ui) say(t tone, format string, args ...any) {
	u.flash = flash{text: wiref(format, args...), tone: t, until: u.now().Add(flashTime)}
}

// firstCame tells of the first client, in place of the start screen.
func (u *ui) firstCame() {
	c := u.model.Sessions[0]
	u.stood = c
	if !u.options.Live {
		return
	}
	u.overlay = noOverlay
	if len(u.options.Tasks) > 0 { // a lesson tells what comes next, and which keys answer
		u.flash = flash{}
		return
	}
	u.flash = flash{first: c, until: u.now().Add(2 * flashTime)}
}

// hearTold shows what was said since this was asked last.
func (u *ui) hearTold() {
	if u.options.Told == nil {
		return
	}
	lines := u.options.Told()
	if n := len(lines); n > u.told {
		u.say(warning, "▲ %s", lines[n-1])
		u.flash.until = u.now().Add(2 * flashTime)
		u.told = n
	}
}

// worked brings what is said of an earlier failure up to date: a login has worked since.
func (u *ui) worked(c *inspect.Conversation) {
	about := u.flash.about
	if u.flash.first != nil {
		about = u.flash.first
	}
	if about != nil && about != c && about.State == session.Failed {
		u.say(plain, "✓ session %d works: %s", c.ID, inspect.Who(&c.Overview))
		u.flash.good = true
	}
}

// elsewhere tells of a login that has failed while another session is looked at.
func (u *ui) elsewhere(c *inspect.Conversation) {
	if u.options.Live && u.overlay == noOverlay && c != u.current() && !u.follow && len(u.options.Tasks) == 0 {
		u.say(failure, "✗ session %d has failed (%s): f goes there", c.ID, inspect.Who(&c.Overview))
		u.flash.about = c
	}
}

// welcome says once, when opened files have been shown, what is in them and how to
// go on; what could not be read comes first.
func (u *ui) welcome(all bool) {
	r := u.reading()
	if u.options.Live || r.Going || u.welcomed || !all || len(u.model.Sessions) == 0 {
		return
	}
	u.welcomed = true
	failed := 0
	for _, c := range u.model.Sessions {
		if c.State == session.Failed {
			failed++
		}
	}
	n := len(u.model.Sessions)
	switch problems := r.Said; {
	case len(problems) == 1:
		u.say(warning, "▲ %s", problems[0])
	case len(problems) > 1:
		u.say(warning, "▲ %s (%d more: i)", problems[0], len(problems)-1)
	case failed > 0 && n > 1:
		u.say(notice, "%s, %d failed: ! shows where, and again the next; i lists all", session.Plural(n, "session"), failed)
	case failed > 0:
		u.say(notice, "! goes to where the login failed")
	case n > 1:
		u.say(notice, "%s: ] and [ turn to the next, i lists all", session.Plural(n, "session"))
	}
	u.flash.until = u.now().Add(2 * flashTime)
}

// arrival says how the first client fares.
func (u *ui) arrival(c *inspect.Conversation) (clean, tcell.Style) {
	from := inspect.Who(&c.Overview)
	switch c.State {
	case session.Failed:
		return wiref("✗ the first client came, but its login failed: %s (session %d)", from, c.ID), u.theme.failure
	case session.LoggedIn:
		return wiref("✓ first login works: %s (session %d)", from, c.ID), u.theme.good
	}
	return wiref("● the first client is here: %s (session %d)", from, c.ID), u.theme.text
}

// drawHints draws the last line: the prompt, a message, or what the keys do.
func (u *ui) drawHints(screen tcell.Screen) {
	at := u.plan.hints
	u.hits = u.hits[:0]
	if at.h == 0 {
		return
	}
	if u.prompt != nil {
		u.drawPrompt(screen, at)
		return
	}
	if (u.flash.text != "" || u.flash.first != nil) && u.now().Before(u.flash.until) && (u.flash.lacks == nil || u.flash.lacks.Decisive() < 0) {
		text, style := u.flash.text, u.theme.of(u.flash.tone)
		switch {
		case u.flash.first != nil:
			text, style = u.arrival(u.flash.first)
		case u.flash.good:
			style = u.theme.good
		}
		line{{" " + text, style}}.fit(at.w).put(screen, at.x, at.y, at.w, asIs)
		return
	}
	if u.search.busy { // for as long as it takes
		line{{wiref(" %s …%s Esc stops", u.search.does, u.search.progress()), u.theme.notice}}.fit(at.w).put(screen, at.x, at.y, at.w, asIs)
		return
	}
	if u.edit != nil {
		line{{" " + editHint, u.theme.faint}}.fit(at.w).put(screen, at.x, at.y, at.w, asIs)
		return
	}
	if u.overlay == sheetPage && u.sheet.hint != "" {
		line{{" q back  " + u.sheet.hint, u.theme.faint}}.fit(at.w).put(screen, at.x, at.y, at.w, asIs)
		return
	}
	x := at.x + 1
	for _, name := range u.footer() {
		i := slices.IndexFunc(u.keys.bound, func(b bound) bool { return b.name == name })
		if i < 0 || !u.offers(u.keys.bound[i].action) {
			continue
		}
		b := &u.keys.bound[i]
		l := line{{b.short(), u.theme.accent}, {" " + wire(u.hint(b.action)), u.theme.faint}}
		w := l.width()
		if x+w > at.x+at.w {
			return
		}
		l.put(screen, x, at.y, w, asIs)
		u.hits = append(u.hits, hit{x, x + w, b})
		x += w + 2
	}
}

// footer names what the last line has, the most needed here first.
func (u *ui) footer() []string {
	names := slices.Clone(footer)
	first := func(name string) {
		at := slices.Index(names, name)
		names = slices.Insert(slices.Delete(names, at, at+1), len(always), name)
	}
	if u.current().State == session.Failed {
		first("verdict")
		names = slices.DeleteFunc(names, func(name string) bool { return name == "statistics" })
	}
	if u.want.zoom || u.want.focus == listPane {
		first("enter")
	}
	return names
}

// offers says whether a key is named on the last line: on a page that lies over
// the panes only those are that do something there.
func (u *ui) offers(a *action) bool {
	switch {
	case a.name == "quit", a.name == "help":
		return true
	case a.name == "back":
		return !u.covered() && (u.overlay != noOverlay || u.compared != nil)
	}
	return u.overlay == noOverlay && (a.name != "held" || u.options.Control != nil)
}

// hint is what a key does here, in a word.
func (u *ui) hint(a *action) string {
	switch {
	case a.name == "enter" && u.want.focus == listPane:
		return "open"
	case a.name == "quit" && u.covered(), a.name == "enter" && u.want.zoom:
		return "back"
	case a.name == "verdict" && u.current().State == session.Failed:
		return "why"
	}
	return a.hint
}

func (u *ui) listCaption(width int) line {
	out := line{{wiref("Sessions %d/%d", min(u.list.selected+1, len(u.listed)), len(u.listed)), u.captionStyle(listPane)}}
	if u.narrow != "" {
		out = append(out, span{wiref(" of %s · only: %s", inspect.Number(len(u.model.Sessions)), u.narrow), u.theme.warning})
	}
	if u.list.heading != nil && u.want.focus == listPane {
		out = append(out, span{" · Enter opens · o sorts, O reverses · F narrows", u.theme.faint})
	}
	return out.fit(width)
}

func (u *ui) ladderCaption(width int) line {
	c := u.current()
	style := u.captionStyle(ladderPane)
	if c.ID == 0 {
		return line{{"Ladder", style}}
	}
	out := line{{wiref("Session %d", c.ID), style}}
	if u.plan.panes[listPane].w == 0 && len(u.model.Sessions) > 1 {
		out = append(out, span{wiref(" of %d", len(u.model.Sessions)), u.theme.faint})
	}
	if u.table {
		out[0].text = wiref("Stanzas of session %d", c.ID)
		out = append(out, span{wiref(" · sort: %s", inspect.ColumnNames[u.sortedBy()]), u.theme.text})
	}
	for _, s := range []string{c.Domain, c.Client} {
		if s != "" && !u.table {
			out = append(out, span{" · " + wire(s), u.theme.text})
		}
	}
	place := wiref(" · %s/%s", inspect.Number(c.Place(min(u.ladder.selected, c.Rows.Len()-1))), inspect.Number(c.Place(c.Rows.Len()-1)))
	if u.options.Filter != nil {
		place += wiref(" of %s", inspect.Number(c.Events))
		if part := u.filtered(); part < 100 {
			place += " " + meter(part)
		}
	}
	out = append(out, span{place, u.theme.faint})
	if u.compared != nil && u.compared != c {
		out = append(out, span{wiref(" · to compare with %d: d", u.compared.ID), u.theme.accent})
	}
	if n := len(u.marks); n > 0 {
		out = append(out, span{wiref(" · %d marked", n), u.theme.accent})
	}
	if u.expr != "" {
		out = append(out, span{" · filter: " + wire(u.expr), u.theme.warning})
	}
	return out.fit(width)
}

func (u *ui) detailCaption(width int) line {
	style := u.captionStyle(detailPane)
	out := line{{"Event", style}}
	for v, name := range viewNames {
		look := u.theme.faint
		if view(v) == u.view {
			look = style
		}
		sep := clean(" · ")
		if v > 0 {
			sep = " "
		}
		out = append(out, span{sep, u.theme.faint}, span{name, look})
	}
	if words := u.fieldWords(); words != "" {
		out = append(out, span{" · " + wire(words), u.theme.accent})
	}
	return out.fit(width)
}

func (u *ui) captionStyle(pane int) tcell.Style {
	if u.want.focus == pane {
		return u.theme.focused
	}
	return u.theme.title
}
