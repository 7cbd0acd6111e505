package compare

import (
	"fmt"
	"strings"
	"time"

	"xmppscope/internal/columns"
	"xmppscope/session"
)

// Line is one line of a comparison laid out for a person.
type Line struct {
	Kind LineKind
	Text string
	A, B uint64 // Seq of the step's first event in each session that it is about; 0 for none
}

// LineKind says what a line is, so that it can be coloured.
type LineKind uint8

// The kinds of lines.
const (
	Plain    LineKind = iota
	Headline          // the sentence
	Step              // a step that both sides have
	FromA             // what A alone has
	FromB             // what B alone has
	Faint             // what does not matter
)

// Layout says how a comparison is laid out. The zero value is 80 columns wide and
// leaves out what does not matter.
type Layout struct {
	Width   int  // in columns; 0 is 80
	Details bool // show differences that do not matter too
	Times   bool // show how long it took
	// HowDetails and HowIDs say how to see what is left out, ": --details"; "" if there
	// is nothing to say.
	HowDetails, HowIDs string
}

// Render lays a comparison out: the sentence, the two sides in short, and then the
// ladder with what differs below each step, as "-" of A and "+" of B.
func Render(r Result, o Layout) []Line {
	p := &sheet{width: max(o.Width, 40), layout: o}
	if o.Width == 0 {
		p.width = 80
	}
	p.wrap(Headline, "", r.Sentence)
	p.add(Plain, "")
	p.side("A", r.A)
	p.side("B", r.B)
	p.add(Plain, "")
	p.add(Faint, "     A     B")
	p.rows(r.Rows)
	p.other(r.Other)
	if r.Beyond > 0 {
		p.wrap(Faint, "", fmt.Sprintf("%d steps more were too many to compare", r.Beyond))
	}
	if o.Times {
		p.times(r.Times)
	}
	p.silent(r.Ignored)
	return p.lines
}

// silent says what was left out.
func (p *sheet) silent(ignored int) {
	var parts []string
	if p.hidden > 0 {
		parts = append(parts, fmt.Sprintf("details that do not matter (%d)", p.hidden)+p.layout.HowDetails)
	}
	if ignored > 0 {
		parts = append(parts, fmt.Sprintf("ids, nonces and addresses that differ (%d)", ignored)+p.layout.HowIDs)
	}
	if len(parts) > 0 {
		p.add(Faint, "")
		p.wrap(Faint, "", "not shown: "+strings.Join(parts, "; "))
	}
}

// sheet is a comparison in the making.
type sheet struct {
	lines  []Line
	width  int
	layout Layout
	hidden int    // details that were left out
	a, b   uint64 // of the row that lines are added for
}

func (p *sheet) add(k LineKind, text string) {
	p.lines = append(p.lines, Line{k, strings.TrimRight(text, " "), p.a, p.b})
}

// wrap adds text that begins with head, and goes on below its end.
func (p *sheet) wrap(k LineKind, head, text string) {
	indent := columns.Of(head)
	for i, line := range wrapped(text, p.width-indent) {
		if i > 0 {
			head = strings.Repeat(" ", indent)
		}
		p.add(k, head+line)
	}
}

func (p *sheet) side(letter string, s Side) {
	head := strings.TrimSpace(fmt.Sprintf("%s, session %d", s.Name, s.Session))
	head = strings.TrimPrefix(head, ", ")
	if s.Domain != "" {
		head += " with " + s.Domain
	}
	text := head + ": " + s.State
	if s.Verdict != "" {
		text = head + ": " + s.Verdict
	}
	p.wrap(Plain, letter+"  ", text)
}

// rows shows steps. A run of steps that are the same on both sides takes one line.
func (p *sheet) rows(rows []Row) {
	for i := 0; i < len(rows); {
		n := 0
		for i+n < len(rows) && p.quiet(&rows[i+n]) {
			n++
		}
		if n > 2 {
			p.run(rows[i : i+n])
			i += n
			continue
		}
		p.row(&rows[i])
		i++
	}
}

// blamed is the sign of what the sentence blames.
const blamed = "  ◄"

// quiet says whether there is nothing to show of a row.
func (p *sheet) quiet(r *Row) bool {
	return r.Mark == Same && !r.Cause && (len(r.Differences) == 0 || !p.layout.Details)
}

func (p *sheet) run(rows []Row) {
	first, last := &rows[0], &rows[len(rows)-1]
	p.a, p.b = seqOf(first.A), seqOf(first.B)
	defer func() { p.a, p.b = 0, 0 }()
	for i := range rows {
		p.hidden += len(rows[i].Differences)
	}
	p.wrap(Faint, fmt.Sprintf("%6s%6s    ", span(first.A, last.A), span(first.B, last.B)),
		fmt.Sprintf("the same: %s … %s", first.Title, last.Title))
}

func span(first, last *Place) string { return fmt.Sprintf("#%d–%d", first.Seq, last.Seq) }

func number(at *Place) string {
	if at == nil {
		return ""
	}
	return fmt.Sprintf("#%d", at.Seq)
}

func seqOf(at *Place) uint64 {
	if at == nil {
		return 0
	}
	return at.Seq
}

func (p *sheet) row(r *Row) {
	p.a, p.b = seqOf(r.A), seqOf(r.B)
	defer func() { p.a, p.b = 0, 0 }()
	kind, sign := Faint, " "
	switch r.Mark {
	case Changed:
		kind, sign = Step, "~"
	case OnlyA:
		kind, sign = FromA, "-"
	case OnlyB:
		kind, sign = FromB, "+"
	}
	text := r.Title
	if r.About != "" {
		text += ": " + r.About
	}
	if r.Cause {
		text += blamed
	}
	p.wrap(kind, fmt.Sprintf("%6s%6s  %s ", number(r.A), number(r.B), sign), text)
	p.differences(r.Differences)
}

const (
	indent = 17 // of the name of what differs
	column = 42 // of the values
)

func (p *sheet) differences(all []Difference) {
	for i := range all {
		d := &all[i]
		if d.Weight == Detail && !p.layout.Details {
			p.hidden++
			continue
		}
		p.difference(d)
	}
}

// difference shows the name of what differs, and the values beside it; below it, if
// they would have to be broken up.
func (p *sheet) difference(d *Difference) {
	name := d.What
	if d.Weight == Cause {
		name += blamed
	}
	at, head := column, strings.Repeat(" ", indent)+padded(name, column-indent)
	if need := max(widest(joined(d.A)), widest(joined(d.B))); column+len("- ")+need > p.width {
		at = indent + 2
	}
	if columns.Of(name) >= column-indent || at < column {
		p.add(p.kind(d, Step), head)
		head = strings.Repeat(" ", at)
	}
	for _, x := range []struct {
		kind   LineKind
		sign   string
		values []string
	}{{FromA, "- ", d.A}, {FromB, "+ ", d.B}} {
		text := joined(x.values)
		if text == "" {
			if d.List || d.Finding {
				continue
			}
			text = "none"
		}
		p.wrap(p.kind(d, x.kind), head+x.sign, text)
		head = strings.Repeat(" ", at)
	}
}

// joined lists values, with commas where spaces would not do.
func joined(values []string) string {
	text := strings.Join(values, " ")
	if strings.Count(text, " ") >= len(values) {
		return strings.Join(values, ", ")
	}
	return text
}

func (p *sheet) kind(d *Difference, k LineKind) LineKind {
	if d.Weight == Detail {
		return Faint
	}
	return k
}

func (p *sheet) other(all []Difference) {
	before := len(p.lines)
	p.differences(all)
	if len(p.lines) > before {
		rest := append([]Line{}, p.lines[before:]...)
		p.lines = append(append(p.lines[:before], Line{Kind: Step, Text: strings.Repeat(" ", 14) + "~ between the steps"}), rest...)
	}
}

func (p *sheet) times(all []Time) {
	for i := range all {
		t := &all[i]
		switch {
		case i == 0:
			p.heads("time from the start")
		case t.Step && !all[i-1].Step:
			p.heads("steps that took longest on one side")
		}
		p.add(Plain, strings.Repeat(" ", 14)+padded(t.What, 36)+fmt.Sprintf("%12s%12s", duration(t.A), duration(t.B)))
	}
}

func (p *sheet) heads(what string) {
	p.add(Plain, "")
	p.add(Faint, fmt.Sprintf("%14s%-36s%12s%12s", "", what, "A", "B"))
}

func duration(d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return session.ShortTime(d)
}
