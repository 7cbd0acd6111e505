package viewer

import (
	"context"
	"strings"

	"github.com/gdamore/tcell/v2"

	"xmppscope/internal/inspect"
)

// comparedEvents is how much of each session is compared: logins lie at its
// beginning.
const comparedEvents = 20_000

// compare marks the session shown to be compared, or compares it with the one
// that was marked before.
func (u *ui) compare() {
	c := u.current()
	switch {
	case u.options.Diff == nil:
		u.say(notice, "comparing sessions is not available here")
	case c.ID == 0:
		u.say(notice, "there is no session to compare yet")
	case u.compared == nil && len(u.model.Sessions) == 1:
		u.compared = c
		u.say(notice, "comparing session %d: there is no other yet; select one that comes, press d (Esc cancels)", c.ID)
	case u.compared == nil:
		u.compared = c
		u.say(notice, "comparing session %d: select another, press d (Esc cancels)", c.ID)
	case u.compared == c:
		u.compared = nil
		u.say(notice, "comparing session %d was cancelled", c.ID)
	default:
		u.diff(u.compared, c)
		u.compared = nil
	}
}

// diff compares in the background and shows what differs.
func (u *ui) diff(a, b *inspect.Conversation) {
	u.say(notice, "comparing session %d with session %d …", a.ID, b.ID)
	left, right := u.ofSession(a), u.ofSession(b)
	var lines func(width int) []DiffLine
	cut := false
	u.spawn(
		func(ctx context.Context) {
			before, moreBefore := left.First(ctx, comparedEvents)
			after, moreAfter := right.First(ctx, comparedEvents)
			cut = moreBefore || moreAfter
			lines = u.options.Diff(before, after)
		},
		func(context.Context) {
			u.flash = flash{}
			u.show(sheet{
				title: wiref("Session %d compared with session %d", a.ID, b.ID),
				text:  func(p *textBlock) { p.differences(lines(p.width-1), cut, u.comparedTo(a, b)) },
			})
		})
}

// comparedTo gives what Enter does on a line of a comparison: it goes to the event that
// the line is about, in the second session where that has one.
func (u *ui) comparedTo(a, b *inspect.Conversation) func(DiffLine) func() {
	return func(l DiffLine) func() {
		switch {
		case l.B != 0:
			return func() { u.visit(b, l.B) }
		case l.A != 0:
			return func() { u.visit(a, l.A) }
		}
		return nil
	}
}

// differences are the lines of a comparison. They fit, but for what the terminal
// shows wider than they were thought to be.
func (p *textBlock) differences(lines []DiffLine, cut bool, enter func(DiffLine) func()) {
	p.gap()
	if cut {
		p.add(1, span{wiref(" ▲ only the first %d events of each were compared", comparedEvents), p.theme.warning})
	}
	if len(lines) == 0 {
		p.add(1, span{" ✓ no difference", p.theme.good})
	}
	styles := map[DiffKind]tcell.Style{
		DiffPlain: p.theme.text, DiffHead: p.theme.strong, DiffStep: p.theme.warning,
		DiffA: p.theme.fromClient, DiffB: p.theme.fromServer, DiffFaint: p.theme.faint,
	}
	for i := 0; i < len(lines); {
		from, first := len(p.lines), lines[i]
		for ; i < len(lines) && lines[i].A == first.A && lines[i].B == first.B; i++ {
			for _, l := range wireLines(lines[i].Text) {
				body := strings.TrimLeft(string(l), " ")
				p.add(len(l)-len(body)+1, span{" " + l, styles[lines[i].Kind]})
			}
		}
		p.offer(from, enter(first))
	}
}
