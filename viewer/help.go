package viewer

// help is the keys, the mouse and the signs: in one column where that fits, else
// in two, with shorter words where it must be, or one below the other with those.
func (u *ui) help() []line {
	width, height := u.page.w-1, u.page.room()
	long := u.helpIn(1, width, false)
	if len(long) <= height {
		return long
	}
	if two := u.helpIn(2, width, false); two != nil && len(two) <= height {
		return two
	}
	for columns := 2; columns <= 3; columns++ {
		if brief := u.helpIn(columns, width, true); brief != nil && len(brief) <= height {
			return brief
		}
	}
	return u.helpIn(1, width, true)
}

// signs is what the marks before a row say.
var signs = []struct {
	tone       tone
	says, tiny string
}{
	{failure, "breaks a MUST, or made the login fail", "breaks a MUST"},
	{warning, "breaks a SHOULD, or is risky", "breaks a SHOULD"},
	{notice, "legal, but worth a look", "worth a look"},
}

// helpIn lays the help out in columns; nil if a row is too long for them, unless
// there is one only: then it is wrapped.
func (u *ui) helpIn(columns, width int, brief bool) []line {
	keys, mouse := u.keys.table(), mouseTable
	if brief {
		keys, mouse = u.keys.brief(), mouseBrief
	}
	p := &textBlock{theme: &u.theme, width: width}
	label := 0
	for _, row := range append(keys, mouse...) {
		label = max(label, wire(row[0]).width())
	}
	table := helpTable{textBlock: p, columns: columns, label: label + 1, each: width / columns}
	if !brief {
		p.heading("Keys")
	}
	table.add(keys)
	if !brief {
		p.heading("Mouse")
	}
	table.add(mouse)
	if !brief {
		p.heading("Signs")
		for _, s := range signs {
			p.add(label+6, span{"   " + mark(s.tone).pad(label+2), u.theme.of(s.tone)}, span{wire(s.says), u.theme.text})
		}
	} else {
		var l line
		for _, s := range signs {
			l = append(l, span{" " + mark(s.tone) + " ", u.theme.of(s.tone)}, span{wire(s.tiny) + "  ", u.theme.text})
		}
		p.add(1, l...)
	}
	if table.tooLong {
		return nil
	}
	return p.lines
}

// helpTable adds rows to a page, column by column.
type helpTable struct {
	*textBlock
	columns, label, each int
	tooLong              bool // a row did not fit its column
}

func (t *helpTable) add(rows [][2]string) {
	down := (len(rows) + t.columns - 1) / t.columns
	for i := range down {
		var l line
		for c := 0; c < t.columns; c++ {
			at := c*down + i
			if at >= len(rows) {
				break
			}
			cell := line{{" " + wire(rows[at][0]).pad(t.label), t.theme.accent}, {wire(rows[at][1]), t.theme.text}}
			if w := cell.width(); t.columns > 1 {
				t.tooLong = t.tooLong || w >= t.each
				cell = append(cell, span{spaces(t.each - w), t.theme.text})
			}
			l = append(l, cell...)
		}
		t.textBlock.add(t.label+3, l...)
	}
}
