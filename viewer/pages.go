package viewer

import "strings"

// pageText is the text of the page over the panes: help, or the start screen.
func (u *ui) pageText() []line {
	p := &page{theme: &u.theme, width: u.page.w - 1}
	if u.overlay == helpPage {
		u.help(p)
	} else {
		u.setup(p)
	}
	return p.lines
}

func (u *ui) pageCaption(int) line {
	if u.overlay == helpPage {
		return line{{"Keys and mouse", u.theme.focused}, {" · ? or Esc goes back", u.theme.faint}}
	}
	return line{{"Set up a client", u.theme.focused}, {" · i or Esc goes to the sessions", u.theme.faint}}
}

// help is the key table and the mouse's.
func (u *ui) help(p *page) {
	column := 0
	for _, row := range append(KeyTable(), mouseTable...) {
		column = max(column, wire(row[0]).width())
	}
	p.heading("Keys")
	table := func(rows [][2]string) {
		for _, row := range rows {
			key := "   " + wire(row[0]).pad(column+2)
			p.add(column+6, span{key + " ", u.theme.accent}, span{wire(row[1]), u.theme.text})
		}
	}
	table(KeyTable())
	p.heading("Mouse")
	table(mouseTable)
	p.heading("Signs")
	for _, t := range []struct {
		tone tone
		says clean
	}{
		{failure, "breaks a MUST, or made the login fail"},
		{warning, "breaks a SHOULD, or is risky"},
		{notice, "legal, but worth a look"},
	} {
		p.add(column+6, span{"   " + t.tone.mark().pad(column+3), u.theme.of(t.tone)}, span{t.says, u.theme.text})
	}
}

// setup is the start screen: what to set in a client, and whether one came.
func (u *ui) setup(p *page) {
	p.gap()
	for _, text := range u.options.Start {
		for _, l := range wireLines(text) {
			style := u.theme.text
			body := strings.TrimLeft(string(l), " ")
			if len(body) == len(l) && strings.HasSuffix(body, ":") {
				style = u.theme.title
			}
			p.add(len(l)-len(body)+2, span{" " + l, style})
		}
	}
	p.gap()
	if !u.came {
		if u.options.Live {
			p.add(1, span{" ○ waiting for the first client …", u.theme.warning})
		}
		return
	}
	p.add(1, span{wiref(" ✓ %s so far", count(len(u.model.sessions), "session")), u.theme.good})
	last := u.model.sessions[len(u.model.sessions)-1]
	sign, style := u.sign(&last.Overview)
	p.add(3, span{" " + sign + " ", style}, span{wiref("the last: %s", standing(&last.Overview)), u.theme.text})
}
