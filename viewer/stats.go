package viewer

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"xmppscope/internal/inspect"
	"xmppscope/session"
)

// stats is the page of statistics.
type stats struct {
	of      *inspect.Conversation // of which session; nil: all
	by      inspect.Counted
	sort    int // of inspect.GroupColumns
	turned  bool
	tally   *inspect.Tally // nil while it is being counted
	logins  inspect.Logins
	read    atomic.Int64
	total   int
	cancel  context.CancelFunc
	listing []inspect.Group // as they are shown
}

// showStats shows the statistics of this session; pressed again on the page, of all.
func (u *ui) showStats() {
	c := u.current()
	if c.ID == 0 {
		u.say(notice, "there is no session yet")
		return
	}
	u.countFor(c, inspect.KindTally)
}

// countFor counts what a session holds, or all, in the background.
func (u *ui) countFor(c *inspect.Conversation, by inspect.Counted) {
	if u.stats != nil && u.stats.cancel != nil {
		u.stats.cancel()
	}
	s := &stats{of: c, by: by}
	u.stats = s
	pick, of := u.whole(), u.model.Sessions
	s.total = pick.To
	if c != nil {
		pick, of = u.ofSession(c), []*inspect.Conversation{c}
		s.total = c.End - c.Begin // others' events lie between, and are passed over
	}
	s.logins = inspect.LoginsOf(of)
	u.showStatsPage()
	var tally *inspect.Tally
	s.cancel = u.spawn(
		func(ctx context.Context) { tally = inspect.NewTally(ctx, pick, &s.read) },
		func(context.Context) {
			s.tally = tally
			s.order()
		})
}

// order puts the groups into the order that was asked for.
func (s *stats) order() {
	s.listing = nil
	if s.tally == nil {
		return
	}
	s.listing = slices.Clone(s.tally.By[s.by])
	compare := inspect.GroupColumns[s.sort].Compare
	slices.SortStableFunc(s.listing, func(a, b inspect.Group) int {
		if s.turned {
			return compare(&b, &a)
		}
		return compare(&a, &b)
	})
}

// showStatsPage puts the page over the panes.
func (u *ui) showStatsPage() {
	s := u.stats
	title := clean("Statistics · all sessions")
	if s.of != nil {
		title = wiref("Statistics · session %d", s.of.ID)
	}
	again := func(change func()) func() {
		return func() {
			change()
			s.order()
			u.picked, u.page.top = 0, 0
		}
	}
	keys := map[rune]func(){
		'o': again(func() { s.sort, s.turned = (s.sort+1)%len(inspect.GroupColumns), false }),
		'O': again(func() { s.turned = !s.turned }),
		'v': again(func() { s.by = (s.by + 1) % inspect.TallyCount }),
		'T': func() {
			if s.of != nil {
				u.countFor(nil, s.by)
			} else {
				u.countFor(u.current(), s.by)
			}
		},
	}
	u.show(sheet{title: title, hint: "Enter shows its events  v next table  o sort, O reverse  T this/all", text: u.statsText, keys: keys})
}

// statsText is the text of the page.
func (u *ui) statsText(p *textBlock) {
	s := u.stats
	p.gap()
	l := &s.logins
	said := inspect.Count(l.Sessions, "session") + ": " + inspect.Number(l.In) + " logged in"
	if l.Resumed > 0 {
		said += " (" + inspect.Number(l.Resumed) + " resumed)"
	}
	said += ", " + inspect.Number(l.Failed) + " failed · " + inspect.Count(l.Tries, "try") + " to authenticate · " + inspect.Count(l.Reconnects, "reconnect")
	p.add(3, span{" " + wire(said), p.theme.text})
	t := s.tally
	if t == nil {
		p.gap()
		p.add(1, span{wiref(" counting … %d %%", min(100, int(s.read.Load())*100/max(1, s.total))), p.theme.notice})
		return
	}
	managed := "off"
	if t.SM.Enabled+t.SM.Requests+t.SM.Answers+t.SM.Refused > 0 {
		managed = inspect.Number(t.SM.Enabled) + " × on, " + inspect.Number(t.SM.Refused) + " × refused, " + inspect.Number(t.SM.Requests) + " asked for, " + inspect.Number(t.SM.Answers) + " given"
	}
	p.add(3, span{wiref(" %s, %s · sent again: %s · acknowledgements: %s", inspect.Count(t.Events, "event"), inspect.Amount(t.Bytes), inspect.Number(t.Again), managed), p.theme.text})
	p.gap()
	tabs := line{{" by ", p.theme.faint}}
	for by, name := range inspect.TallyNames {
		style := p.theme.faint
		if inspect.Counted(by) == s.by {
			style = p.theme.focused
		}
		tabs = append(tabs, span{wire(name) + " ", style})
	}
	p.lines = append(p.lines, append(tabs, span{wiref("· %s · time to answer: median, 95 %%, slowest", inspect.Number(len(s.listing))), p.theme.faint}).fit(p.width))
	p.lines = append(p.lines, p.groupRow(nil, s.sort, s.turned))
	for i := range s.listing {
		g := &s.listing[i]
		from := len(p.lines)
		p.lines = append(p.lines, p.groupRow(g, s.sort, s.turned))
		p.offer(from, func() { u.filterTo(g) })
	}
	if len(s.listing) == 0 {
		p.add(1, span{" nothing was counted", p.theme.faint})
	}
}

// groupRow is a row of the statistics, the heading without a group. Columns that there is no
// room for are left out from the right, but for the half.
func (p *textBlock) groupRow(g *inspect.Group, sort int, turned bool) line {
	const each = 9
	room := p.width - 1
	name := within(room-each*len(inspect.GroupColumns)-1, 20, 60)
	columns := (room - name) / (each + 1)
	label, style := clean("name"), p.theme.faint
	if g != nil {
		label, style = wire(g.Name), p.theme.text
	}
	out := line{{" " + label.pad(name), style}}
	for i, c := range inspect.GroupColumns {
		if left := len(inspect.GroupColumns) - columns; left > 0 && slices.Contains(leftOut[:min(left, len(leftOut))], c.Name) {
			continue
		}
		text := wire(c.Name)
		switch {
		case g != nil:
			text = wire(c.Text(g))
		case i == sort:
			text += sortMark(!turned)
		}
		cell := style
		if g != nil && (c.Name == "errors" || c.Name == "no reply") {
			cell = p.theme.warning
		}
		out = append(out, span{" " + text.padLeft(each), cell})
	}
	return out.fit(p.width)
}

// leftOut are the columns that are left out first.
var leftOut = []string{"slowest", "←", "→", "95 %"}

// filterTo shows the events of a group: stanzas in the table, others in the ladder.
func (u *ui) filterTo(g *inspect.Group) {
	if u.stats.by == inspect.SessionTally {
		for _, c := range u.model.Sessions {
			if g.Name == fmt.Sprint(c.ID) {
				u.overlay, u.follow = noOverlay, false
				u.selectSession(c)
			}
		}
		return
	}
	if g.Filter == "" || u.options.CompileFilter == nil {
		u.say(notice, "there is no filter for these")
		return
	}
	keep, err := u.options.CompileFilter(g.Filter)
	if err != nil {
		u.say(failure, "%s", err.Error())
		return
	}
	u.overlay = noOverlay
	if g.Stanzas != u.table {
		u.table = g.Stanzas
		u.sorted = inspect.ByTime
	}
	u.setFilter(g.Filter, keep)
	u.say(notice, "only %s: F clears the filter", session.Clip(g.Name, 40))
}
