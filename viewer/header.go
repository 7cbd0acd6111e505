package viewer

import (
	"strings"
	"time"

	"github.com/gdamore/tcell/v2"

	"xmppscope/internal/inspect"
	"xmppscope/session"
)

// part is a piece of the first line. Where there is too little room, those with the
// highest rank are left out.
type part struct {
	line
	rank  int
	joins bool // goes on with the part before
}

// drawBar draws the first line (where we listen and for whom, what is being saved, the
// modes), and below it how the session stands.
func (u *ui) drawBar(screen tcell.Screen, below []line) {
	bar := u.plan.bar
	if bar.h == 0 {
		return
	}
	u.lookAt(u.current().ID)
	modes := u.modes()
	room := bar.w - modes.width()
	parts := u.headerParts()
	if bar.h == 1 && len(below) > 0 { // a low screen: how the session stands matters more
		parts = []part{{below[0], 0, true}}
		if alarm := u.saveAlarm(); alarm != nil {
			parts = append(parts, part{alarm, -1, false})
		}
	}
	beside(parts, room-1, u.theme.faint).fit(room-1).put(screen, 0, bar.y, bar.w, asIs)
	modes.put(screen, max(0, room), bar.y, min(bar.w, modes.width()), asIs)
	for i, l := range below[:min(len(below), bar.h-1)] {
		l.fit(bar.w).put(screen, 0, bar.y+1+i, bar.w, asIs)
	}
}

// beside puts parts beside each other, as many as there is room for.
func beside(parts []part, room int, rule tcell.Style) line {
	for {
		var out line
		worst := 0
		for i, p := range parts {
			switch {
			case i > 0 && !p.joins:
				out = append(out, span{" │ ", rule})
			default:
				out = append(out, span{" ", rule})
			}
			out = append(out, p.line...)
			if p.rank > parts[worst].rank {
				worst = i
			}
		}
		if out.width() <= room || len(parts) < 2 {
			return out
		}
		parts = append(parts[:worst:worst], parts[worst+1:]...)
	}
}

// headerParts are the parts of the first line.
func (u *ui) headerParts() []part {
	parts := []part{{line{{wire(u.options.Title), u.theme.accent}}, 2, true}}
	if u.options.Where != "" {
		sign, style := clean("● "), u.theme.good
		if !u.live() {
			sign, style = "○ ", u.theme.faint
		}
		parts = append(parts, part{line{{sign, style}, {wire(u.options.Where), u.theme.strong}}, 0, true})
	}
	counts := wiref("%s, %s", inspect.Count(len(u.model.Sessions), "session"), inspect.Count(u.countEvents(), "event"))
	parts = append(parts, part{line{{counts, u.theme.text}}, 3, false})
	if alarm := u.saveAlarm(); alarm != nil {
		return append(parts, part{alarm, -1, false})
	}
	if saves := u.saveWords(); saves != "" {
		parts = append(parts, part{line{{saves, u.theme.text}}, 1, false})
	} else if u.options.Unsaved {
		parts = append(parts, part{line{{"not saved", u.theme.faint}}, 1, false})
	}
	return parts
}

// saves is how the files stand that everything is being saved to.
func (u *ui) saves() []Save {
	if u.options.Saves == nil {
		return nil
	}
	return u.options.Saves()
}

// farBehind is from how many events on a file is said to be behind.
const farBehind = 1000

// saveWords says what is being saved and how far, "" if nothing is.
func (u *ui) saveWords() clean {
	saves := u.saves()
	if len(saves) == 0 {
		return ""
	}
	name, bytes, behind := saves[0].Name, int64(0), 0
	for _, s := range saves {
		bytes += s.Bytes
		behind = max(behind, u.model.Applied-s.Events)
	}
	if n := len(saves); n > 1 {
		name = session.Plural(n, "file")
	}
	said := wiref("saving %s, %s", name, inspect.Amount(bytes))
	if behind > farBehind {
		said += wiref(", %s behind", inspect.Count(behind, "event"))
	}
	return said
}

// saveAlarm is a save that has failed: loud until the page that tells of it was read.
func (u *ui) saveAlarm() line {
	for _, s := range u.saves() {
		switch {
		case s.Problem == "":
		case u.read[s.Name]:
			return line{{wiref("✗ %s is not saved any more: i", s.Name), u.theme.failure}}
		default:
			return line{{wiref(" ✗ SAVE STOPPED %s %s: %s (i) ", s.At.Format("15:04:05"), s.Name, s.Problem), u.theme.alarm}}
		}
	}
	return nil
}

// lookAt says which session is on the screen.
func (u *ui) lookAt(session int) {
	if u.options.Look != nil && session != 0 && u.looked != session {
		u.looked = session
		u.options.Look(session)
	}
}

// tall is from how many rows on the verdict may take one more line.
const tall = 36

// more stands where words had to be left out.
const more clean = " …"

// stateLines is how the current session stands: the judgement on it, in brief where there is
// little room, and behind it what to do next. What does not fit is cut behind a word. It takes a line for a login that worked, two for
// one that failed, one more on a tall screen. The event it stands on has all of it.
func (u *ui) stateLines(width, height int) []line {
	c := u.current()
	o := &c.Overview
	switch {
	case c.ID != 0:
	case u.live():
		return []line{{{" ○ waiting for the first client", u.theme.strong}}}
	default:
		return []line{{{" ○ no sessions", u.theme.strong}}}
	}
	sign, style := u.sign(o)
	words, said, most := u.standing(o), u.theme.strong, 1
	if o.State == session.Failed {
		said, most = u.theme.failure, 2
	}
	if o.Verdict != "" {
		if words = o.Verdict; o.State == session.LoggedIn && o.Ended {
			words = "ended: " + words
		}
	}
	if height >= tall {
		most++
	}
	if height < roomy {
		most = 1
	}
	l := line{{" " + sign + " ", style}, {wire(words), said}}
	if len(l.wrap(width-1, 3)) > most && o.Verdict != "" && o.State == session.Failed {
		l[1].text = wire(o.Brief()) // what it is about may be cut, the cause not
	}
	if touched := o.TouchedBy(); touched != "" && !strings.Contains(words, touched) {
		l = append(l, span{"  ◆ " + wire(touched), u.theme.notice})
	}
	if o.Advice != "" {
		l = append(l, span{"  → " + wire(o.Advice), u.theme.faint})
	}
	lines := l.wrap(width-1, 3)
	if len(lines) <= most {
		return lines
	}
	last := lines[most-1].wrap(max(1, width-1-more.width()), 0)[0]
	last[len(last)-1].text = last[len(last)-1].text.trimmed() + more
	return append(lines[:most-1], last)
}

// modes are the flags on the right of the first line.
func (u *ui) modes() line {
	var out line
	flag := func(on bool, text clean, style tcell.Style) {
		if on {
			out = append(out, span{text, style}, span{" ", u.theme.text})
		}
	}
	text, style := u.readingMode()
	flag(text != "", text, style)
	if u.options.Behind != nil {
		behind := u.options.Behind()
		flag(behind > time.Second, wiref(" %s BEHIND ", behind.Round(time.Second)), u.theme.notice.Reverse(true))
	}
	flag(u.expr != "", " FILTER ", u.theme.warning.Reverse(true))
	flag(u.expr == "" && u.options.Filter != nil, " FILTERED ", u.theme.warning.Reverse(true))
	flag(u.exporting, " WRITING ", u.theme.notice.Reverse(true))
	flag(u.bare, " NOISE HIDDEN ", u.theme.faint.Reverse(true))
	if u.stopped() {
		flag(u.follow, " FOLLOW PAUSED ", u.theme.faint.Reverse(true))
	} else {
		flag(u.follow, " FOLLOW ", u.theme.good.Reverse(true))
	}
	flag(u.reveal, " SECRETS REVEALED ", u.theme.alarm)
	flag(u.model.Limit != "", " LIMIT ", u.theme.warning.Reverse(true))
	flag(u.model.Lost > 0, " LOST ", u.theme.failure.Reverse(true))
	return out
}
