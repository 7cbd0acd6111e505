package viewer

import (
	"cmp"
	"fmt"
	"slices"

	"xmppscope/internal/inspect"
	"xmppscope/session"
)

// severityWords say how bad a finding is.
var severityWords = map[session.Severity]clean{session.Error: "breaks", session.Warning: "should", session.Notice: "notice"}

// findingSorts are the orders of the findings.
var findingSorts = []struct {
	name    string
	compare func(a, b inspect.FindingKind) int
}{
	{"severity", func(a, b inspect.FindingKind) int { return cmp.Compare(b.Severity, a.Severity) }},
	{"count", func(a, b inspect.FindingKind) int { return b.Count - a.Count }},
	{"first", func(a, b inspect.FindingKind) int { return a.Places[0].Index - b.Places[0].Index }},
	{"who", func(a, b inspect.FindingKind) int { return cmp.Compare(a.By, b.By) }},
	{"check", func(a, b inspect.FindingKind) int { return cmp.Compare(a.Rule, b.Rule) }},
}

// showFindings lists the kinds of what was found in the session, or in all.
func (u *ui) showFindings(all bool) {
	c := u.current()
	if c.ID == 0 {
		u.say(notice, "there is no session yet")
		return
	}
	title := func() clean {
		if all {
			return "Findings · all sessions"
		}
		return wiref("Findings · session %d", c.ID)
	}
	list := func() []inspect.FindingKind {
		of := []*inspect.Conversation{c}
		if all {
			of = u.model.Sessions
		}
		out := inspect.Findings(of)
		kept := out[:0]
		for _, f := range out {
			if !u.ignored[f.Rule] {
				kept = append(kept, f)
			}
		}
		slices.SortStableFunc(kept, findingSorts[u.findingsBy].compare)
		return kept
	}
	chosen := func() (inspect.FindingKind, bool) {
		if found := list(); u.picked < len(found) {
			return found[u.picked], true
		}
		return inspect.FindingKind{}, false
	}
	u.show(sheet{
		title: title(),
		hint:  "Enter places  x ignore check  X undo  l this/all  o sort  e export",
		text: func(p *textBlock) {
			found := list()
			places := 0
			for _, f := range found {
				places += f.Count
			}
			p.gap()
			if len(found) == 0 {
				p.add(1, span{" ✓ no findings", p.theme.good}, u.ignoredSpan())
				return
			}
			p.add(1, span{wiref(" %s, %s", inspect.Count(len(found), "kind"), inspect.Count(places, "place")), p.theme.strong}, u.ignoredSpan(), span{wiref(" · sorted by %s", findingSorts[u.findingsBy].name), p.theme.faint})
			p.gap()
			heading := clean("   severity  who       count   first  check")
			if p.width >= findingWide {
				heading += "               text"
			}
			p.add(1, span{heading, p.theme.faint})
			for i := range found {
				p.finding(&found[i], all, func() { u.showPlaces(found[i], all) })
			}
		},
		keys: map[rune]func(){
			'l': func() { u.showFindings(!all) },
			'o': func() { u.findingsBy = (u.findingsBy + 1) % len(findingSorts) },
			'X': func() { clear(u.ignored) },
			'x': func() {
				if f, ok := chosen(); ok {
					u.ignored[f.Rule] = true
					u.say(notice, "%s is ignored; X undoes that", f.Rule)
				}
			},
			'e': func() {
				if f, ok := chosen(); ok && u.options.Export != nil {
					u.overlay = noOverlay
					indexes := make([]int, len(f.Places))
					for i := range f.Places {
						indexes[i] = f.Places[i].Index
					}
					u.askExportFile(export{Pick: u.whole().At(indexes), what: "the events with " + f.Rule, path: u.exportName("findings")})
				}
			},
		},
	})
}

func (u *ui) ignoredSpan() span {
	if len(u.ignored) == 0 {
		return span{"", u.theme.faint}
	}
	return span{wiref(" · %s ignored", inspect.Count(len(u.ignored), "check")), u.theme.warning}
}

// findingWide is the width from which on the text of a finding has room on its line.
const findingWide = 110

// finding is a line on a kind of finding; where there is little room, its text stands below.
func (p *textBlock) finding(f *inspect.FindingKind, all bool, enter func()) {
	from, tone := len(p.lines), inspect.ToneOf(f.Severity)
	first := f.Places[0]
	where := fmt.Sprint("#", first.Seq)
	if all {
		where = fmt.Sprintf("%d#%d", first.Session.ID, first.Seq)
	}
	about := line{{" " + mark(tone) + " ", p.theme.of(tone)}, {severityWords[f.Severity].pad(10), p.theme.of(tone)}, {wire(f.By).pad(8), p.theme.text},
		{wire(inspect.Number(f.Count)).padLeft(7) + " ", p.theme.strong}, {wire(where).padLeft(7) + "  ", p.theme.accent},
		{wire(f.Rule).pad(20), p.theme.faint}}
	if text := (span{wire(f.Text), p.theme.text}); p.width >= findingWide {
		p.lines = append(p.lines, append(about, text).fit(p.width))
	} else {
		p.lines = append(p.lines, about.fit(p.width))
		p.add(3, span{"   ", p.theme.text}, text)
	}
	p.offer(from, enter)
}

// placesListed bounds the list of the places of a finding.
const placesListed = 500

// showPlaces lists the events with a finding; Enter goes there.
func (u *ui) showPlaces(f inspect.FindingKind, all bool) {
	type row struct {
		inspect.FoundAt
		l line
	}
	var rows []row
	for _, at := range f.Places[:min(len(f.Places), placesListed)] {
		e := u.events.At(at.Index)
		if e == nil {
			continue
		}
		shown := session.Shown(e, u.reveal)
		r := inspect.NewRow(&shown)
		said := wire(r.Title)
		if r.More != "" {
			said += "  " + wire(r.More)
		}
		rows = append(rows, row{at, line{
			{wiref(" %4d ", at.Session.ID), u.theme.faint}, {wire(fmt.Sprint("#", at.Seq)).padLeft(7) + "  ", u.theme.accent},
			{seconds(e.At.Sub(at.Session.Began)).padLeft(9) + "  ", u.theme.faint}, {said, u.theme.text},
		}})
	}
	u.show(sheet{
		title: wiref("%s · %s", f.Rule, inspect.Count(f.Count, "place")),
		hint:  "Enter goes there  l back to the findings",
		text: func(p *textBlock) {
			p.gap()
			p.sentence(&session.Note{Severity: f.Severity, Text: f.Text, Ref: f.Ref})
			p.gap()
			for _, r := range rows {
				from := len(p.lines)
				p.lines = append(p.lines, r.l.fit(p.width))
				p.offer(from, func() { u.visit(r.Session, r.Seq) })
			}
			if more := f.Count - len(rows); more > 0 {
				p.add(1, span{wiref(" … and %s more", inspect.Number(more)), p.theme.faint})
			}
		},
		keys: map[rune]func(){'l': func() { u.showFindings(all) }},
	})
}

// ignores says that all that was found at an event is ignored.
func (u *ui) ignores(index int) bool {
	if len(u.ignored) == 0 {
		return false
	}
	e := u.events.At(index)
	if e == nil || inspect.IsFailure(e) {
		return false
	}
	any := false
	for i := range e.Notes {
		if n := &e.Notes[i]; n.Severity >= session.Notice {
			any = true
			if !u.ignored[n.Rule] {
				return false
			}
		}
	}
	return any
}

// barWidth is how wide the whole login is in a summary.
const barWidth = 40

// summary is how a session went, below the event that ends it: the verdict, where the time
// of the login went, what passed, what was found.
func (p *textBlock) summary(c *inspect.Conversation) {
	o := &c.Overview
	p.heading("The session")
	said := o.Verdict
	if said == "" {
		said = o.Outcome()
	}
	p.add(3, span{"   " + wire(said), p.theme.text})
	if o.Advice != "" {
		p.add(5, span{"   → ", p.theme.accent}, span{wire(o.Advice), p.theme.text})
	}
	phases := o.Phases()
	total := int64(0)
	for _, f := range phases {
		total += int64(f.Took)
	}
	begin := int64(0)
	for _, f := range phases {
		before := int(begin * barWidth / max(total, 1))
		begin += int64(f.Took)
		length := max(1, int(begin*barWidth/max(total, 1))-before)
		p.add(0, span{"   " + wire(f.Name).pad(16), p.theme.faint}, span{spaces(before), p.theme.text}, span{repeat("━", length), p.theme.accent},
			span{spaces(barWidth-before-length+1) + wire(session.ShortTime(f.Took)), p.theme.text})
	}
	p.add(3, span{"   " + wire(inspect.Count(o.Events, "event")+", "+inspect.Count(o.Stanzas, "stanza")+", "+inspect.Count(o.Trips, "round trip")+" in the login, "+session.ShortTime(o.Last.Sub(o.Began))+" long"), p.theme.text})
	found := inspect.Findings([]*inspect.Conversation{c})
	if len(found) == 0 {
		p.add(3, span{"   ✓ no findings", p.theme.good})
	}
	for i := range found[:min(len(found), 5)] {
		f := &found[i]
		tone := inspect.ToneOf(f.Severity)
		p.add(5, span{"   " + mark(tone) + " ", p.theme.of(tone)}, span{wiref("%s × %s  ", inspect.Number(f.Count), f.Rule), p.theme.faint}, span{wire(f.Text), p.theme.text}, span{wiref("  #%d", f.Places[0].Seq), p.theme.accent})
	}
	if len(found) > 0 {
		p.add(3, span{"   l lists the findings", p.theme.faint})
	}
}
